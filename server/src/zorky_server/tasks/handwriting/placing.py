"""Where things stand: between the turned and reduced picture that is worked on and the picture as it is viewed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .lines import side_lengths, slope
from .picture import OpenedPicture
from .values import Line, Picture, Quad


def quad_of_whole(pixels: Picture) -> Quad:
    """The quad around a whole picture."""
    height, width = pixels.shape[:2]
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)


def to_viewed(line: Line, quarters: int, opened: OpenedPicture) -> Line:
    """A line and its words with quads in the picture as it is viewed, from the working pixels turned by `quarters`."""
    own, *others = _viewed_quads(np.stack([line.quad, *(word.quad for word in line.words)]), quarters, opened)
    words = tuple(replace(word, quad=quad) for word, quad in zip(line.words, others, strict=True))
    return replace(line, quad=own, words=words)


def _viewed_quads(quads: NDArray[np.float32], quarters: int, opened: OpenedPicture) -> NDArray[np.float32]:
    """quads: (n, 4, 2)."""
    height, width = opened.pixels.shape[:2]
    x, y = quads[..., 0], quads[..., 1]
    back = {0: (x, y), 1: (y, height - x), 2: (width - x, height - y), 3: (width - y, x)}[quarters]
    size = np.array([opened.width, opened.height], np.float32)
    viewed = np.stack(back, axis=-1) * size / np.array([width, height], np.float32)
    return np.asarray(np.clip(viewed, 0, size), np.float32)


def skew_degrees(quads: Sequence[Quad]) -> float | None:
    """Median slope of the quads in degrees, positive where they fall to the right. None without quads."""
    if not quads:
        return None
    return math.degrees(np.median([slope(quad) for quad in quads]))


def line_height(quads: Sequence[Quad]) -> float:
    """Median height of the quads, across the text, in pixels."""
    return float(np.median([side_lengths(quad)[1] for quad in quads]))
