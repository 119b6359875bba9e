"""Writes one line in one hand, with what surrounds it on a page, and cuts it out as a crop."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Protocol

import cv2
import numpy as np
from numpy.random import Generator

from zorky_server.tasks.handwriting.strip import HEIGHT
from zorky_server.tasks.handwriting.values import Picture

from .glyphs import ramp
from .ink import Ink, Mask, Pen, Points, deform, draw
from .manner import Manner
from .paper import photograph

_WIDEST = 2000
"""Pixels of a crop."""
_LEAST_X_HEIGHT = 5.0
"""Pixels: writing whose small letters are lower cannot be read."""


_STRUCK = 0.05
"""Part of the lines with a word that was struck out until it could not be read."""
_TAIL, _RISE = 1.3, 2.3
"""X-heights that letters reach below the baseline and above it."""


class Hand(Protocol):
    """Anything that writes text as ink: a font, or a writer's traces."""

    name: str
    printed: bool
    capitals_only: bool

    def covers(self, text: str) -> bool:
        """Whether the hand has every character of the text."""
        ...

    def write(self, text: str, rng: Generator, jitter: float, manner: Manner | None = None) -> Ink:
        """One line; jitter 0 is the hand at its most regular, 1 a restless one. A manner is drawn if none is given."""
        ...


class Scribe:
    """A hand in one mood: the lines around a line are written as restlessly as the line itself."""

    def __init__(self, hand: Hand, rng: Generator) -> None:
        self._hand, self._rng = hand, rng
        self._jitter = 0.0 if hand.printed else float(rng.uniform(0.2, 1.3))
        self._manner = Manner.random(rng, self._jitter)
        self._bend = float(rng.uniform(0, 0.15) if hand.printed else rng.uniform(0.1, 1.1))

    def crop(self, text: str, other_text: Callable[[], str]) -> Picture:
        """The photographed line (H, W, 3) uint8; other_text gives what is written around it ("" for nothing)."""
        rng = self._rng
        is_struck = not self._hand.printed and rng.random() < _STRUCK
        ink = self._bent(self._with_struck_word(text, other_text) if is_struck else self._written(text))
        points = ink.points()
        left, right = float(points[:, 0].min()), float(points[:, 0].max())
        top, bottom = _window(points[:, 1], rng)
        if rng.random() < 0.4:
            ink = self._between_lines(ink, other_text, top, bottom)
        before, after = np.maximum(rng.normal(0.35, 0.4, 2), -0.1)
        if rng.random() < 0.25:
            before, after = (before, after) + rng.uniform(0, 8, 2) * (rng.random(2) < 0.6)
        if rng.random() < 0.08:
            ink, before, after = self._between_words(ink, other_text, left, right)
        return self._photographed(ink, (left - before, top, right + after, bottom))

    def _written(self, text: str) -> Ink:
        return self._hand.write(text, self._rng, self._jitter, self._manner)

    def _bent(self, ink: Ink) -> Ink:
        return deform(ink, self._rng, self._bend)

    def _with_struck_word(self, text: str, other_text: Callable[[], str]) -> Ink:
        """The line with one word more that was made unreadable, and that no one is asked to read."""
        words = text.split(" ")
        place = int(self._rng.integers(len(words) + 1))
        struck = self._written(other_text().split(" ")[0] or "x")
        parts = [struck.joined(_scribble(struck.width, self._rng))]
        if place:
            parts.insert(0, self._written(" ".join(words[:place])))
        if place < len(words):
            parts.append(self._written(" ".join(words[place:])))
        line, end = Ink(), 0.0
        for part in parts:
            line = line.joined(_shifted(part, end, 0))
            end += part.width + self._rng.uniform(0.5, 1.5)
        return line

    def _photographed(self, ink: Ink, box: tuple[float, float, float, float]) -> Picture:
        """The part of the ink in a box (left, top, right, bottom), in x-heights, drawn and photographed."""
        rng, (left, top, right, bottom) = self._rng, box
        scale = min(max(_crop_height(rng) / (bottom - top), _LEAST_X_HEIGHT), _WIDEST / (right - left))
        size = max(8, round((bottom - top) * scale)), max(8, round((right - left) * scale))
        origin = -left * scale, -top * scale
        mask = draw(ink, _pen(rng, scale), scale, origin, size)
        if rng.random() < 0.04:
            _strike_out(mask, scale, origin[1], rng)
        if rng.random() < 0.5:
            mask = _warped(mask, rng)
        return photograph(mask, scale, origin[1], rng)

    def _between_lines(self, ink: Ink, other_text: Callable[[], str], top: float, bottom: float) -> Ink:
        """Adds the lines above and below where their tails reach into the crop, whose edges are top and bottom."""
        pitch = self._rng.uniform(2.3, 4.2)
        for row, is_seen in ((-pitch, top < _TAIL - pitch), (pitch, pitch - _RISE < bottom)):
            text = other_text() if is_seen and self._rng.random() < 0.75 else ""
            if text:
                ink = ink.joined(_shifted(self._bent(self._written(text)), self._rng.uniform(-3, 3), row))
        return ink

    def _between_words(
        self, ink: Ink, other_text: Callable[[], str], left: float, right: float
    ) -> tuple[Ink, float, float]:
        """Adds words on both sides of which only an edge is seen; returns the margins that show it."""
        margins = []
        for side in (-1, 1):
            gap = self._rng.uniform(0.7, 1.8)
            text = other_text()
            if text:
                other = self._bent(self._written(text.split(" ")[0]))
                edges = other.points()[:, 0]
                shift = right + gap - edges.min() if side > 0 else left - gap - edges.max()
                ink = ink.joined(_shifted(other, float(shift), 0))
            margins.append(gap + self._rng.uniform(0, 0.4))
        return ink, margins[0], margins[1]


