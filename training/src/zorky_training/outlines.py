"""Outlines of glyphs as contours of short lines, wound so that ink and holes can be told apart."""

from __future__ import annotations

import cv2
import numpy as np
from fontTools.pens.recordingPen import DecomposingRecordingPen  # type: ignore[import-untyped]  # has no types

from .ink import Points, is_outer

_AT: Points = np.arange(1, 6, dtype=np.float32)[:, None] / np.float32(5)
_BERNSTEIN: dict[int, Points] = {
    3: np.hstack(((1 - _AT) ** 2, 2 * (1 - _AT) * _AT, _AT**2)),
    4: np.hstack(((1 - _AT) ** 3, 3 * (1 - _AT) ** 2 * _AT, 3 * (1 - _AT) * _AT**2, _AT**3)),
}
"""Bernstein polynomials at five parameters, by the number of control points."""
_TOLERANCE = 0.01
"""X-heights by which a simplified contour may differ."""


def outline(glyphs: object, glyph: object) -> list[Points]:
    """The contours of a glyph in font units, curves cut into short lines."""
    pen = DecomposingRecordingPen(glyphs)
    glyph.draw(pen)  # type: ignore[attr-defined]  # fontTools is untyped
    contours: list[list[Points]] = []
    for verb, operands in pen.value:
        if verb == "moveTo":
            contours.append([np.array(operands, np.float32)])
        elif verb == "lineTo":
            contours[-1].append(np.array(operands, np.float32))
        elif verb == "qCurveTo" and operands[-1] is None:
            contours.append([_closed_curve(operands[:-1])])
        elif verb in ("qCurveTo", "curveTo"):
            contours[-1].append(_curve(contours[-1][-1][-1], operands, verb))
    return [np.concatenate(parts) for parts in contours if sum(map(len, parts)) > 2]


def _closed_curve(controls: tuple[tuple[float, float], ...]) -> Points:
    """A TrueType contour without any point on the curve: they lie half-way between its control points."""
    (x, y), (before_x, before_y) = controls[0], controls[-1]
    start = (x + before_x) / 2, (y + before_y) / 2
    return _curve(np.array(start, np.float32), (*controls, start), "qCurveTo")


def _curve(start: Points, operands: tuple[tuple[float, float], ...], verb: str) -> Points:
    points = np.array(operands, np.float32)
    if verb == "curveTo":
        return _bezier(np.stack((start, *points)))
    between = (points[:-2] + points[1:-1]) / 2
    pieces, ends = [], [*between, points[-1]]
    for control, end in zip(points[:-1], ends, strict=True):
        pieces.append(_bezier(np.stack((start, control, end))))
        start = end
    return np.concatenate(pieces)


def _bezier(controls: Points) -> Points:
    """Points on a quadratic or cubic curve at evenly spaced parameters, the start left out."""
    return _BERNSTEIN[len(controls)] @ controls


def wound(contours: list[Points]) -> list[Points]:
    """The contours with outlines of ink wound one way and those of holes the other.

    A contour bounds a hole when the winding numbers of all that it lies in add up to none with its own (the nonzero
    rule), whatever way the font's maker drew it.
    """
    ways = [1 if is_outer(contour) else -1 for contour in contours]
    turned = []
    for number, contour in enumerate(contours):
        point = (float(contour[0, 0]), float(contour[0, 1]))
        around = sum(
            way
            for other, (way, hull) in enumerate(zip(ways, contours, strict=True))
            if other != number and cv2.pointPolygonTest(hull, point, False) > 0
        )
        is_hole = around != 0 and around + ways[number] == 0
        turned.append(contour[::-1] if (ways[number] > 0) == is_hole else contour)
    return turned


def simplified(contour: Points) -> Points:
    """The contour with only those of its points that tell its shape to a hundredth of an x-height."""
    return np.asarray(cv2.approxPolyDP(contour, _TOLERANCE, True), np.float32)[:, 0]
