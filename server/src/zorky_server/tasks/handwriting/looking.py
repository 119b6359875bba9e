"""Where the lines of a page are: seen at a glance, or by a closer look, or from further away."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from .detector import LONGEST_SIDE, MAX_ENLARGEMENT, TextLine, detector_input, lines_from_map
from .lines import side_lengths
from .values import Ask, ModelCall, Outputs, Picture

GLANCE_SIDE = 640
"""Pixels: the first look takes 0.4 of a close one's time, and most pages that people photograph need no other."""
_FAR_SIDE = 320
"""Pixels: where nothing clear is found, the page is looked at again from further away. A single word that fills the
picture is too large to be seen at full scale, or falls to pieces."""
_PLAIN = 0.87
"""Clarity of a glance that a closer look would bear out."""
_PLAIN_HEIGHT = 21.0
"""Pixels at detector scale: nine tenths of the text are as high in such a glance. Both were chosen on 16 real and 32
drawn pages."""
_CLEAR = 0.8
"""Clarity of what is taken for text: real pages reach 0.88 and more, pieces of large letters 0.72."""


def lines_of(picture: Picture) -> Generator[Ask, Outputs, list[TextLine]]:
    """The lines of text in a picture, in no particular order. Yields what the detector shall run."""
    glance = yield from _look(picture, GLANCE_SIDE)
    if glance.is_plain:
        return glance.lines
    best = glance if glance.scale == MAX_ENLARGEMENT else (yield from _look(picture, LONGEST_SIDE))
    if best.clarity < _CLEAR:
        best = max(glance, best, (yield from _look(picture, _FAR_SIDE)), key=lambda look: look.clarity)
    return best.lines


@dataclass(frozen=True, slots=True)
class _Look:
    """The lines found in a picture, in its pixels. scale: detector pixels for one of them."""

    lines: list[TextLine]
    scale: float

    @property
    def clarity(self) -> float:
        """Mean text probability of the lines, long ones counting for more; 0.0 where there are none."""
        lengths = [side_lengths(line.quad)[0] for line in self.lines]
        scored = zip(lengths, self.lines, strict=True)
        return sum(length * line.score for length, line in scored) / max(sum(lengths), 1.0)

    @property
    def is_plain(self) -> bool:
        """Would a closer look find the same?"""
        return self.clarity >= _PLAIN and self._low_height() * self.scale >= _PLAIN_HEIGHT

    def _low_height(self) -> float:
        """Pixels of the picture: a tenth of the text, by length, is as low as this or lower."""
        sides = sorted((side_lengths(line.quad) for line in self.lines), key=lambda side: side[1])
        lengths, heights = zip(*sides, strict=True)
        return float(heights[int(np.searchsorted(np.cumsum(lengths), sum(lengths) / 10))])


def _look(picture: Picture, longest_side: int) -> Generator[Ask, Outputs, _Look]:
    seen = detector_input(picture, longest_side)
    _, height, width = seen.tensor.shape
    call = ModelCall("detector", (height, width), height * width, seen.used, seen.tensor)
    (probabilities,) = yield Ask("detect", [call])
    return _Look(lines_from_map(probabilities, seen.scale, seen.size), seen.scale)
