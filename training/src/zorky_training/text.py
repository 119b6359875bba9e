"""What is written on the synthetic lines: Russian, English and mixed notes, all inside the recogniser's charset.

Words come from wordfreq's lists by tempered frequency, so rare forms are seen too; a share is invented, so that the
recogniser reads letters and does not learn a lexicon.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import numpy as np
import wordfreq
from numpy.random import Generator
from numpy.typing import NDArray

from .charset import fold
from .notes import note, number
from .quotes import FORTUNES, Quotes

RUSSIAN_SHARE, ENGLISH_SHARE = 0.66, 0.24
"""The rest is mixed: numbers, doses, prices, dates, formulas."""

_TEMPERS = (0.5, 0.9)
"""Words are drawn by share ** 0.5, so that rare forms come too, or by share ** 0.9, nearly as people write."""
_RARE = 0.35
"""Part of the lines that is drawn the first way."""
_INVENTED = 0.1
_QUOTED = 0.35
"""Part of the lines of prose that is running text, where any is installed."""
_RUSSIAN = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
_LATIN = "abcdefghijklmnopqrstuvwxyz"
_ALPHABETS = {"ru": _RUSSIAN, "en": _LATIN}
_LONGEST = 24
"""Letters of a word."""


@dataclass(frozen=True)
class Words:
    """A word list with its cumulative tempered frequencies."""

    words: list[str]
    cumulative: NDArray[np.float64]

    @classmethod
    def of(cls, language: str, temper: float) -> Words:
        words, shares = _listed(language)
        weights = shares**temper
        return cls(words, np.cumsum(weights / weights.sum()))

    def draw(self, rng: Generator) -> str:
        return self.words[min(int(np.searchsorted(self.cumulative, rng.random())), len(self.words) - 1)]


@cache
def _listed(language: str) -> tuple[list[str], NDArray[np.float64]]:
    """wordfreq's words in the language's own letters, with their shares of running text."""
    letters = _ALPHABETS[language]
    pattern = re.compile(f"[{letters}]+(-[{letters}]+)?")
    found = wordfreq.get_frequency_dict(language, wordlist="best")
    kept = {word: share for word, share in found.items() if len(word) <= _LONGEST and pattern.fullmatch(word)}
    return list(kept), np.array(list(kept.values()))


class Texts:
    """Draws the text of a line. One instance is a few hundred thousand words: share it."""

    def __init__(self) -> None:
        self._russian = [Words.of("ru", temper) for temper in _TEMPERS]
        self._english = [Words.of("en", temper) for temper in _TEMPERS]
        self._russian_quotes, self._english_quotes = Quotes(FORTUNES / "ru"), Quotes(FORTUNES)

    def draw(self, rng: Generator) -> str:
        """A folded, non-empty text of one to eight words, or as many as a line of a notebook holds."""
        kind = rng.random()
        if kind < RUSSIAN_SHARE:
            text = self._prose(rng, self._russian, _RUSSIAN, self._russian_quotes)
        elif kind < RUSSIAN_SHARE + ENGLISH_SHARE:
            text = self._prose(rng, self._english, _LATIN, self._english_quotes)
        else:
            text = self._mixed(rng)
        return fold(text) or self.draw(rng)

    def _prose(self, rng: Generator, words: list[Words], alphabet: str, quotes: Quotes) -> str:
        """A piece of running text where any is installed, or words that do not belong together."""
        if quotes and rng.random() < _QUOTED:
            return " ".join(_cut_at_the_ends(rng, quotes.draw(rng).split(" ")))
        return self._running(rng, _one(rng, words), alphabet)

    def _running(self, rng: Generator, words: Words, alphabet: str) -> str:
        count = int(rng.choice((1, 2, 3, 4, 5, 6, 7, 8), p=(0.26, 0.18, 0.18, 0.15, 0.11, 0.07, 0.03, 0.02)))
        parts = [self._decorated(rng, self._word(rng, words, alphabet)) for _ in range(count)]
        if rng.random() < 0.3:
            parts[0] = parts[0][:1].upper() + parts[0][1:]
        if count > 1:
            parts = _cut_at_the_ends(rng, parts)
        if rng.random() < 0.06:
            parts = [_bracketed(rng, " ".join(parts))]
        if rng.random() < 0.08:
            parts.insert(int(rng.integers(len(parts) + 1)), number(rng))
        return " ".join(parts)

    def _word(self, rng: Generator, words: Words, alphabet: str) -> str:
        if rng.random() >= _INVENTED:
            return words.draw(rng)
        if rng.random() < 0.3:
            return "".join(rng.choice(list(alphabet), rng.integers(1, 9)))
        first, second = words.draw(rng), words.draw(rng)
        return first[: int(rng.integers(1, len(first) + 1))] + second[int(rng.integers(len(second))) :]

    def _decorated(self, rng: Generator, word: str) -> str:
        case = rng.random()
        if case < 0.10:
            word = word.capitalize()
        elif case < 0.145:
            word = word.upper()
        mark = rng.random()
        if mark < 0.13:
            return word + ","
        if mark < 0.24:
            return word + str(rng.choice(list("..........::;;!?")))
        if mark < 0.265:
            return word + " —"
        return word

    def _mixed(self, rng: Generator) -> str:
        part = note(rng)
        words = _one(rng, self._russian if rng.random() < 0.7 else self._english)
        before = [words.draw(rng) for _ in range(int(rng.integers(0, 3)))]
        after = [words.draw(rng) for _ in range(int(rng.integers(0, 2)))]
        return " ".join([*before, part, *after])


def _one(rng: Generator, lists: list[Words]) -> Words:
    """A list of the common or of the rare temper."""
    return lists[int(rng.random() >= _RARE)]


def _cut_at_the_ends(rng: Generator, parts: list[str]) -> list[str]:
    """Words broken over the line's end, with the hyphen at the end and the rest at the next line's start."""
    if rng.random() < 0.12 and len(parts[-1]) > 4:
        parts = [*parts[:-1], parts[-1].rstrip(".,:;!?— ")[: int(rng.integers(2, len(parts[-1]) - 1))] + "-"]
    if rng.random() < 0.12 and len(parts[0]) > 4:
        parts = [parts[0][int(rng.integers(2, len(parts[0]) - 1)) :], *parts[1:]]
    return parts


def _bracketed(rng: Generator, text: str) -> str:
    opening, closing = ("()", "«»", '""', "[]", "''", "«»", "()")[int(rng.integers(7))]
    return opening + text + closing
