"""One written letter as pen strokes, whatever hand it comes from."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .ink import Points

SPACING = 0.09
"""Distance of a stroke's points, in x-heights."""
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
    at = np.linspace(0, 1, count, dtype=np.float32)[:, None]
    start, leaving, arriving, end = (part[..., None, :] for part in (start, leaving, arriving, end))
    return np.asarray(
        (1 - at) ** 3 * start
        + 3 * (1 - at) ** 2 * at * (start + leaving)
        + 3 * (1 - at) * at**2 * (end - arriving)
        + at**3 * end,
        np.float32,
    )


def exit_of(strokes: list[Points]) -> int:
    """The stroke from which the pen goes on to the next letter: not the dots of ё or the breve of й. -1 for none."""
    low = [number for number, stroke in enumerate(strokes) if stroke[-1, 1] > -0.95]
    return max(low, key=lambda number: float(strokes[number][-1, 0]), default=-1)
