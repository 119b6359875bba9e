"""Sets the letters of a hand as a line: varied, joined inside words as cursive is, and hurried as the manner asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .glyphs import SPACING, Glyph, curve
from .ink import Ink, Points, split
from .manner import Manner

_APART = 0.12
"""X-heights more between letters that are not joined."""
_JOIN_POINTS = 9
_CAPITALS = 1.5
"""X-heights that capitals reach at least."""

Letters = Callable[[str], list[Glyph]]
"""The glyphs of a word, in turn."""


def compose(text: str, letters: Letters, manner: Manner, rng: Generator) -> Ink:
    """A line of text in pen strokes, its first letter's left edge at x = 0."""
    words = [letters(word) for word in text.split(" ")]
    glyphs = [glyph for word in words for glyph in word]
    if not glyphs:
        return Ink()
    starts = np.concatenate([np.arange(len(word)) == 0 for word in words])
    points, owners = _varied(glyphs, _places(words), manner, rng)
    edges = np.searchsorted(owners, np.arange(len(glyphs)))
    left, right = np.minimum.reduceat(points[:, 0], edges), np.maximum.reduceat(points[:, 0], edges)
    is_joined = _joined(glyphs, starts, manner, rng)
    lefts, width = _set(glyphs, (right - left).tolist(), starts, is_joined, manner, rng)
    points[:, 0] += (np.array(lefts, np.float32) - left)[owners]
    points[:, 1] += _climb(points[:, 0], np.cumsum(starts)[owners] - 1, manner, rng)
    strokes = split(points, [stroke for glyph in glyphs for stroke in glyph.strokes])
    placed = [[next(strokes) for _ in glyph.strokes] for glyph in glyphs]
    paths = _paths(glyphs, placed, is_joined, manner, rng)
    stretch = np.array((manner.stretch, 1), np.float32)
    return Ink(strokes=[path * stretch for path in _hurried(paths, manner)], width=width * manner.stretch)


def _places(words: Sequence[list[Glyph]]) -> Points:
    """Of each glyph how far it stands in its word, 0 at its start and 1 at its end."""
    return np.concatenate([np.linspace(0, 1, len(word), dtype=np.float32) for word in words])


def _varied(glyphs: Sequence[Glyph], places: Points, manner: Manner, rng: Generator) -> tuple[Points, NDArray[np.intp]]:
    """All glyphs' points, each glyph written anew, and the number of the glyph that each point belongs to."""
    owners = np.repeat(np.arange(len(glyphs)), [sum(map(len, glyph.strokes)) for glyph in glyphs])
    x, y = np.concatenate([stroke for glyph in glyphs for stroke in glyph.strokes]).T
    count = np.bincount(owners)
    hanging = np.maximum(y, 0)
    weight = np.minimum(hanging * 2, 1)
    below = np.bincount(owners, weight * x) / np.maximum(np.bincount(owners, weight), 1e-6)
    x = x + weight * np.float32(manner.loops - 1) * (x - below.astype(np.float32)[owners])
    edges = np.cumsum(count) - count
    size = np.where(np.minimum.reduceat(y, edges) < -_CAPITALS, manner.capitals, 1.0)
    y = np.where(y < -1, -1 + (y + 1) * np.float32(manner.rising), np.where(y > 0, y * np.float32(manner.hanging), y))
    deviations = manner.restlessness * np.array((0.1, 0.1, 0.06, 0.06, 0.04, 0.05, 0.05))
    wide, tall, turn, lean, shift, *bend = (deviations * rng.standard_normal((len(glyphs), 7))).T
    fade = manner.fading * places**2
    wide, tall = np.exp(wide) * size * (1 + 0.8 * fade), np.exp(tall) * size * (1 - fade)
    per_glyph = np.stack((wide, lean - turn, turn, tall, shift, *bend, *rng.uniform(0, 6.28, (2, len(glyphs)))))
    xx, xy, yx, yy, y0, bend_x, bend_y, phase_x, phase_y = per_glyph.astype(np.float32)[:, owners]
    x, y = x * xx + y * xy, x * yx + y * yy + y0
    x, y = x + bend_x * np.sin(2.5 * y + phase_x), y + bend_y * np.sin(2.5 * x + phase_y)
    return np.stack((x, y), 1).astype(np.float32), owners


def _joined(glyphs: Sequence[Glyph], starts: NDArray[np.bool_], manner: Manner, rng: Generator) -> list[bool]:
    """Of each glyph whether the pen comes into it from the one before."""
    may = [False, *(before.joins[1] and glyph.joins[0] for before, glyph in pairwise(glyphs))]
    return list((np.array(may) & ~starts & (rng.random(len(glyphs)) < manner.joining)).tolist())


