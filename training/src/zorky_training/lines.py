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
from .traces import TraceHand, trace_hands
from .virtual_writers import virtual_writers

FONT_SHARE, REAL_FONT_SHARE, TRACE_SHARE, VIRTUAL_SHARE, PRINTED_SHARE = 0.30, 0.13, 0.22, 0.30, 0.05
"""How often each kind of hand is asked for; a kind that is not installed leaves its share to the others."""
REAL_LINE_SHARE = 0.08
CORRECTED_SHARE = 0.5
"""How often a line that a person corrected is asked for, where there are any; the rest keeps what was learnt before."""
HELD_OUT = ("Yomogi", "Philosopher")
"""Hands that lines for training never use and those for evaluation use alone. Few: each hand kept back is missed."""
_VIRTUAL_WRITERS = 80
"""More bring little: there are 78 pairs of thirteen writers."""
_CAPITALS_SKIPPED = 0.6
"""Hands of capitals alone are passed over this often: such writing is rare."""
_MIXED = 0.4
"""Part of the lines in traced letters that hold another hand's forms."""
_TRIES = 20
"""Hands asked whether they have all the letters of a text, before another text is drawn."""


class Line(NamedTuple):
    """A crop (H, W, 3) uint8 RGB, what is written on it, and the name of the hand: empty for a real line."""

    crop: Picture
    text: str
    hand: str = ""


@dataclass(frozen=True)
class Sources:
    """fonts: a folder of handwriting fonts. data: a folder with fonts/, ru_traces.jsonl.gz and en_lines/, or None.
    corrections: a labelled folder of lines that people corrected, or None."""

    fonts: Path
    data: Path | None = None
    corrections: Path | None = None


class Engine:
    """Draws lines. Costly to build (word lists, fonts), so build one a process. held_out: use only HELD_OUT hands."""

    def __init__(self, sources: Sources, seed: int, held_out: bool = False) -> None:
        """Raises ValueError when there is no font at all."""
        self._seed = seed
        self._texts = Texts()
        self._kinds = _kinds(sources, held_out)
        self._real = RealLines(sources.data / "en_lines") if sources.data and not held_out else None
        self._corrected = RealLines(sources.corrections) if sources.corrections and not held_out else None

    def line(self, number: int) -> Line:
        rng = np.random.default_rng((self._seed, number))
        if self._corrected and rng.random() < CORRECTED_SHARE:
            return Line(*self._corrected.draw(rng))
        if self._real and rng.random() < REAL_LINE_SHARE:
            return Line(*self._real.draw(rng))
        hand, text = self._pair(rng)
        return Line(Scribe(hand, rng).crop(text, lambda: self._text_for(hand, rng)), text, hand.name)

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
                    return self._mixed(hand, written, rng), written

    def _mixed(self, hand: Hand, text: str, rng: Generator) -> Hand:
        """Now and then the hand with some letters in the forms of another, printed ones among written ones, too."""
        if not isinstance(hand, TraceHand) or rng.random() >= _MIXED:
            return hand
        other = self._hand(rng)
        if other.printed or other.capitals_only or not isinstance(other, TraceHand | FontHand):
            return hand
        part = rng.uniform(0.1, 0.6)
        return hand.borrowing(other, [letter for letter in sorted(set(text)) if rng.random() < part])

    def _hand(self, rng: Generator) -> Hand:
        """By kind, then by family, then a weight of the family."""
        shares = np.array([share for share, _ in self._kinds])
        hands = self._kinds[int(rng.choice(len(shares), p=shares / shares.sum()))][1]
        family = hands[int(rng.integers(len(hands)))]
        if family[0].capitals_only and rng.random() < _CAPITALS_SKIPPED:
            return self._hand(rng)
        return family[int(rng.integers(len(family)))]

    def _text_for(self, hand: Hand, rng: Generator) -> str:
        """Text that the hand can write, or none: for the lines around a line."""
        drawn = (self._texts.draw(rng) for _ in range(8))
        return next((text for text in drawn if hand.covers(text)), "")


def _kinds(sources: Sources, held_out: bool) -> list[tuple[float, list[list[Hand]]]]:
    """The families of each kind of hand that is installed, with the kind's share."""
    kinds: list[tuple[float, Sequence[Hand]]] = [(FONT_SHARE, _fonts(fonts_under(sources.fonts)))]
    if sources.data:
        kinds.append((REAL_FONT_SHARE, _fonts(fonts_under(sources.data / "fonts"))))
        kinds.append((TRACE_SHARE, trace_hands(sources.data / "ru_traces.jsonl.gz")))
    kept = [(share, [hand for hand in hands if hand.name.startswith(HELD_OUT) == held_out]) for share, hands in kinds]
    if not held_out:
        writers = [hand for hand in kept[-1][1] if isinstance(hand, TraceHand)]
        kept.append((VIRTUAL_SHARE, [*virtual_writers(writers, _VIRTUAL_WRITERS, np.random.default_rng(0))]))
        kept.append((PRINTED_SHARE, _fonts(printed_fonts(), printed=True)))
    installed = [(share, families(hands)) for share, hands in kept if hands]
    if not installed:
        raise ValueError(f"no fonts under {sources.fonts}: run `zorky-train fonts`")
    return installed


def _fonts(paths: Sequence[Path], printed: bool = False) -> list[Hand]:
    return [FontHand(path, printed) for path in paths]


def families(hands: Sequence[Hand]) -> list[list[Hand]]:
    """The hands by typeface or writer: the weights of one typeface count as one hand."""
    found: dict[str, list[Hand]] = {}
    for hand in hands:
        found.setdefault(hand.name.partition("_")[0], []).append(hand)
    return list(found.values())
