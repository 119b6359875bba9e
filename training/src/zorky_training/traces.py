"""Pen traces of real writers as writing hands: words are composed from a writer's own letters and joined as cursive is.

The traces are a public set (doi 10.17632/3h6h5d7xg2.1): each letter and digit several times from each of twelve
writers. Training runs without them.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.random import Generator

from .ink import Ink, Points

_LIFT_MS, _LIFT_UNITS = 75, 6
"""A longer pause with a longer jump is a pen lift: the files have no flag for it."""
_SPACING = 0.07
"""Distance of resampled points, in x-heights."""
_SMOOTHING = (0.1, 0.2, 0.4, 0.2, 0.1)
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


class Trace(TypedDict):
    writer: int
    session: int
    text: str
    xy: list[list[int]]
    dt_ms: list[int]


class TraceHand:
    """Writes with the letters of one writer; a letter is a list of pen strokes with the baseline at 0."""

    printed = False
    capitals_only = False

    def __init__(self, writer: int, traces: list[Trace]) -> None:
        self.name = f"writer-{writer}"
        raw: dict[str, list[list[Points]]] = defaultdict(list)
        for trace in traces:
            raw[trace["text"]].append(_strokes(trace))
        self._x_height = float(np.median([_height(letter) for small in "аеиноптмш" for letter in raw[small]]))
        self._letters = {text: [self._placed(text, one) for one in samples] for text, samples in raw.items()}

    def covers(self, text: str) -> bool:
        return all(character == " " or character in _MARKS or character in self._letters for character in text)

    def write(self, text: str, rng: Generator, jitter: float) -> Ink:
        """Composes a line: letters in turn from several samples of each, joined inside words by connecting strokes."""
        ink, cursor, gap = Ink(), 0.0, rng.uniform(0.5, 2.4)
        tightness, join_habit = rng.uniform(-0.06, 0.26), rng.choice((1.0, 0.9, 0.6, 0.0), p=(0.5, 0.25, 0.13, 0.12))
        if join_habit == 0:
            tightness += rng.uniform(0, 0.9) * rng.uniform()
            gap += 2 * max(tightness, 0)
        stretch = float(np.exp(rng.normal(0.0, 0.22)) * (rng.uniform(1.2, 1.9) if rng.random() < 0.12 else 1))
        for number, word in enumerate(text.split(" ")):
            cursor += gap * rng.uniform(0.75, 1.3) if number else 0.0
            cursor = self._word(ink, word, cursor, rng, jitter, tightness, join_habit)
        ink.strokes = [stroke * np.array((stretch, 1), np.float32) for stroke in ink.strokes]
        ink.width = cursor * stretch
        return ink

    def _word(
        self, ink: Ink, word: str, cursor: float, rng: Generator, jitter: float, tightness: float, join_habit: float
    ) -> float:
        """Adds one word at `cursor` and returns where it ends."""
        if word in self._letters and len(word) > 1 and rng.random() < 0.5:
            return _place(ink, _varied(self._sample(word, rng), rng, jitter), cursor)[0]
        before, exit_ = "", None
        for character in word:
            letter = _varied(self._sample(character, rng), rng, jitter)
            joins = _joins(before, character) and rng.random() < join_habit
            space = tightness + rng.normal(0, 0.05) * jitter + (0.0 if joins else 0.12)
            cursor, placed = _place(ink, letter, cursor + space)
            if joins and exit_ is not None:
                _join(ink, exit_, placed[0])
            before, exit_ = character, _exit(placed)
        return cursor

    def _sample(self, character: str, rng: Generator) -> list[Points]:
        if character in self._letters:
            samples = self._letters[character]
            return samples[int(rng.integers(len(samples)))]
        return [_resampled(np.array(stroke, np.float32)) for stroke in _MARKS[character]]

    def _placed(self, text: str, strokes: list[Points]) -> list[Points]:
        """Tablet units to x-heights, the left edge at 0, the baseline found from the letter's kind."""
        points = np.concatenate(strokes)
        low, high = points[:, 1].max(), points[:, 1].min()
        scale = 1 / self._x_height
        tailed = len(text) == 1 and text in _TAILED
        baseline = min(high + self._x_height, low) if tailed else low
        if len(text) == 1:
            scale *= _moderation(text, (low - high) * scale, (baseline - high) * scale)
        elif set(text) & set(_TAILED):
            baseline = low - 0.3 * (low - high)
            scale = 2.4 / max(low - high, 1)
        origin = np.array((points[:, 0].min(), baseline), np.float32)
        return [_resampled((stroke - origin) * np.float32(scale)) for stroke in strokes]


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


