"""Letters that look alike in both scripts: a word is written in one of them, and its other letters tell which."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters

import numpy as np
from numpy.typing import NDArray

_CYRILLIC, _LATIN = "АВЕКМНОРСТУХаеорсух", "ABEKMHOPCTYXaeopcyx"
_AROUND = 4.0
"""Steps: two letters' worth."""
_ONLY_CYRILLIC = frozenset(map(chr, range(ord("Ѐ"), ord("ӿ") + 1))) - set(_CYRILLIC)
_ONLY_LATIN = frozenset(ascii_letters) - set(_LATIN)
_TO_CYRILLIC, _TO_LATIN = str.maketrans(_LATIN, _CYRILLIC), str.maketrans(_CYRILLIC, _LATIN)


def in_one_script(words: Sequence[str]) -> list[str]:
    """The words of a line, each in one script where that can be told.

    Letters without a twin decide for their word; a word that has none follows the line's other words. Words that mix
    such letters of both scripts stay as they are.
    """
    decisive = [_decisive(word) for word in words]
    line = sum(cyrillic - latin for cyrillic, latin in decisive)
    return [
        word if cyrillic and latin else _written(word, cyrillic - latin or line)
        for word, (cyrillic, latin) in zip(words, decisive, strict=True)
    ]


def language_of(text: str) -> str:
    """The language of most letters, as a BCP 47 code: ru for Cyrillic ones, en for Latin ones, empty without any."""
    cyrillic = sum("Ѐ" <= letter <= "ӿ" for letter in text)
    latin = sum(letter in ascii_letters for letter in text)
    if cyrillic == latin == 0:
        return ""
    return "ru" if cyrillic >= latin else "en"


def _decisive(word: str) -> tuple[int, int]:
    """How many letters of the word are only Cyrillic, and how many only Latin."""
    return sum(map(_ONLY_CYRILLIC.__contains__, word)), sum(map(_ONLY_LATIN.__contains__, word))


def _written(word: str, leaning: int) -> str:
    """leaning: positive for a Cyrillic word, negative for a Latin one, 0 where no letter decides."""
    if leaning == 0:
        return word
    return word.translate(_TO_CYRILLIC if leaning > 0 else _TO_LATIN)


class Scripts:
    """The letters of a charset by script, for frames (T, 1 + len(charset)) of probabilities."""

    def __init__(self, charset: str) -> None:
        classes = range(1 + len(charset))
        cyrillic = {i for i, c in enumerate(charset, start=1) if c.isalpha() and "Ѐ" <= c <= "ӿ"}
        latin = {i for i, c in enumerate(charset, start=1) if c.isalpha() and c.isascii()}
        twins = [(charset.find(a) + 1, charset.find(b) + 1) for a, b in zip(_CYRILLIC, _LATIN, strict=True)]
        self._twins = np.array([pair for pair in twins if all(pair)], np.intp).reshape(-1, 2)
        only = [own - set(self._twins[:, i].tolist()) for i, own in enumerate((cyrillic, latin))]
        self._decisive = np.array([[i in own for own in only] for i in classes], np.float32)
        self._kept = {language: np.array([i not in other for i in classes], np.float32)
                      for language, other in (("ru", latin), ("en", cyrillic))}  # fmt: skip

    def decisive(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """(T, 2): the probability of letters without a twin, Cyrillic and Latin."""
        return np.asarray(frames @ self._decisive, np.float32)

    def pooled(self, frames: NDArray[np.float32], language: str) -> NDArray[np.float32]:
        """The frames with each letter of the other script taken for its twin, and those without one gone."""
        own, other = (0, 1) if language == "ru" else (1, 0)
        pooled = frames * self._kept[language]
        pooled[:, self._twins[:, own]] += frames[:, self._twins[:, other]]
        return pooled


def cyrillic_share(decisive: NDArray[np.float32], around: float) -> float:
    """Of the probability of letters without a twin, that of Cyrillic ones. decisive: of frames, from `Scripts`.

    around: the share in the text around, which counts like a few letters.
    """
    cyrillic, latin = decisive.sum(axis=0).tolist()
    return float((cyrillic + _AROUND * around) / (cyrillic + latin + _AROUND))
