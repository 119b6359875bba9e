"""Pen traces of real writers as writing hands: words are composed from a writer's own letters and joined as cursive is.

The traces are a public set (doi 10.17632/3h6h5d7xg2.1): each letter and digit several times from each of its
writers. Training runs without them.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable
from copy import copy
from pathlib import Path
from typing import Protocol, TypedDict

import numpy as np
from numpy.random import Generator

from .compose import compose
from .glyphs import Glyph, exit_of, resampled
from .ink import Ink, Points
from .manner import Manner

_LIFT_MS, _LIFT_UNITS = 75, 6
"""A longer pause with a longer jump is a pen lift: the files have no flag for it."""
_SMALL = "авгеёжийклмнопстхцчшщъыьэюя"
_TAILED = "дзруфцщ"
_TALL = "бАБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ0123456789"
_STARTS_APART = frozenset("АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ0123456789")
_ENDS_APART = frozenset("БВГДОПРСТФЪЫЬЭЮ0123456789")
_MARKS = {
    ".": [[(0.1, 0.0)]],
    ",": [[(0.15, -0.08), (0.17, 0.0), (0.1, 0.18), (0.0, 0.3)]],
    ":": [[(0.1, 0.0)], [(0.12, -0.6)]],
    ";": [[(0.15, -0.08), (0.15, 0.02), (0.0, 0.28)], [(0.17, -0.6)]],
    "!": [[(0.2, -1.9), (0.12, -0.5)], [(0.1, 0.0)]],
    "?": [[(0.0, -1.5), (0.1, -1.8), (0.4, -1.9), (0.65, -1.6), (0.5, -1.2), (0.25, -0.9), (0.22, -0.45)],
          [(0.22, 0.0)]],
    "-": [[(0.0, -0.45), (0.55, -0.47)]],
    "—": [[(0.0, -0.45), (0.7, -0.48), (1.5, -0.44)]],
    "(": [[(0.4, -1.9), (0.1, -1.3), (0.03, -0.6), (0.3, 0.3)]],
    ")": [[(0.0, -1.9), (0.3, -1.3), (0.36, -0.6), (0.05, 0.3)]],
    "«": [[(0.35, -0.9), (0.05, -0.5), (0.35, -0.15)], [(0.65, -0.9), (0.35, -0.5), (0.65, -0.15)]],
    "»": [[(0.0, -0.9), (0.3, -0.5), (0.0, -0.15)], [(0.3, -0.9), (0.6, -0.5), (0.3, -0.15)]],
    '"': [[(0.1, -1.9), (0.05, -1.5)], [(0.35, -1.9), (0.3, -1.5)]],
    "/": [[(0.6, -1.9), (0.0, 0.2)]],
    "+": [[(0.0, -0.5), (0.7, -0.52)], [(0.35, -0.9), (0.34, -0.12)]],
    "=": [[(0.0, -0.65), (0.7, -0.66)], [(0.02, -0.33), (0.72, -0.34)]],
    "%": [[(0.8, -1.6), (0.1, 0.0)], [(0.2, -1.5), (0.05, -1.3), (0.2, -1.1), (0.35, -1.3), (0.2, -1.5)],
          [(0.75, -0.5), (0.6, -0.3), (0.75, -0.05), (0.9, -0.3), (0.75, -0.5)]],
    "№": [[(0.0, 0.0), (0.1, -1.5), (0.7, 0.0), (0.8, -1.5)],
          [(1.2, -1.1), (1.0, -0.8), (1.2, -0.5), (1.4, -0.8), (1.2, -1.1)], [(1.0, -0.3), (1.4, -0.3)]],
}  # fmt: skip
"""Punctuation, which the writers were not asked for: pen paths in x-heights."""
_MARK_GLYPHS = {
    mark: Glyph([resampled(np.array(stroke, np.float32)) for stroke in strokes]) for mark, strokes in _MARKS.items()
}


class Trace(TypedDict):
    writer: int
    session: int
    text: str
    xy: list[list[int]]
    dt_ms: list[int]


class Lender(Protocol):
    """A hand whose letters are pen strokes, which another may take over."""

    def covers(self, text: str) -> bool: ...

    def samples(self, character: str) -> list[Glyph]: ...


class TraceHand:
    """Writes with the letters of one writer; a letter is a list of pen strokes with the baseline at 0."""

    printed = False
    capitals_only = False

    def __init__(self, name: str, letters: dict[str, list[Glyph]]) -> None:
        """letters: the samples of each letter and of some whole words."""
        self.name, self.letters = name, letters

    def covers(self, text: str) -> bool:
        return all(character == " " or character in _MARKS or character in self.letters for character in text)

    def write(self, text: str, rng: Generator, jitter: float, manner: Manner | None = None) -> Ink:
        """Composes a line: letters in turn from several samples of each, joined inside words by connecting strokes."""
        manner = manner or Manner.random(rng, jitter)
        return compose(text, lambda word: self._word(word, manner, rng), manner, rng)

    def samples(self, character: str) -> list[Glyph]:
        return self.letters[character]

    def borrowing(self, other: Lender, characters: Iterable[str]) -> TraceHand:
        """The same hand with those of the characters that the other has in the other's forms, and no whole words."""
        hand = copy(self)
        own = {text: glyphs for text, glyphs in self.letters.items() if len(text) == 1}
        hand.letters = own | {
            character: other.samples(character)
            for character in characters
            if character in own and other.covers(character)
        }
        return hand

    def _word(self, word: str, manner: Manner, rng: Generator) -> list[Glyph]:
        """A word's glyphs: at times the writer's own whole word."""
        if len(word) > 1 and word in self.letters and rng.random() < 0.5:
            return [self._sample(word, rng)]
        return [manner.formed(character, self._sample(character, rng), rng) for character in word]

    def _sample(self, character: str, rng: Generator) -> Glyph:
        if character in self.letters:
            samples = self.letters[character]
            return samples[int(rng.integers(len(samples)))]
        return _MARK_GLYPHS[character]