def _set(
    glyphs: Sequence[Glyph],
    widths: Sequence[float],
    starts: NDArray[np.bool_],
    is_joined: Sequence[bool],
    manner: Manner,
    rng: Generator,
) -> tuple[list[float], float]:
    """The left edge of each glyph's ink, and where the line ends."""
    lefts, cursor = [], 0.0
    loose = (0.05 * manner.restlessness * rng.standard_normal(len(glyphs))).tolist()
    gaps = (manner.gap * rng.uniform(0.75, 1.3, len(glyphs))).tolist()
    for number, glyph in enumerate(glyphs):
        if number and starts[number]:
            cursor += gaps[number]
        elif number:
            cursor += manner.spacing + loose[number] + (0.0 if is_joined[number] or any(glyph.bearings) else _APART)
        lefts.append(cursor + glyph.bearings[0])
        cursor += sum(glyph.bearings) + widths[number]
    return lefts, cursor


def _climb(x: Points, words: NDArray[np.intp], manner: Manner, rng: Generator) -> Points:
    """How far each point moves because words rise, fall and stand off the line."""
    count = int(words[-1]) + 1
    slope, shift = (manner.words_up * rng.standard_normal((2, count))).astype(np.float32)
    edges = np.searchsorted(words, np.arange(count))
    return np.asarray((slope * 0.5)[words] * (x - x[edges][words]) + shift[words], np.float32)


def _paths(
    glyphs: Sequence[Glyph],
    placed: Sequence[list[Points]],
    is_joined: Sequence[bool],
    manner: Manner,
    rng: Generator,
) -> list[Points]:
    """The strokes of all glyphs, with those that a pen writes without lifting made one path."""
    pairs = [
        n for n in range(1, len(glyphs)) if is_joined[n] and _near(placed[n - 1][glyphs[n - 1].exit], placed[n][0])
    ]
    bridges = dict(
        zip(pairs, _bridges([(placed[n - 1][glyphs[n - 1].exit], placed[n][0]) for n in pairs]), strict=True)
    )
    flourishes = rng.random(len(glyphs)) < manner.flourish
    chains: list[list[Points]] = []
    last = 0  # the chain from which the pen goes on
    for number, strokes in enumerate(placed):
        exit_ = glyphs[number].exit
        for order, stroke in enumerate(strokes):
            if order == 0 and number in bridges:
                chains[last] += [bridges[number], stroke]
                entered = last
            else:
                chains.append([stroke])
                entered = len(chains) - 1
            if order == exit_:
                going_on = entered
        if exit_ >= 0:
            last = going_on
            is_end = number + 1 == len(placed) or not is_joined[number + 1]
            if is_end and flourishes[number] and glyphs[number].joins[1]:
                chains[last].append(_flourish(strokes[exit_], rng))
    return [np.concatenate(chain) for chain in chains]


def _near(leaving: Points, entering: Points) -> bool:
    x, y = (entering[0] - leaving[-1]).tolist()
    return bool(-0.6 < x < 1.4 and abs(y) < 1.6)


def _bridges(pairs: Sequence[tuple[Points, Points]]) -> list[Points]:
    """The connecting strokes from where one letter's stroke ends to where the next one's starts."""
    if not pairs:
        return []
    start, end = np.stack([before[-1] for before, _ in pairs]), np.stack([after[0] for _, after in pairs])
    out = np.stack([before[-1] - before[-4:][0] for before, _ in pairs])
    into = np.stack([after[:4][-1] - after[0] for _, after in pairs])
    reach = 0.5 * np.linalg.norm(end - start, axis=1, keepdims=True)
    leaving, arriving = (part / (np.linalg.norm(part, axis=1, keepdims=True) + 1e-6) * reach for part in (out, into))
    return list(curve(start, leaving, arriving, end, _JOIN_POINTS)[:, 1:-1])


def _flourish(stroke: Points, rng: Generator) -> Points:
    """The pen trails off to the right, up or down, instead of stopping."""
    start = stroke[-1]
    reach = np.array((rng.uniform(0.3, 1.4), rng.normal(-0.3, 0.5)), np.float32)
    leaving = np.array((0.3, 0.2), np.float32) if rng.random() < 0.5 else (stroke[-1] - stroke[-4:][0])
    return curve(start, leaving, reach * np.float32(0.3), start + reach, 10)[1:]


def _hurried(paths: Sequence[Points], manner: Manner) -> list[Points]:
    """The paths smoothed as by a hurried pen, or made pointed."""
    sigma = manner.haste / SPACING
    if sigma > 0.4:
        size = 2 * int(2 * sigma) + 3
        return [_blurred(path, size, sigma) if len(path) > 4 else path for path in paths]
    if manner.corners:
        return [
            np.asarray(cv2.approxPolyDP(path, manner.corners, False), np.float32)[:, 0] if len(path) > 4 else path
            for path in paths
        ]
    return list(paths)


def _blurred(path: Points, size: int, sigma: float) -> Points:
    blurred = cv2.GaussianBlur(path[:, None], (1, size), sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float32)[:, 0]
