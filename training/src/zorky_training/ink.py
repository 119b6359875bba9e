"""Ink as geometry: filled letters and pen strokes, deformed as points and drawn only at the very end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Points = NDArray[np.float32]
"""(N, 2): x to the right, y down, the baseline at y = 0, one x-height long units."""
Mask = NDArray[np.uint8]
"""(H, W): 0 paper, 255 full ink."""

_Number = TypeVar("_Number", np.float32, np.int32)
_SUPERSAMPLING = 2
_SHIFT = 4
"""Bits of a pixel's fraction that OpenCV is given."""


@dataclass
class Ink:
    """One line of writing before it is drawn.

    fills: the contours of each letter of a font, those of holes running the other way. strokes: the paths of a pen.
    width: how far the text itself reaches.
    """

    fills: list[list[Points]] = field(default_factory=list)
    strokes: list[Points] = field(default_factory=list)
    width: float = 0.0

    def paths(self) -> list[Points]:
        return [path for letter in self.fills for path in letter] + self.strokes

    def moved(self, points: Points) -> Ink:
        """The same ink with all its points, in the order of paths(), replaced."""
        parts = split(points, self.paths())
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


def split(array: NDArray[_Number], like: Iterable[Points]) -> Iterator[NDArray[_Number]]:
    """An array cut into pieces as long as those of `like`."""
    end = 0
    for piece in like:
        start, end = end, end + len(piece)
        yield array[start:end]


def draw(ink: Ink, pen: Pen, scale: float, origin: tuple[float, float], size: tuple[int, int]) -> Mask:
    """Draws ink on a mask.

    scale: pixels an x-height. origin: (x, y) in pixels of the baseline's start. size: (height, width) of the mask.
    """
    height, width = size
    canvas = np.zeros((height * _SUPERSAMPLING, width * _SUPERSAMPLING), np.uint8)
    zoom = np.float32(scale * _SUPERSAMPLING)
    offset = np.array(origin, np.float32) * _SUPERSAMPLING
    if ink.fills:
        _fill(canvas, ink.fills, zoom, offset)
        canvas = _emboldened(canvas, pen.embolden * _SUPERSAMPLING)
    if ink.strokes:
        _stroke(canvas, ink.strokes, pen, zoom, offset)
    return np.asarray(cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.asarray(np.rint(points * np.float32(1 << _SHIFT)), np.int32)


def _fill(canvas: Mask, letters: list[list[Points]], zoom: np.float32, offset: Points) -> None:
    """Letter by letter: contours that run clockwise as seen are inked, the others are holes in them."""
    contours = [path for letter in letters for path in letter]
    fixed = split(_fixed(np.concatenate(contours) * zoom + offset), contours)
    for letter in letters:
        drawn = [next(fixed) for _ in letter]
        outer = [is_outer(path) for path in letter]
        if sum(outer) == 1:  # then every other is a hole in it, and the even-odd rule leaves them out
            cv2.fillPoly(canvas, drawn, 255, cv2.LINE_AA, _SHIFT)
            continue
        for inked in (True, False):
            for path, is_ink in zip(drawn, outer, strict=True):
                if is_ink == inked:
                    cv2.fillPoly(canvas, [path], 255 if inked else 0, cv2.LINE_AA, _SHIFT)


def is_outer(contour: Points) -> bool:
    """Whether a contour runs as the outline of ink does, and not as that of a hole (shoelace formula, y down)."""
    x, y = contour[:, 0], contour[:, 1]
    return bool(x[:-1] @ y[1:] - x[1:] @ y[:-1] + x[-1] * y[0] - x[0] * y[-1] > 0)


def _emboldened(canvas: Mask, pixels: float) -> Mask:
    if abs(pixels) < 0.5:
        return canvas
    size = 1 + 2 * max(1, round(abs(pixels) / 2))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    if pixels > 0:
        return np.asarray(cv2.dilate(canvas, kernel), np.uint8)
    return np.asarray(cv2.addWeighted(cv2.erode(canvas, kernel), 0.7, canvas, 0.3, 0), np.uint8)


def _stroke(canvas: Mask, strokes: list[Points], pen: Pen, zoom: np.float32, offset: Points) -> None:
    """The pen's paths in pieces, each as thick as its direction asks; pieces of one thickness are drawn together."""
    lengths = np.array([len(path) for path in strokes])
    points = np.concatenate(strokes) * zoom + offset
    steps = np.diff(points, axis=0)
    down = np.maximum(steps[:, 1], 0) / (np.hypot(steps[:, 0], steps[:, 1]) + np.float32(1e-6))
    thickness = np.maximum(1, np.rint(pen.width * zoom * (1 + pen.contrast * (down - 0.5)))).astype(np.int32)
    ends = np.cumsum(lengths)
    thickness[ends[:-1] - 1] = 0  # no ink between one stroke's end and the next one's start
    cuts = np.flatnonzero(np.diff(thickness)) + 1
    starts, stops = [0, *cuts.tolist()], [*cuts.tolist(), len(thickness)]
    pieces: dict[int, list[NDArray[np.int32]]] = {}
    fixed = _fixed(points)
    for start, stop in zip(starts, stops, strict=True):
        if start < stop and thickness[start]:
            pieces.setdefault(int(thickness[start]), []).append(fixed[start : stop + 1])
    for width, paths in pieces.items():
        cv2.polylines(canvas, paths, False, 255, width, cv2.LINE_AA, _SHIFT)
    radius = round(pen.width * float(zoom) * 0.6 * (1 << _SHIFT))
    for dot in (ends - 1)[lengths == 1].tolist():
        cv2.circle(canvas, fixed[dot].tolist(), radius, 255, -1, cv2.LINE_AA, _SHIFT)


def deform(ink: Ink, rng: Generator, strength: float) -> Ink:
    """Slant, baseline wander, size drift and a smooth warp of the whole line; strength 1 is a lively hand."""
    points = ink.points()
    if not len(points):
        return ink
    x, y = points[:, 0], points[:, 1]
    slant = np.tan(np.radians(rng.uniform(-20, 42) if rng.random() < 0.8 else 0.0)) * min(strength, 1)
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
        total += np.sin(at * np.float32(frequency) + np.float32(rng.uniform(0, 6.28))) * np.float32(rng.normal(0, size))
    return total
