"""Letters that look alike in both scripts: a word is written in one of them, and its other letters tell which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_CYRILLIC, _LATIN = "АВЕКМНОРСТУХаеорсух", "ABEKMHOPCTYXaeopcyx"
_AROUND = 4.0
"""Steps: two letters' worth."""
_TO_CYRILLIC, _TO_LATIN = str.maketrans(_LATIN, _CYRILLIC), str.maketrans(_CYRILLIC, _LATIN)


def in_one_script(words: Sequence[str]) -> list[str]:
    """The words of a line, each in one script where that can be told.

    Letters without a twin decide for their word; a word that has none follows the line's other words. Words that mix
    such letters of both scripts stay as they are.
    """
    leaning = [_leaning(word) for word in words]
    line = sum(leaning)
    return [
        _written(word, lean or line) if not _mixes(word) else word for word, lean in zip(words, leaning, strict=True)
    ]


def _decisive(word: str) -> tuple[int, int]:
    """How many letters of the word are only Cyrillic, and how many only Latin."""
    cyrillic = sum("Ѐ" <= letter <= "ӿ" and letter not in _CYRILLIC for letter in word)
    latin = sum(letter.isascii() and letter.isalpha() and letter not in _LATIN for letter in word)
    return cyrillic, latin


def _leaning(word: str) -> int:
    """Positive for a Cyrillic word, negative for a Latin one, 0 where no letter decides."""
    cyrillic, latin = _decisive(word)
    return cyrillic - latin


def _mixes(word: str) -> bool:
    return all(_decisive(word))


def _written(word: str, leaning: int) -> str:
    if leaning == 0:
        return word
    return word.translate(_TO_CYRILLIC if leaning > 0 else _TO_LATIN)


class Scripts:
    """The letters of a charset by script, for frames (T, 1 + len(charset)) of probabilities."""

    def __init__(self, charset: str) -> None:
        letters = [(i, c) for i, c in enumerate(charset, start=1) if c.isalpha()]
        self._cyrillic = [i for i, c in letters if "Ѐ" <= c <= "ӿ"]
        self._latin = [i for i, c in letters if c.isascii()]
        twins = [(charset.find(a) + 1, charset.find(b) + 1) for a, b in zip(_CYRILLIC, _LATIN, strict=True)]
        self._twins = np.array([pair for pair in twins if all(pair)], np.intp).reshape(-1, 2)
        self._only = [
            np.array(sorted(set(own) - set(self._twins[:, i].tolist())), np.intp)
            for i, own in enumerate((self._cyrillic, self._latin))
        ]

    def decisive(self, frames: NDArray[np.float32]) -> NDArray[np.float32]:
        """(T, 2): the probability of letters without a twin, Cyrillic and Latin."""
        return np.stack([frames[:, only].sum(axis=1) for only in self._only], axis=1)

    def pooled(self, frames: NDArray[np.float32], language: str) -> NDArray[np.float32]:
        """The frames with each letter of the other script taken for its twin, and those without one gone."""
        kept, left = (0, 1) if language == "ru" else (1, 0)
        pooled = frames.copy()
        pooled[:, self._twins[:, kept]] += frames[:, self._twins[:, left]]
        pooled[:, (self._cyrillic, self._latin)[left]] = 0
        return pooled


def cyrillic_share(decisive: NDArray[np.float32], around: float) -> float:
    """Of the probability of letters without a twin, that of Cyrillic ones. decisive: of frames, from `Scripts`.

    around: the share in the text around, which counts like a few letters.
    """
    cyrillic, latin = decisive.sum(axis=0).tolist()
    return float((cyrillic + _AROUND * around) / (cyrillic + latin + _AROUND))
