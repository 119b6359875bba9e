"""What the detector shall answer for a page: the core of each line."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from zorky_server.tasks.handwriting.detector import CORE

from .ink import Points
from .sheet import Band

_SHIFT = 4
"""Bits of a pixel's fraction that OpenCV is given."""
_SMALLEST = 7.0
"""Pixels: lines less high are neither asked for nor punished."""


def core_map(bands: Sequence[Band], scale: float, size: tuple[int, int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """(h, w) maps for size (h, w): 1 inside the lines' cores; and 1 where an answer counts.

    scale: pixels of the map for one pixel of the bands' picture.
    """
    target, counts = np.zeros(size, np.uint8), np.ones(size, np.uint8)
    for band in bands:
        top, bottom = band.top * scale, band.bottom * scale
        if _height(top, bottom) < _SMALLEST:
            cv2.fillPoly(counts, [_fixed(np.concatenate((top, bottom[::-1])))], 0, cv2.LINE_8, _SHIFT)
        else:
            cv2.fillPoly(target, [_fixed(core(top, bottom))], 1, cv2.LINE_8, _SHIFT)
    return target, counts


def core(top: Points, bottom: Points) -> Points:
    """The outline (2n, 2) of a band shrunk on all sides so that CORE of its height is left."""
    height = _height(top, bottom)
    length = float(np.linalg.norm(np.diff((top + bottom) / 2, axis=0), axis=1).sum())
    cut = (1 - CORE) / 2 * min(height, length)
    at = np.linspace(cut / max(length, 1e-6), 1 - cut / max(length, 1e-6), len(top)) * (len(top) - 1)
    top, bottom = (_interpolated(edge, at) for edge in (top, bottom))
    inward = (bottom - top) * (cut / max(height, 1e-6))
    return np.concatenate((top + inward, (bottom - inward)[::-1]))


def _height(top: Points, bottom: Points) -> float:
    return float(np.linalg.norm(bottom - top, axis=1).mean())


def _interpolated(edge: Points, at: NDArray[np.float64]) -> Points:
    steps = np.arange(len(edge))
    return np.stack([np.interp(at, steps, edge[:, axis]) for axis in (0, 1)], 1).astype(np.float32)


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.round(points * (1 << _SHIFT)).astype(np.int32)
