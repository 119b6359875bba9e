"""Lines of text as shapes on a page: their order, their direction, their crops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .values import Picture, Quad

_SAME_ROW = 0.5
"""Lines that share this part of their height stand in one row."""
_ROW_GAP = 1.0
"""Line heights: pieces in one row that are nearer than this belong together."""
_LABEL = 3.0
"""Line heights: shorter pieces, such as a list's numbers, belong to the text on their right a little further away."""


def side_lengths(quad: Quad) -> tuple[float, float]:
    """Width (in reading direction) and height of a quad in pixels: means of its opposite sides."""
    top_left, top_right, bottom_right, bottom_left = quad.tolist()
    width = math.dist(top_left, top_right) + math.dist(bottom_left, bottom_right)
    height = math.dist(top_left, bottom_left) + math.dist(top_right, bottom_right)
    return width / 2, height / 2


def slope(quad: Quad) -> float:
    """Radians: the direction in which the text runs, 0 to the right, positive clockwise."""
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = quad.tolist()
    return math.atan2(y1 + y2 - y0 - y3, x1 + x2 - x0 - x3)


def mostly_vertical(quads: Sequence[Quad]) -> bool:
    """Does more than half of the text, by length, run up or down the picture?"""
    vertical = sum(side_lengths(quad)[0] for quad in quads if abs(math.sin(slope(quad))) > math.sqrt(0.5))
    return 2 * vertical > sum(side_lengths(quad)[0] for quad in quads)


def crop(picture: Picture, quad: Quad) -> Picture:
    """The quad's content upright, at the picture's own resolution (so `strip_from_crop` does all the smoothing)."""
    width, height = (max(1, round(side)) for side in side_lengths(quad))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    # Pixel centres lie at whole numbers for OpenCV and at halves for quads.
    transform = cv2.getPerspectiveTransform(quad.astype(np.float32) - 0.5, corners - 0.5)
    cut = cv2.warpPerspective(picture, transform, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.uint8)


def reading_order(quads: Sequence[Quad]) -> list[int]:
    """The indices of `quads` as a reader takes them: columns from left to right, lines from top to bottom.

    Breuel, High Performance Document Layout Analysis (2003): a stands before b if they share columns and a is above;
    or if a is left of b and no line between them spans both. Pieces of one row count as one line.
    """
    if not quads:
        return []
    boxes = _level_boxes(quads)
    rows = _rows(boxes)
    spans = [_union([boxes[i] for i in row]) for row in rows]
    return [i for r in _sorted_by_rules(spans) for i in rows[r]]


@dataclass(frozen=True, slots=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    def shares_columns(self, other: _Box) -> bool:
        return self.left < other.right and other.left < self.right

    def shares_row(self, other: _Box) -> bool:
        shared = min(self.bottom, other.bottom) - max(self.top, other.top)
        return shared > _SAME_ROW * min(self.height, other.height)


def _level_boxes(quads: Sequence[Quad]) -> list[_Box]:
    """Upright boxes of the quads after the page's skew is taken out."""
    widths = np.array([side_lengths(quad)[0] for quad in quads])
    slopes = np.array([slope(quad) for quad in quads])
    skew = math.atan2(float(widths @ np.sin(slopes)), float(widths @ np.cos(slopes)))
    axes = np.array([[math.cos(skew), math.sin(skew)], [-math.sin(skew), math.cos(skew)]])
    boxes = []
    for quad in quads:
        (left, middle), (right, _) = (quad[[0, 3]].mean(0) @ axes.T), (quad[[1, 2]].mean(0) @ axes.T)
        middle, height = float(quad.mean(0) @ axes[1]), side_lengths(quad)[1]
        boxes.append(_Box(float(left), middle - height / 2, float(right), middle + height / 2))
    return boxes


def _union(boxes: Sequence[_Box]) -> _Box:
    return _Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )


def _rows(boxes: Sequence[_Box]) -> list[list[int]]:
    """Indices of the boxes that stand beside each other in one row, left to right."""
    rows: list[list[int]] = []
    for i in sorted(range(len(boxes)), key=lambda i: boxes[i].left):
        row = next((row for row in rows if _joins(boxes[row[-1]], boxes[i])), None)
        if row is None:
            rows.append([i])
        else:
            row.append(i)
    return rows


def _joins(left: _Box, right: _Box) -> bool:
    height = max(left.height, right.height)
    is_label = left.right - left.left < _LABEL * height
    return left.shares_row(right) and right.left - left.right < _ROW_GAP * height * (2 if is_label else 1)


def _sorted_by_rules(boxes: Sequence[_Box]) -> list[int]:
    """Indices in an order that breaks no rule; where rules contradict each other, the topmost line comes first."""
    waiting = sorted(range(len(boxes)), key=lambda i: (boxes[i].middle, boxes[i].left))
    before = {i: {j for j in waiting if j != i and _precedes(boxes, j, i)} for i in waiting}
    order: list[int] = []
    while waiting:
        free = next((i for i in waiting if not before[i].intersection(waiting)), waiting[0])
        waiting.remove(free)
        order.append(free)
    return order


def _precedes(boxes: Sequence[_Box], i: int, j: int) -> bool:
    one, other = boxes[i], boxes[j]
    if one.shares_columns(other):
        return one.middle < other.middle
    if one.left > other.left:
        return False
    low, high = sorted((one.middle, other.middle))
    return not any(
        low < box.middle < high and box.shares_columns(one) and box.shares_columns(other)
        for k, box in enumerate(boxes)
        if k not in (i, j)
    )
