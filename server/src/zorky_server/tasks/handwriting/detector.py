"""Finding lines of text: from a picture to the detector's input, and from its probability map to line quads.

The detector marks the core of each line: its middle CORE of the height, shortened at both ends by as much as it lost
above and below (Liao et al., Real-time Scene Text Detection with Differentiable Binarization, AAAI 2020, shrink
polygons by area and perimeter; the cores of long lines come out too thin there to tell a line's height from).
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from .light import flatten_light
from .picture import shrunk
from .values import Picture, Quad

LONGEST_SIDE = 1024
"""Pixels: pictures are scaled to it before detection, larger and (up to MAX_ENLARGEMENT) smaller ones alike."""
MAX_ENLARGEMENT = 1.5
STEP = 32
"""Pixels: the network's input is padded with white to multiples of it."""
MEAN, DEVIATION = 127.5, 127.5
"""Of 8-bit RGB: the network sees [-1, 1]."""
CORE = 0.4
"""Height of a line's core as a fraction of the line's height, in training and here."""

_INK_HEIGHT = 40
"""Pixels at detector scale: for flattening the light."""
_LEVELS = (0.5, 0.65, 0.8)
"""Probabilities at which the map is cut into pieces: the next one where the pieces look like several lines."""
_TANGLED = 1.8
"""Times its own area: a piece whose rectangle is larger may be lines that touch."""
_MIN_SCORE = 0.5
_MIN_HEIGHT = 8.0
"""Pixels at detector scale: smaller text cannot be read."""
_SPECK = 0.35
"""What is smaller than this part of the height of most text on the page is dirt."""
_MARGIN = 0.03
"""Part of a line's height added all round, so that strokes at the border are not cut."""
_MAX_GAP = 0.75
"""Fragments nearer than this many line heights, on one baseline, are one line."""
_MAX_TURN = math.radians(12)


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line that was found: its quad and the mean text probability of its core, in [0, 1]."""

    quad: Quad
    score: float


@dataclass(frozen=True, slots=True)
class DetectorInput:
    """tensor: (3, h, w) float32, h and w multiples of STEP. scale: detector pixels for one pixel of the picture."""

    tensor: NDArray[np.float32]
    scale: float
    size: tuple[int, int]
    """Width and height of the picture."""

    @property
    def used(self) -> int:
        """Pixels of the tensor that show the picture."""
        width, height = self.size
        return round(width * self.scale) * round(height * self.scale)


def detector_input(picture: Picture, longest_side: int = LONGEST_SIDE) -> DetectorInput:
    """Scales a picture, flattens its light and pads it. longest_side: pixels of the longer side at most."""
    height, width = picture.shape[:2]
    scale = min(longest_side / max(height, width), MAX_ENLARGEMENT)
    columns, rows = (max(1, round(side * scale)) for side in (width, height))
    flat = flatten_light(_scaled(picture, (columns, rows)), _INK_HEIGHT)
    tensor = np.ones((3, _padded(rows), _padded(columns)), np.float32)
    for plane, channel in zip(tensor[:, :rows, :columns], cv2.split(flat), strict=True):
        np.multiply(channel, np.float32(1 / DEVIATION), out=plane)
        plane -= np.float32(MEAN / DEVIATION)
    return DetectorInput(tensor, scale, (width, height))


def _scaled(picture: Picture, size: tuple[int, int]) -> Picture:
    if size[0] < picture.shape[1]:
        return shrunk(picture, size)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _padded(side: int) -> int:
    return -(-side // STEP) * STEP


def lines_from_map(probabilities: NDArray[np.float32], scale: float, size: tuple[int, int]) -> list[TextLine]:
    """The lines in a map (h, w) or (1, h, w) of probabilities, in no particular order, in pixels of the picture.

    scale and size: as in the DetectorInput that the map was computed from.
    """
    cores = _cores(probabilities.reshape(probabilities.shape[-2:]))
    angle = _page_angle(cores)
    rows = [_Row.around(group, angle) for group in _fragments_of_lines([_Row.around([core], angle) for core in cores])]
    text = sum(row.length for row in rows)
    least = max(_MIN_HEIGHT, _SPECK * sum(row.height * row.length / text for row in rows))
    return [TextLine(row.quad(scale, size), row.score) for row in rows if row.height >= least]


@dataclass(frozen=True, slots=True)
class _Core:
    """One connected piece of the map: outline (n, 2) in map pixels, area in pixels, sum of probabilities."""

    outline: NDArray[np.float32]
    area: float
    mass: float

    @property
    def is_tangled(self) -> bool:
        """Does it fill so little of its rectangle that it may be several lines which touch?"""
        _, longer, shorter = _box(self.outline)
        return shorter * longer > _TANGLED * self.area


def _box(outline: NDArray[np.float32]) -> tuple[float, float, float]:
    """Direction of the longer side in radians, in [-pi/4, 3pi/4); lengths of the longer and the shorter side."""
    _, (width, height), degrees = cv2.minAreaRect(outline)
    angle = math.radians(degrees if width >= height else degrees + 90)
    return (angle + math.pi / 4) % math.pi - math.pi / 4, max(width, height), min(width, height)


def _cores(probabilities: NDArray[np.float32], level: int = 0, corner: tuple[int, int] = (0, 0)) -> list[_Core]:
    """The cores at one of _LEVELS in a part of the map whose first pixel is `corner`, x and y."""
    mask = (probabilities > _LEVELS[level]).view(np.uint8)
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    cores = []
    for label, (x, y, width, height, area) in enumerate(boxes[1:].tolist(), start=1):
        if area < (_MIN_HEIGHT * CORE) ** 2:
            continue
        window = slice(y, y + height), slice(x, x + width)
        piece = labels[window] == label
        inside = np.where(piece, probabilities[window], np.float32(0))
        mass = float(inside.sum())
        if mass < _MIN_SCORE * area:
            continue
        at = (corner[0] + x, corner[1] + y)
        outlines, _ = cv2.findContours(piece.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE, offset=at)
        core = _Core(outlines[0].reshape(-1, 2).astype(np.float32), area, mass)
        is_last = level + 1 == len(_LEVELS)
        parts = [] if is_last or not core.is_tangled else _cores(inside, level + 1, at)
        cores += parts or [core]
    return cores


def _page_angle(cores: Sequence[_Core]) -> float:
    """The direction of most text in radians: the median of the cores' own, long ones counting more."""
    if not cores:
        return 0.0
    angles, longer, shorter = np.array([_box(core.outline) for core in cores]).T
    lengths = longer - shorter
    # A page on its side has angles near both ends of the half circle: bring them together around the heaviest one.
    middle = angles[np.argmax(lengths)]
    turned = (angles - middle + np.pi / 2) % np.pi - np.pi / 2
    order = np.argsort(turned)
    half = np.searchsorted(np.cumsum(lengths[order]), lengths.sum() / 2)
    return float((middle + turned[order][min(half, len(order) - 1)] + np.pi / 4) % np.pi - np.pi / 4)


