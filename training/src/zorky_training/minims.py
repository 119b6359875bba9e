"""Letters that are rows of short downstrokes (minims): и, п, т, ш and their like, from garlands to arcades.

A quick hand writes them all alike: as garlands (uuu), as arcades (nnn), pointed (www) or as a wave. What connects two
downstrokes tells these apart, so it is drawn from two numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.random import Generator

from .glyphs import Glyph, curve, ramp, resampled
from .ink import Points

_STEMS = {"и": 2, "й": 2, "ц": 2, "у": 2, "п": 2, "н": 2, "л": 1, "ш": 3, "щ": 3, "т": 3, "м": 2}
MINIM_LETTERS = frozenset(_STEMS)
_LED_IN = frozenset("лм")
"""Start with a stroke up from the line."""
_ARCHED = frozenset("птнлм")
"""School writes these as arcades, the others as garlands."""
_BREVE: Points = np.array(((0.15, -1.62), (0.3, -1.42), (0.5, -1.38), (0.7, -1.46), (0.8, -1.65)), np.float32)
_TAIL: Points = np.array(((0.05, 0.1), (0.04, 0.35), (-0.1, 0.5), (-0.18, 0.35), (0.0, 0.12), (0.3, -0.15)), np.float32)
_LONG_TAIL: Points = np.array(((-0.03, 0.5), (-0.15, 1.0), (-0.5, 1.1), (-0.45, 0.7), (0.2, 0.0)), np.float32)


@dataclass(frozen=True)
class Minims:
    """top and bottom: how round the pen turns there, 0 (back on its own track) to 1, for letters that school writes as
    arcades and for the others. width: x-heights from one downstroke to the next.
    """

    arches: tuple[float, float]
    garlands: tuple[float, float]
    width: float
    is_barred: bool
    """н with its bar in the middle."""

    @classmethod
    def random(cls, rng: Generator) -> Minims:
        """As school has it, all arcades, all garlands, or any one way for all."""
        arcade = float(rng.uniform(0.6, 1)), float(rng.uniform(0, 0.4))
        garland = arcade[1], arcade[0]
        kind = rng.random()
        any_ = float(rng.uniform()), float(rng.uniform())
        if kind < 0.3:
            ways = arcade, garland
        elif kind < 0.65:
            ways = arcade, arcade
        elif kind < 0.8:
            ways = garland, garland
        else:
            ways = any_, any_
        return cls(*ways, float(rng.uniform(0.4, 0.8)), bool(rng.random() < 0.5))

    def glyph(self, character: str, rng: Generator) -> Glyph:
        """One of MINIM_LETTERS. Raises KeyError for any other character."""
        top, bottom = self.arches if character in _ARCHED else self.garlands
        width = self.width * float(rng.uniform(0.85, 1.15))
        if character == "н" and self.is_barred:
            path = _barred(width)
        else:
            path = _row(_STEMS[character], top, bottom, width, character in _LED_IN)
        end = path[-1:]
        if character in "цщ":
            path = np.concatenate((path, end + _TAIL))
        elif character == "у":
            path = np.concatenate((path, end + _LONG_TAIL * np.array((rng.uniform(0.5, 1.3), 1), np.float32)))
        elif bottom > 0.3:
            path = np.concatenate((path, end + np.array(((0.06, 0.02), (0.2, -0.1)), np.float32)))
        path = resampled(
            np.asarray(cv2.GaussianBlur(path[:, None], (1, 7), 1.2, borderType=cv2.BORDER_REPLICATE), np.float32)[:, 0]
        )
        strokes = [path - np.array((path[:, 0].min(), 0), np.float32)]
        if character == "й":
            scale = np.array((np.ptp(path[:, 0]), 1), np.float32)
            strokes.append(_BREVE * scale + rng.normal(0, 0.12, 2).astype(np.float32))
        return Glyph(strokes, (0.0, 0.0), (True, True), 0)


def _row(stems: int, top: float, bottom: float, width: float, is_led_in: bool) -> Points:
    """A path that goes down `stems` times, led in by a stroke up from the line or by a small hook."""
    parts = [np.array(((-0.9 * width, -0.05),), np.float32)] if is_led_in else []
    for stem in range(stems):
        left = np.array((stem * width, 0), np.float32)
        high = left - np.array((0, 1), np.float32)
        if parts:
            start = parts[-1][-1]
            leaving = np.array((bottom * width * 0.7, -(1 - bottom) * 0.8), np.float32)
            arriving = np.array((top * width * 0.7, -(1 - top) * 0.8), np.float32)
            parts.append(curve(start, leaving, arriving, high, 9))
        parts.append(high + (left - high) * ramp(7))
    return np.concatenate(parts)


def _barred(width: float) -> Points:
    """н: down, back to the middle, across, up and down again."""
    nodes = ((0, -1), (0, 0), (0.05, -0.45), (width, -0.55), (width, -1), (width, 0))
    corners = np.array(nodes, np.float32)
    return np.concatenate([before + (after - before) * ramp(6) for before, after in pairwise(corners)])