def trace_hand(number: int, traces: list[Trace]) -> TraceHand:
    """A writer's hand from what that writer wrote."""
    raw: dict[str, list[list[Points]]] = defaultdict(list)
    for trace in traces:
        raw[trace["text"]].append(_strokes(trace))
    x_height = float(np.median([_height(letter) for small in "аеиноптмш" for letter in raw[small]]))
    letters = {text: [glyph(text, _placed(text, one, x_height)) for one in samples] for text, samples in raw.items()}
    return TraceHand(f"writer-{number}", letters)


def _placed(text: str, strokes: list[Points], x_height: float) -> list[Points]:
    """Tablet units to x-heights, the left edge at 0, the baseline found from the letter's kind."""
    points = np.concatenate(strokes)
    low, high = points[:, 1].max(), points[:, 1].min()
    scale = 1 / x_height
    tailed = len(text) == 1 and text in _TAILED
    baseline = min(high + x_height, low) if tailed else low
    if len(text) == 1:
        scale *= _moderation(text, (low - high) * scale, (baseline - high) * scale)
    elif set(text) & set(_TAILED):
        baseline = low - 0.3 * (low - high)
        scale = 2.4 / max(low - high, 1)
    origin = np.array((points[:, 0].min(), baseline), np.float32)
    return [resampled((stroke - origin) * np.float32(scale)) for stroke in strokes]


def _moderation(character: str, height: float, above: float) -> float:
    """Pulls a letter half the way to the height its kind should have: some were written far too large."""
    if character in _TAILED and character in _SMALL:
        wanted, is_ = 1.0, above
    elif character in _SMALL:
        wanted, is_ = 1.35 if character in "йё" else 1.0, height
    elif character in _TALL:
        wanted, is_ = 2.1, height
    else:
        wanted, is_ = 1.9, height
    if character == "в":
        return float(np.clip(2.0 / max(is_, 0.1), 0.7, 1.0))
    return float(np.clip(np.sqrt(wanted / max(is_, 0.1)), 0.45, 1.6))


def glyph(text: str, strokes: list[Points]) -> Glyph:
    """A letter or word of these strokes, with the joins that its letters have in Russian cursive."""
    left = np.array((min(stroke[:, 0].min() for stroke in strokes), 0), np.float32)
    strokes = [stroke - left for stroke in strokes]
    exit_ = exit_of(strokes)
    joins = text[0] not in _STARTS_APART, text[-1] not in _ENDS_APART and exit_ >= 0
    return Glyph(strokes, joins=joins, exit=exit_)


def _strokes(trace: Trace) -> list[Points]:
    """The trace cut at pen lifts, y turned down."""
    xy = np.array(trace["xy"], np.float32) * np.array((1, -1), np.float32)
    jump = np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T)
    lifts = np.flatnonzero((np.array(trace["dt_ms"]) >= _LIFT_MS) & (jump >= _LIFT_UNITS))
    return [stroke for stroke in np.split(xy, lifts[lifts > 0]) if len(stroke)]


def _height(strokes: list[Points]) -> float:
    return float(np.ptp(np.concatenate(strokes)[:, 1]))


def trace_hands(path: Path) -> list[TraceHand]:
    """One hand a writer and session, and one a writer with all sessions' letters."""
    by_writer: dict[int, list[Trace]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            trace: Trace = json.loads(line)
            by_writer[trace["writer"]].append(trace)
    return [trace_hand(number, traces) for number, traces in sorted(by_writer.items())]
