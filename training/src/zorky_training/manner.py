"""How one line is written: what stays the same from its first letter to its last, whoever writes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from .glyphs import Glyph, resampled
from .minims import MINIM_LETTERS, Minims

_OUTLINED = 0.2
_BARRED = {"т": -1.3, "ш": 0.25}
"""Letters that a bar may go with, and the bar's height."""


@dataclass(frozen=True)
class Manner:
    """Lengths in x-heights; factors are 1 where a hand is left as it is."""

    restlessness: float = 0.0
    """How much a letter differs each time it is written."""
    spacing: float = 0.06
    gap: float = 1.0
    """Between words."""
    stretch: float = 1.0
    joining: float = 1.0
    """How likely letters that can be joined are."""
    linking: float = 0.0
    """How likely the letters of a font, which knows no pen, can be joined."""
    rising: float = 1.0
    """Height of what stands above small letters."""
    hanging: float = 1.0
    """Depth of what hangs below the line."""
    loops: float = 1.0
    """Width of loops below the line: 0 is a plain stroke."""
    capitals: float = 1.0
    fading: float = 0.0
    """How much smaller and wider letters get towards a word's end."""
    haste: float = 0.0
    """Reach of the smoothing that a hurried pen gives its path."""
    corners: float = 0.0
    """Tolerance to which curves become pointed."""
    words_up: float = 0.0
    """Deviation of a word's slope and height."""
    flourish: float = 0.0
    """How likely the last letter of a word trails off in a stroke."""
    bars: float = 0.0
    """How likely a bar over т and under ш is."""
    outlined: bool = False
    """Whether a font's letters are filled as its maker drew them, and not written along their middle."""
    minims: Minims | None = None
    minim_letters: frozenset[str] = frozenset()
    """Letters that are written as rows of minims, whatever form the hand has."""

    @classmethod
    def random(cls, rng: Generator, restlessness: float) -> Manner:
        """A manner of any kind; restlessness 0 gives the hand's own."""
        if not restlessness:
            return cls(outlined=True)
        joining = float(rng.choice((1.0, 0.9, 0.6, 0.0), p=(0.5, 0.25, 0.13, 0.12)))
        spacing = float(rng.uniform(-0.06, 0.22)) + (float(rng.uniform(0, 0.8) * rng.uniform()) if not joining else 0)
        rising, hanging, loops, capitals = np.exp(rng.normal(0, (0.22, 0.27, 0.3, 0.15))).tolist()
        has_minims = rng.random() < 0.4
        wide = float(np.exp(rng.normal(0.0, 0.2)))
        if rng.random() < 0.2:
            wide *= float(rng.uniform(0.55, 0.8) if rng.random() < 0.5 else rng.uniform(1.2, 1.7))
        return cls(
            restlessness=restlessness,
            spacing=spacing,
            gap=float(rng.uniform(0.35, 2.0) if rng.random() < 0.85 else rng.uniform(2.0, 4.5)) + 2 * max(spacing, 0),
            stretch=wide,
            joining=joining,
            linking=float(rng.uniform(0.3, 1)) if rng.random() < 0.35 else 0.0,
            rising=rising,
            hanging=hanging,
            loops=float(rng.uniform(0, 0.4)) if rng.random() < 0.2 else loops,
            capitals=capitals * (float(rng.uniform(1, 1.4)) if rng.random() < 0.2 else 1),
            fading=float(rng.uniform(0, 0.4)) if rng.random() < 0.3 else 0.0,
            haste=min(float(rng.gamma(1.5, 0.05)), 0.2) if rng.random() < 0.5 else 0.0,
            corners=float(rng.uniform(0.03, 0.08)) if rng.random() < 0.2 else 0.0,
            words_up=float(rng.uniform(0, 0.06)),
            flourish=float(rng.uniform(0, 1)) if rng.random() < 0.3 else 0.05,
            bars=float(rng.uniform(0.3, 1)) if rng.random() < 0.15 else 0.0,
            outlined=bool(rng.random() < _OUTLINED),
            minims=Minims.random(rng) if has_minims else None,
            minim_letters=_chosen(rng) if has_minims else frozenset(),
        )

    def formed(self, character: str, own: Glyph, rng: Generator) -> Glyph:
        """The letter in the form of this manner: as minims, with a bar, or the hand's own."""
        if self.minims and character in self.minim_letters:
            own = self.minims.glyph(character, rng)
        if character in _BARRED and rng.random() < self.bars:
            own = _barred(own, _BARRED[character], rng)
        return own


def _barred(glyph: Glyph, row: float, rng: Generator) -> Glyph:
    """The letter with a bar over or under it, which some write to tell т and ш from each other."""
    width = max(float(stroke[:, 0].max()) for stroke in glyph.strokes)
    ends = np.array(((-0.1 * width, row), (width * rng.uniform(0.9, 1.3), row)), np.float32)
    return glyph._replace(strokes=[*glyph.strokes, resampled(ends + rng.normal(0, 0.06, (2, 2)).astype(np.float32))])


def _chosen(rng: Generator) -> frozenset[str]:
    """Most of the letters made of minims, for few hands write all of them so."""
    return frozenset(letter for letter in sorted(MINIM_LETTERS) if rng.random() < 0.75)
