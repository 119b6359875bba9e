"""Running text from Debian's `fortunes` and `fortunes-ru`, where they are installed; training runs without them."""

from __future__ import annotations

import re
from pathlib import Path

from numpy.random import Generator

from .charset import fold

FORTUNES = Path("/usr/share/games/fortunes")
"""The English ones; the Russian ones lie in the folder `ru` in it."""
_DRAWINGS = frozenset(("art", "ascii-art", "translate-me"))
_NO_PROSE = re.compile(r"^\s*-- .*$|[-=_*~^|<>]{2,}|^%$", re.MULTILINE)
"""Whose words they are, rules, and the marks between quotations."""
_SHORTEST, _LONGEST = 3, 60
"""Characters of a piece."""


class Quotes:
    """All of a folder's quotations as one text, from which pieces as long as a line are drawn."""

    def __init__(self, folder: Path) -> None:
        files = sorted(path for path in folder.glob("*") if _is_text(path))
        text = " ".join(path.read_text(encoding="utf-8", errors="ignore") for path in files)
        self._text = fold(_NO_PROSE.sub(" ", text))

    def __bool__(self) -> bool:
        return len(self._text) > _LONGEST

    def draw(self, rng: Generator) -> str:
        """Whole words, 60 characters at most, unless a single word is longer."""
        length = int(rng.triangular(_SHORTEST, 20, _LONGEST))
        start = int(rng.integers(len(self._text) - length))
        begin = self._text.find(" ", start) + 1
        end = self._text.rfind(" ", begin, begin + length + 1)
        if end <= begin:
            end = self._text.find(" ", begin)
        return self._text[begin : end if end > 0 else None]


def _is_text(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and path.suffix != ".dat" and path.name not in _DRAWINGS
