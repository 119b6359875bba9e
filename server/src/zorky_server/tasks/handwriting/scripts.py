"""Letters that look alike in both scripts: a word is written in one of them, and its other letters tell which."""

from __future__ import annotations

from collections.abc import Sequence

_CYRILLIC, _LATIN = "АВЕКМНОРСТУХаеорсух", "ABEKMHOPCTYXaeopcyx"
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
