"""Writers who never were: the letters of two real writers blended, or pushed further apart, letter form by letter form.

A dozen writers are few. Between two that form a letter alike lies a whole row of plausible hands, and a little beyond
either there are more; where two form a letter differently, a virtual writer takes the one form or the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from .ink import Points
from .traces import TraceHand, glyph

_ALIKE = 0.4
"""X-heights: two strokes that lie further apart on average are different forms of a letter."""
_SHARES = (-0.4, 1.4)
"""How much of the second writer: below 0 and above 1 the difference is exaggerated."""


def virtual_writers(writers: Sequence[TraceHand], count: int, rng: Generator) -> list[TraceHand]:
    """`count` writers between pairs of the given ones; none where there are fewer than two."""
    if len(writers) < 2:
        return []
    pairs = (rng.choice(len(writers), 2, replace=False) for _ in range(count))
    return [_between(writers[one], writers[other], float(rng.uniform(*_SHARES)), rng) for one, other in pairs]


def _between(one: TraceHand, other: TraceHand, share: float, rng: Generator) -> TraceHand:
    letters = {}
    for text, samples in one.letters.items():
        others = other.letters.get(text, samples)
        blends = [_blended(a.strokes, b.strokes, share) for a in samples for b in others]
        forms = others if rng.random() < share else samples
        letters[text] = [glyph(text, blend) for blend in blends if blend] or forms
    return TraceHand(f"{one.name}~{other.name}", letters)


def _blended(one: list[Points], other: list[Points], share: float) -> list[Points]:
    """A letter between two, or nothing where their strokes do not match in number and course."""
    if len(one) != len(other):
        return []
    widths = [max(float(np.ptp(np.concatenate(letter)[:, 0])), 0.1) for letter in (one, other)]
    strokes = []
    for path, opposite in zip(one, other, strict=True):
        count = max(len(path), len(opposite), 2)
        a, b = _evenly(path, count), _evenly(opposite, count)
        gap = a * _wide(widths[1] / widths[0]) - b
        if float(np.hypot(gap[:, 0], gap[:, 1]).mean()) > _ALIKE:
            return []
        strokes.append(a + np.float32(share) * (b - a))
    return strokes


def _wide(factor: float) -> Points:
    return np.array((factor, 1), np.float32)


def _evenly(path: Points, count: int) -> Points:
    """`count` points at even distances along a path."""
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))))
    at = np.linspace(0, along[-1], count)
    return np.stack((np.interp(at, along, path[:, 0]), np.interp(at, along, path[:, 1])), 1).astype(np.float32)
