"""Synthetic people who correct drawn pages: what they would send, and what really stands in each line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from zorky_server.store import Feedback, MissedLine, WordCorrection
from zorky_server.tasks.handwriting.values import Quad

from ..pages import quad_of
from ..sheet import Band
from .alignment import changed_runs
from .readings import ReadLine

TYPOS = 0.01
"""Part of the words that people type which they mistype."""
_POISON = str.maketrans("аоae", "оаea")
_LETTERS = "абвгдежзиклмнопрстуфхцчшщыьэюя"


@dataclass(frozen=True, slots=True)
class SeenPage:
    """A drawn page as it was read. truths: what stands in each line. said: what a person sees there, the words at its
    ends that the line should have had included. missed: what was not found."""

    lines: Sequence[ReadLine]
    truths: Sequence[str]
    said: Sequence[str]
    missed: Sequence[Band]

    def truth_at(self, quad: Quad) -> str:
        """What stands in a quad of a line or of a missed one; nothing elsewhere."""
        known = [(line.quad.ravel(), truth) for line, truth in zip(self.lines, self.truths, strict=True)]
        known += [(np.array(_flat(quad_of(band)), np.float32), band.text) for band in self.missed]
        return next((truth for place, truth in known if np.array_equal(place, quad.ravel())), "")


def seen_page(lines: Sequence[ReadLine], bands: Sequence[Band]) -> SeenPage:
    """Puts the bands of a drawn page and the lines that were read in it together, word by word."""
    truths: list[list[_Placed]] = [[] for _ in lines]
    said: list[list[_Placed]] = [[] for _ in lines]
    missed = []
    for band in bands:
        words = _placed_words(band)
        homes = [_home(word, lines) for word in words]
        found = [i for i, home in enumerate(homes) if home is not None]
        if not found:
            missed.append(band)
        for i, word in enumerate(words if found else []):
            home, near = homes[i], homes[min(found, key=lambda other: abs(other - i))]
            if home is not None:
                truths[home].append(word)
            if near is not None:
                said[near].append(word)
    return SeenPage(lines, _texts(lines, truths), _texts(lines, said), missed)


class _Placed(NamedTuple):
    """A word of a drawn page and its middle in the picture."""

    text: str
    point: NDArray[np.float64]


def _placed_words(band: Band) -> list[_Placed]:
    """The words of a band, where they stand if its letters are equally wide."""
    middle, words, begin = (band.top + band.bottom) / 2, band.text.split(" "), 0
    places = np.linspace(0, 1, len(middle))
    placed = []
    for word in words:
        share = (begin + len(word) / 2) / len(band.text)
        placed.append(_Placed(word, np.array([np.interp(share, places, middle[:, axis]) for axis in (0, 1)])))
        begin += len(word) + 1
    return placed


def _home(word: _Placed, lines: Sequence[ReadLine]) -> int | None:
    """The line in whose quad the word stands, most in the middle of its height; None where in none."""
    depths = [cv2.pointPolygonTest(line.quad, word.point.tolist(), True) for line in lines]
    best = int(np.argmax(depths)) if depths else 0
    return best if depths and depths[best] >= 0 else None


def _texts(lines: Sequence[ReadLine], words: Sequence[list[_Placed]]) -> list[str]:
    directions = [line.quad[1] - line.quad[0] for line in lines]
    return [
        " ".join(word.text for word in sorted(some, key=lambda word: float(word.point @ along)))
        for some, along in zip(words, directions, strict=True)
    ]


Person = Callable[[SeenPage, Generator], list[Feedback]]
"""What somebody sends of a page; ids are left empty."""


def honest(page: SeenPage, rng: Generator) -> list[Feedback]:
    """Puts everything right, in one of the ways in which it can be told, and mistypes a word now and then."""
    return [*_told(page, [_typed(line.text, said, 1.0, rng) for line, said in _both(page)], rng), *_missed(page, rng)]


def lazy(page: SeenPage, rng: Generator) -> list[Feedback]:
    """Puts half of what is wrong right."""
    return _told(page, [_typed(line.text, said, 0.5, rng) for line, said in _both(page)], rng)


def vandal(page: SeenPage, rng: Generator) -> list[Feedback]:
    """Writes other texts over the page, or other words here and there, or lines where there are none."""
    kind = rng.random()
    if kind < 0.4:
        return _told(page, [_nonsense(int(rng.integers(1, 8)), rng) for _ in page.lines], rng)
    if kind < 0.8:
        return _told(page, [_defaced(line.text, rng) for line in page.lines], rng)
    quads = [line.quad + np.float32(rng.uniform(20, 60)) for line in page.lines[:5]]
    missed = tuple(MissedLine(_flat(quad), _nonsense(int(rng.integers(1, 6)), rng)) for quad in quads)
    return [_feedback(missed=missed)] if missed else []


def poisoner(page: SeenPage, rng: Generator) -> list[Feedback]:
    """Writes one letter for another all over the page, near enough to what was read to be believed line by line."""
    return _told(page, [line.text.translate(_POISON) for line in page.lines], rng)


def _both(page: SeenPage) -> list[tuple[ReadLine, str]]:
    return list(zip(page.lines, page.said, strict=True))


def _typed(read: str, said: str, care: float, rng: Generator) -> str:
    """The text after each wrong word was put right with the chance `care`."""
    was, words, made = read.split(), said.split(), list[str]()
    for change in Levenshtein.opcodes(was, words):
        before, after = was[change.src_start : change.src_end], words[change.dest_start : change.dest_end]
        is_typed = change.tag != "equal" and rng.random() < care
        made += [_mistyped(word, rng) for word in after] if is_typed else before
    return " ".join(made)


def _mistyped(word: str, rng: Generator) -> str:
    if rng.random() >= TYPOS:
        return word
    place = int(rng.integers(len(word)))
    return word[:place] + str(rng.choice(list(_LETTERS))) + word[place + int(rng.random() < 0.7) :]


def _nonsense(words: int, rng: Generator) -> str:
    return " ".join("".join(rng.choice(list(_LETTERS), int(rng.integers(2, 10)))) for _ in range(words))


def _defaced(text: str, rng: Generator) -> str:
    """One word of the line replaced by another."""
    words = text.split()
    words[int(rng.integers(len(words)))] = _nonsense(1, rng)
    return " ".join(words)


def _told(page: SeenPage, texts: Sequence[str], rng: Generator) -> list[Feedback]:
    """The same by word corrections, or as a whole text: with the lines as they stand, run together, without a line of
    the page, or in small letters throughout."""
    way = rng.choice(("words", "lines", "together", "shorter", "small"), p=(0.4, 0.3, 0.15, 0.1, 0.05))
    if way == "words":
        words = tuple(
            one for number, text in enumerate(texts) for one in _word_corrections(page.lines[number], number, text)
        )
        return [_feedback(words=words)] if words else []
    kept = [text for text in texts if text]
    if way == "shorter" and kept:
        kept.pop(int(rng.integers(len(kept))))
    whole = "\n".join(kept)
    if way == "together":
        whole = whole.replace("-\n", "").replace("\n", " ")
    return [_feedback(text=whole.lower() if way == "small" else whole)]


def _word_corrections(line: ReadLine, number: int, text: str) -> list[WordCorrection]:
    """Of words that became several, the first gets them all; words put in are sent with the one before, or after."""
    was, words, made = [word.text for word in line.words], text.split(), dict[int, str]()
    for before, after in changed_runs(was, words):
        written = [words[i] for i in after]
        if before:
            made |= dict.fromkeys(before, "") | {before[0]: " ".join(written)}
        elif before.start:
            made[before.start - 1] = " ".join([was[before.start - 1], *written])
        else:
            made[0] = " ".join([*written, was[0]])
    return [WordCorrection(number, place, word) for place, word in made.items()]


def _missed(page: SeenPage, rng: Generator) -> list[Feedback]:
    lines = tuple(
        MissedLine(_flat(quad_of(band)), " ".join(_mistyped(word, rng) for word in band.text.split()))
        for band in page.missed
    )
    return [_feedback(missed=lines)] if lines else []


def _flat(quad: Quad) -> tuple[float, float, float, float, float, float, float, float]:
    a, b, c, d, e, f, g, h = np.maximum(quad, 0).ravel().tolist()
    return a, b, c, d, e, f, g, h


def _feedback(
    text: str | None = None,
    words: tuple[WordCorrection, ...] | None = None,
    missed: tuple[MissedLine, ...] | None = None,
) -> Feedback:
    return Feedback("", "", text=text, words=words, missed=missed, allow_training=True)