def _joins(before: str, after: str) -> bool:
    if not before or before in _MARKS or after in _MARKS:
        return False
    return before not in _ENDS_APART and after not in _STARTS_APART


def _strokes(trace: Trace) -> list[Points]:
    """The trace cut at pen lifts, y turned down."""
    xy = np.array(trace["xy"], np.float32) * np.array((1, -1), np.float32)
    jump = np.hypot(*np.diff(xy, axis=0, prepend=xy[:1]).T)
    lifts = np.flatnonzero((np.array(trace["dt_ms"]) >= _LIFT_MS) & (jump >= _LIFT_UNITS))
    return [stroke for stroke in np.split(xy, lifts[lifts > 0]) if len(stroke)]


def _height(strokes: list[Points]) -> float:
    return float(np.ptp(np.concatenate(strokes)[:, 1]))


def _resampled(path: Points) -> Points:
    """Evenly spaced points along a smoothed path: the tablet's own are on a coarse grid."""
    if len(path) > 4:
        padded = np.concatenate((path[:1], path[:1], path, path[-1:], path[-1:]))
        path = np.stack([w * padded[i : i + len(path)] for i, w in enumerate(_SMOOTHING)]).sum(0)
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))))
    if along[-1] < _SPACING:
        return path[:1].astype(np.float32)
    at = np.linspace(0, along[-1], max(2, int(along[-1] / _SPACING)))
    return np.stack((np.interp(at, along, path[:, 0]), np.interp(at, along, path[:, 1])), 1).astype(np.float32)


def _varied(strokes: list[Points], rng: Generator, jitter: float) -> list[Points]:
    """The same letter as if written again: size, proportions, lean and a bend of its own."""
    wide, tall = np.exp(rng.normal(0, 0.10, 2) * jitter)
    turn, lean = rng.normal(0, 0.06, 2) * jitter
    matrix = np.array(((wide, turn), (lean - turn, tall)), np.float32)
    bend, phase = rng.normal(0, 0.05, 2) * jitter, rng.uniform(0, 6.28, 2)
    shift = rng.normal(0, 0.04) * jitter
    varied = []
    for stroke in strokes:
        moved = stroke @ matrix
        moved = moved + bend * np.sin(moved[:, ::-1] * 2.5 + phase)
        varied.append((moved + np.array((0, shift))).astype(np.float32))
    return varied


def _place(ink: Ink, strokes: list[Points], left: float) -> tuple[float, list[Points]]:
    """Puts a letter's strokes so that they start at `left`; returns where they end, and the strokes as put."""
    points = np.concatenate(strokes)
    offset = np.array((left - points[:, 0].min(), 0), np.float32)
    placed = [stroke + offset for stroke in strokes]
    ink.strokes.extend(placed)
    return left + float(np.ptp(points[:, 0])), placed


def _exit(strokes: list[Points]) -> Points | None:
    """The stroke from which the pen goes on to the next letter: not the dots of ё or the breve of й."""
    low = [stroke for stroke in strokes if stroke[-1, 1] > -0.95]
    return max(low, key=lambda stroke: float(stroke[-1, 0])) if low else None


def _join(ink: Ink, exit_: Points, entry: Points) -> None:
    """Draws the connecting stroke from where one letter's stroke ends to where the next letter's starts."""
    start, end = exit_[-1], entry[0]
    if not (-0.6 < end[0] - start[0] < 1.4 and abs(end[1] - start[1]) < 1.6):
        return
    along = np.linspace(0, 1, 9, dtype=np.float32)[:, None]
    reach = 0.5 * float(np.hypot(*(end - start)))
    leaving, arriving = _heading(exit_[-4:], reach), _heading(entry[:4], reach)
    curve = (
        (1 - along) ** 3 * start
        + 3 * (1 - along) ** 2 * along * (start + leaving)
        + 3 * (1 - along) * along**2 * (end - arriving)
        + along**3 * end
    )
    ink.strokes.append(curve.astype(np.float32))


def _heading(path: Points, length: float) -> Points:
    """The direction in which a piece of path runs, `length` long."""
    step = path[-1] - path[0]
    size = float(np.hypot(*step))
    return step * np.float32(length / size) if size > 1e-3 else np.zeros(2, np.float32)


def trace_hands(path: Path) -> list[TraceHand]:
    """One hand a writer and session, and one a writer with all sessions' letters."""
    by_writer: dict[int, list[Trace]] = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            trace: Trace = json.loads(line)
            by_writer[trace["writer"]].append(trace)
    return [TraceHand(writer, traces) for writer, traces in sorted(by_writer.items())]
