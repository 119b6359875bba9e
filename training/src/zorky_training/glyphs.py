"""One written letter as pen strokes, whatever hand it comes from."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from .ink import Points

SPACING = 0.12
"""Distance of a stroke's points, in x-heights."""
_LOWEST, _HIGHEST = 0.2, -1.2
"""Where a small letter may be joined: not at a tail, a dot or a breve."""
_OUTER = 0.35
"""Parts of a letter's width on its left and right where a pen may come in and go on without crossing the letter."""
_SMOOTHING = (0.1, 0.2, 0.4, 0.2, 0.1)


class Glyph(NamedTuple):
    """strokes: in x-heights, the baseline at y = 0, the left edge at x = 0.

    bearings: empty space that belongs to it on the left and on the right. joins: whether a pen comes from the letter
    before into its first stroke, and whether it goes on to the next letter. exit: the stroke from which it goes on.
    """

    strokes: list[Points]
    bearings: tuple[float, float] = (0.0, 0.0)
    joins: tuple[bool, bool] = (False, False)
    exit: int = -1


def resampled(path: Points) -> Points:
    """Evenly spaced points along a smoothed path: what was traced lies on a coarse grid."""
    if len(path) > 4:
        padded = np.concatenate((path[:1], path[:1], path, path[-1:], path[-1:]))
        path = np.stack([np.float32(w) * padded[i : i + len(path)] for i, w in enumerate(_SMOOTHING)]).sum(0)
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))))
    if along[-1] < SPACING:
        return path[:1].astype(np.float32)
    at = np.linspace(0, along[-1], max(2, int(along[-1] / SPACING)))
    return np.stack((np.interp(at, along, path[:, 0]), np.interp(at, along, path[:, 1])), 1).astype(np.float32)


def curve(start: Points, leaving: Points, arriving: Points, end: Points, count: int) -> Points:
    """Cubic Bézier curves between points (..., 2) that leave and arrive along vectors (..., 2): (..., count, 2)."""
    at = ramp(count)
    start, leaving, arriving, end = (part[..., None, :] for part in (start, leaving, arriving, end))
    return np.asarray(
        (1 - at) ** 3 * start
        + 3 * (1 - at) ** 2 * at * (start + leaving)
        + 3 * (1 - at) * at**2 * (end - arriving)
        + at**3 * end,
        np.float32,
    )


@cache
def ramp(count: int) -> Points:
    """From 0 to 1 in even steps, (count, 1)."""
    return np.linspace(0, 1, count, dtype=np.float32)[:, None]


def linked(glyph: Glyph) -> Glyph:
    """A letter whose strokes have no order, turned so that a pen can come in from the left and go on to the right."""
    ends = [
        (float(x), number, at)
        for number, stroke in enumerate(glyph.strokes)
        for at in (0, -1)
        for x, y in stroke[[at]].tolist()
        if _HIGHEST < y < _LOWEST
    ]
    if not ends:
        return glyph
    (left, first, entry), (right, last, exit_) = min(ends), max(ends)
    width = max(float(stroke[:, 0].max()) for stroke in glyph.strokes)
    joins = left < _OUTER * width, right > (1 - _OUTER) * width
    if (first == last and entry == exit_) or not any(joins):
        return glyph
    strokes = list(glyph.strokes)
    if entry == -1:
        strokes[first] = strokes[first][::-1]
    if last != first and exit_ == 0:
        strokes[last] = strokes[last][::-1]
    strokes.insert(0, strokes.pop(first))
    return glyph._replace(strokes=strokes, joins=joins, exit=0 if last == first else last + (last < first))


def exit_of(strokes: list[Points]) -> int:
    """The stroke from which the pen goes on to the next letter: not the dots of ё or the breve of й. -1 for none."""
    low = [number for number, stroke in enumerate(strokes) if stroke[-1, 1] > -0.95]
    return max(low, key=lambda number: float(strokes[number][-1, 0]), default=-1)
