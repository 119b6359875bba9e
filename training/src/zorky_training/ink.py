"""Ink as geometry: filled letters and pen strokes, deformed as points and drawn only at the very end."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Points = NDArray[np.float32]
"""(N, 2): x to the right, y down, the baseline at y = 0, one x-height long units."""
Mask = NDArray[np.uint8]
"""(H, W): 0 paper, 255 full ink."""

_SUPERSAMPLING = 2
_SHIFT = 4
"""Bits of a pixel's fraction that OpenCV is given."""


@dataclass
class Ink:
    """One line of writing before it is drawn.

    fills: the contours of each letter of a font. strokes: the paths of a pen. width: how far the text itself reaches.
    """

    fills: list[list[Points]] = field(default_factory=list)
    strokes: list[Points] = field(default_factory=list)
    width: float = 0.0

    def paths(self) -> list[Points]:
        return [path for letter in self.fills for path in letter] + self.strokes

    def moved(self, points: Points) -> Ink:
        """The same ink with all its points, in the order of paths(), replaced."""
        parts = iter(np.split(points, np.cumsum([len(path) for path in self.paths()])[:-1]))
        fills = [[next(parts) for _ in letter] for letter in self.fills]
        return Ink(fills, [next(parts) for _ in self.strokes], self.width)

    def points(self) -> Points:
        paths = self.paths()
        return np.concatenate(paths) if paths else np.zeros((0, 2), np.float32)

    def joined(self, other: Ink) -> Ink:
        return Ink(self.fills + other.fills, self.strokes + other.strokes, max(self.width, other.width))


@dataclass(frozen=True)
class Pen:
    """width in x-heights; contrast: how much thicker down-strokes are; embolden: pixels added to a font's strokes."""

    width: float
    contrast: float
    embolden: float


def draw(ink: Ink, pen: Pen, scale: float, origin: tuple[float, float], size: tuple[int, int]) -> Mask:
    """Draws ink on a mask.

    scale: pixels an x-height. origin: (x, y) in pixels of the baseline's start. size: (height, width) of the mask.
    """
    height, width = size
    canvas = np.zeros((height * _SUPERSAMPLING, width * _SUPERSAMPLING), np.uint8)
    zoom = scale * _SUPERSAMPLING
    offset = np.array(origin, np.float32) * _SUPERSAMPLING
    for letter in ink.fills:
        _fill(canvas, [_fixed(path * zoom + offset) for path in letter])
    if ink.fills:
        canvas = _emboldened(canvas, pen.embolden * _SUPERSAMPLING)
    for stroke in ink.strokes:
        _stroke(canvas, stroke * zoom + offset, pen, zoom)
    return np.asarray(cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.round(points * (1 << _SHIFT)).astype(np.int32)


def _fill(canvas: Mask, contours: list[NDArray[np.int32]]) -> None:
    """Nonzero winding: overlapping outer contours add up, contours that run the other way are holes."""
    areas = [cv2.contourArea(contour.astype(np.float32), oriented=True) for contour in contours]
    outward = np.sign(max(areas, key=abs, default=1.0))
    for contour, area in zip(contours, areas, strict=True):
        if np.sign(area) == outward:
            cv2.fillPoly(canvas, [contour], 255, cv2.LINE_AA, _SHIFT)
    for contour, area in zip(contours, areas, strict=True):
        if np.sign(area) == -outward:
            cv2.fillPoly(canvas, [contour], 0, cv2.LINE_AA, _SHIFT)


def _emboldened(canvas: Mask, pixels: float) -> Mask:
    if abs(pixels) < 0.5:
        return canvas
    size = 1 + 2 * max(1, round(abs(pixels) / 2))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    if pixels > 0:
        return np.asarray(cv2.dilate(canvas, kernel), np.uint8)
    return np.asarray(cv2.addWeighted(cv2.erode(canvas, kernel), 0.7, canvas, 0.3, 0), np.uint8)


def _stroke(canvas: Mask, path: Points, pen: Pen, zoom: float) -> None:
    """A pen's path in pieces, each as thick as its direction asks."""
    if len(path) < 2:
        radius = round(pen.width * zoom * 0.6 * (1 << _SHIFT))
        cv2.circle(canvas, tuple(_fixed(path[0])), radius, 255, -1, cv2.LINE_AA, _SHIFT)
        return
    steps = np.diff(path, axis=0)
    down = np.maximum(steps[:, 1], 0) / (np.hypot(steps[:, 0], steps[:, 1]) + 1e-6)
    thickness = np.maximum(1, np.round(pen.width * zoom * (1 + pen.contrast * (down - 0.5)))).astype(int)
    fixed = _fixed(path)
    cuts = np.flatnonzero(np.diff(thickness)) + 1
    for start, end in zip([0, *cuts], [*cuts, len(thickness)], strict=True):
        cv2.polylines(canvas, [fixed[start : end + 1]], False, 255, int(thickness[start]), cv2.LINE_AA, _SHIFT)


def deform(ink: Ink, rng: Generator, strength: float) -> Ink:
    """Slant, baseline wander, size drift and a smooth warp of the whole line; strength 1 is a lively hand."""
    points = ink.points()
    if not len(points):
        return ink
    x, y = points[:, 0], points[:, 1]
    slant = np.tan(np.radians(rng.uniform(-10, 40) if rng.random() < 0.8 else 0.0)) * min(strength, 1)
    drift = 1 + strength * _wave(rng, x, 12.0, 0.07)
    wander = strength * (_wave(rng, x, 15.0, 0.14) + _wave(rng, x, 3.0, 0.035))
    bend_x = strength * _wave(rng, y + 0.1 * x, 2.0, 0.05) + strength * _wave(rng, x, 2.5, 0.06)
    bend_y = strength * _wave(rng, y * 2 + x * 0.7, 2.5, 0.03)
    tilt = strength * rng.normal(0, 0.006) * x
    lean = slant + strength * _wave(rng, x, 8.0, 0.06)
    moved = np.stack((x - lean * y + bend_x, y * drift + wander + bend_y + tilt), 1)
    return ink.moved(moved.astype(np.float32))


def _wave(rng: Generator, at: Points, length: float, size: float) -> Points:
    """A smooth random curve: two sines of about the given wave length."""
    total = np.zeros_like(at)
    for _ in range(2):
        frequency = 2 * np.pi / (length * rng.uniform(0.6, 1.8))
        total += np.sin(at * frequency + rng.uniform(0, 6.28)) * rng.normal(0, size)
    return total