def _crop_height(rng: Generator) -> float:
    """Pixels: near the recogniser's own height, for larger crops only cost time, and now and then far from it."""
    return HEIGHT * float(np.exp(rng.normal(0.0, 0.25) if rng.random() < 0.85 else rng.uniform(-0.5, 0.9)))


def _shifted(ink: Ink, x: float, y: float) -> Ink:
    return ink.moved(ink.points() + np.array((x, y), np.float32))


def _scribble(length: float, rng: Generator) -> Ink:
    """A word's length of ink that hides what is below it: strokes to and fro, or up and down."""
    if rng.random() < 0.5:
        passes = int(rng.integers(4, 11))
        x = np.tile((0.0, length), passes) + rng.normal(0, 0.12, 2 * passes)
        y = rng.uniform(-0.75, -0.2, 2 * passes)
    else:
        teeth = int(length * rng.uniform(5, 12)) + 4
        x = np.linspace(0, length, teeth) + rng.normal(0, 0.12, teeth)
        y = np.where(np.arange(teeth) % 2, -1.0, 0.0) * rng.uniform(0.6, 1.2) + rng.normal(0, 0.12, teeth)
    corners = np.stack((x, y), 1).astype(np.float32)
    path = np.concatenate([before + (after - before) * ramp(6) for before, after in pairwise(corners)])
    return Ink(strokes=[path], width=length)


def _window(rows: Points, rng: Generator) -> tuple[float, float]:
    """Top and bottom of the crop: around all of the ink, or, as detectors cut, around most of it."""
    if rng.random() < 0.72:
        loose = 0.9 if rng.random() < 0.35 else 0.2
        above, below = np.maximum(rng.normal(loose, 0.4, 2), -0.12)
        return float(rows.min() - above), float(rows.max() + below)
    top, bottom = np.sort(rows)[[int(0.08 * len(rows)), int(0.92 * len(rows))]].tolist()
    return min(-1.0, top) - rng.uniform(0.3, 1.3), max(0.1, bottom) + rng.uniform(0.1, 1.3)


def _pen(rng: Generator, scale: float) -> Pen:
    """Ball pens mostly, then gel pens, now and then a hair line or a marker; scale: pixels an x-height."""
    least, most = ((0.05, 0.1), (0.08, 0.17), (0.17, 0.3), (0.03, 0.05))[int(rng.choice(4, p=(0.5, 0.32, 0.08, 0.1)))]
    return Pen(float(rng.uniform(least, most)), float(rng.uniform(0, 0.7)), float(rng.normal(0, 0.035)) * scale)


def _strike_out(mask: Mask, scale: float, baseline: float, rng: Generator) -> None:
    """A line through or under a part of the text, which stays legible and is asked for."""
    start = int(rng.integers(mask.shape[1]))
    end = start + int(rng.uniform(1, 8) * scale)
    row = baseline - scale * rng.choice((-0.25, 0.5))
    slope = rng.normal(0, 0.05)
    thickness = max(1, round(scale * 0.08))
    cv2.line(mask, (start, round(row)), (end, round(row + slope * (end - start))), 255, thickness, cv2.LINE_AA)


def _warped(mask: Mask, rng: Generator) -> Mask:
    """A little rotation and perspective, as a careless crop has."""
    height, width = mask.shape
    corners = np.array(((0, 0), (width, 0), (width, height), (0, height)), np.float32)
    moved = corners + rng.normal(0, 0.03, (4, 2)).astype(np.float32) * height
    matrix = cv2.getPerspectiveTransform(corners, moved)
    return np.asarray(cv2.warpPerspective(mask, matrix, (width, height), borderValue=0), np.uint8)
