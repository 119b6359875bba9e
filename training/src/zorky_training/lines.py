"""The line engine: line number n of a seed is always the same crop and text, whoever draws it and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from zorky_server.tasks.handwriting.values import Picture

from .fonts import FontHand, fonts_under, printed_fonts
from .real import RealLines
from .scribe import Hand as Hand
from .scribe import Scribe
from .text import Texts
from .traces import trace_hands

FONT_SHARE, REAL_FONT_SHARE, TRACE_SHARE, PRINTED_SHARE = 0.30, 0.13, 0.50, 0.07
"""How often each kind of hand is asked for; a kind that is not installed leaves its share to the others."""
REAL_LINE_SHARE = 0.08
_CAPITALS_SKIPPED = 0.6
"""Hands of capitals alone are passed over this often: such writing is rare."""
_TRIES = 20
"""Hands asked whether they have all the letters of a text, before another text is drawn."""


class Line(NamedTuple):
    """A crop (H, W, 3) uint8 RGB and what is written on it."""

    crop: Picture
    text: str


@dataclass(frozen=True)
class Sources:
    """fonts: a folder of handwriting fonts. data: a folder with fonts/, ru_traces.jsonl.gz and en_lines/, or None."""

    fonts: Path
    data: Path | None = None


class Engine:
    """Draws lines. Costly to build (word lists, fonts), so build one a process."""

    def __init__(self, sources: Sources, seed: int) -> None:
        """Raises ValueError when there is no font at all."""
        self._seed = seed
        self._texts = Texts()
        self._kinds = _kinds(sources)
        self._real = RealLines(sources.data / "en_lines") if sources.data else None

    def line(self, number: int) -> Line:
        rng = np.random.default_rng((self._seed, number))
        if self._real and rng.random() < REAL_LINE_SHARE:
            return Line(*self._real.draw(rng))
        hand, text = self._pair(rng)
        return Line(Scribe(hand, rng).crop(text, lambda: self._text_for(hand, rng)), text)

    def _pair(self, rng: Generator) -> tuple[Hand, str]:
        """A text and a hand that has all its letters; ё is written е where it is missing, as people do."""
        while True:
            text = self._texts.draw(rng)
            for _ in range(_TRIES):
                hand = self._hand(rng)
                written = text.upper() if hand.capitals_only else text
                if not hand.covers(written) and rng.random() < 0.5:
                    written = written.replace("ё", "е").replace("Ё", "Е").replace("—", "-")
                if hand.covers(written):
                    return hand, written

    def _hand(self, rng: Generator) -> Hand:
        """By kind, then by family, then a weight of the family."""
        shares = np.array([share for share, _ in self._kinds])
        families = self._kinds[int(rng.choice(len(shares), p=shares / shares.sum()))][1]
        family = families[int(rng.integers(len(families)))]
        if family[0].capitals_only and rng.random() < _CAPITALS_SKIPPED:
            return self._hand(rng)
        return family[int(rng.integers(len(family)))]

    def _text_for(self, hand: Hand, rng: Generator) -> str:
        """Text that the hand can write, or none: for the lines around a line."""
        drawn = (self._texts.draw(rng) for _ in range(8))
        return next((text for text in drawn if hand.covers(text)), "")


_Family = Sequence[Hand]
"""The weights of one typeface, or one writer."""


def _kinds(sources: Sources) -> list[tuple[float, Sequence[_Family]]]:
    """The families of each kind of hand that is installed, with the kind's share."""
    kinds: list[tuple[float, Sequence[_Family]]] = [
        (FONT_SHARE, _families(fonts_under(sources.fonts))),
        (PRINTED_SHARE, _families(printed_fonts(), printed=True)),
    ]
    if sources.data:
        kinds.append((REAL_FONT_SHARE, _families(fonts_under(sources.data / "fonts"))))
        kinds.append((TRACE_SHARE, [[hand] for hand in trace_hands(sources.data / "ru_traces.jsonl.gz")]))
    installed = [(share, families) for share, families in kinds if families]
    if not installed:
        raise ValueError(f"no fonts under {sources.fonts}: run `zorky-train fonts`")
    return installed


def _families(paths: Sequence[Path], printed: bool = False) -> list[_Family]:
    families: dict[str, list[Hand]] = {}
    for path in paths:
        hand = FontHand(path, printed)
        if hand.covers("я"):
            families.setdefault(path.stem.partition("_")[0].partition("-")[0], []).append(hand)
    return list(families.values())