@dataclass(frozen=True, slots=True)
class _Row:
    """A rectangle around one or more cores, in map pixels: the line's full box before the margin.

    Points and directions are complex numbers, x + iy: pages with many pieces compare them by the thousand.
    """

    cores: tuple[_Core, ...]
    centre: complex
    along: complex
    """Of length one, in reading direction."""
    length: float
    height: float

    @classmethod
    def around(cls, cores: Sequence[_Core], page_angle: float) -> _Row:
        along = cmath.rect(1, _line_angle(cores, page_angle))
        axes = np.array([[along.real, along.imag], [-along.imag, along.real]], np.float32)
        # Outlines run through the middle of pixels: half a pixel on each side belongs to the core as well.
        spreads = [core.outline @ axes.T for core in cores]
        low = np.min([spread.min(0) for spread in spreads], axis=0) - 0.5
        high = np.max([spread.max(0) for spread in spreads], axis=0) + 0.5
        span = sum(float(np.ptp(spread[:, 0])) + 1 for spread in spreads)
        length, height = (high - low).tolist()
        # Summed probabilities measure a core whose blurred border the threshold would count as a whole.
        thickness = min(height, sum(core.mass for core in cores) / span, span)
        bow = max(0.0, height - sum(core.area for core in cores) / span)
        grown = thickness * (1 / CORE - 1)
        centre = complex(*((low + high) / 2).tolist()) * along + complex(0.5, 0.5)
        return cls(tuple(cores), centre, along, length + grown, thickness + bow + grown)

    @property
    def score(self) -> float:
        return sum(core.mass for core in self.cores) / sum(core.area for core in self.cores)

    def end(self, sign: int) -> complex:
        """The middle of the right (1) or left (-1) edge."""
        return self.centre + self.along * sign * self.length / 2

    def quad(self, scale: float, size: tuple[int, int]) -> Quad:
        margin = 2 * _MARGIN * self.height
        half = self.along * (self.length + margin) / 2
        down = self.along * 1j * (self.height + margin) / 2
        corners = [self.centre + corner for corner in (-half - down, half - down, half + down, -half + down)]
        points = np.array([(corner.real, corner.imag) for corner in corners]) / scale
        return np.asarray(np.clip(points, 0, size), np.float32)


def _line_angle(cores: Sequence[_Core], page_angle: float) -> float:
    """Radians: the line's own direction where it is long enough to tell, else the page's."""
    angle, longer, shorter = _box(np.concatenate([core.outline for core in cores]))
    return angle if longer >= 4 * shorter else page_angle


def _fragments_of_lines(rows: Sequence[_Row]) -> Iterable[list[_Core]]:
    """The cores of `rows`, those of one line together."""
    group = list(range(len(rows)))
    for (i, one), (j, other) in combinations(enumerate(rows), 2):
        if _continues(one, other) or _continues(other, one):
            group = [group[i] if g == group[j] else g for g in group]
    for name in dict.fromkeys(group):
        yield [core for row, g in zip(rows, group, strict=True) if g == name for core in row.cores]


def _continues(left: _Row, right: _Row) -> bool:
    """Does `right` begin where `left` ends, on the same baseline and in the same hand?"""
    height = (left.height + right.height) / 2
    frame = ((left.along + right.along) / 2).conjugate()
    step = (right.end(-1) - left.end(1)) * frame
    return (
        -height < step.real < _MAX_GAP * height
        and abs(step.imag) < 0.3 * height
        and max(left.height, right.height) < 2.2 * min(left.height, right.height)
        and (left.along * right.along.conjugate()).real > math.cos(_MAX_TURN)
        and ((right.centre - left.centre) * frame).real > max(left.length, right.length) / 2
    )
