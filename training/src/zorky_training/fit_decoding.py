"""Fits how the language model speaks beside the optics, on lines by hands kept from training and on measuring data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import exp, log

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from zorky_server.tasks.handwriting.ctc import CtcWord, decode_words
from zorky_server.tasks.handwriting.decoding import LineDecoder
from zorky_server.tasks.handwriting.grammar import Weights
from zorky_server.tasks.handwriting.language_model import LanguageModel
from zorky_server.tasks.handwriting.strip import STRIDE, padded_width, strip_from_crop, strip_tensor

from .charset import CHARSET, loosen
from .evaluate import DevLines, Network
from .lines import Engine

GRIDS = {
    "temperature": (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.3),
    "language": (0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.9),
    "letter": (-0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
    "space": (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0),
    "mark": (-1.0, -0.5, 0.0, 0.5, 1.0),
    "rarity": (0.0, 0.1, 0.2, 0.3, 0.4),
}
"""Coarse: where two neighbours are as good, it does not matter which is shipped."""
_FEW = 0.01
"""Character error rate added to all: in a set that is read nearly without errors a single one must not decide."""
_GAIN = 0.002
"""Of the score: a smaller one is chance."""


@dataclass(frozen=True)
class Tuned:
    """Lines of one kind: frames of each (T, classes), and what is written."""

    name: str
    frames: Sequence[NDArray[np.float32]]
    texts: Sequence[str]

    @cached_property
    def greedy_cer(self) -> float:
        """Character error rate of the optics alone."""
        return self._cer([decode_words(frames, CHARSET) for frames in self.frames])

    def cer(self, decoder: LineDecoder) -> float:
        """Character error rate of the decoder."""
        return self._cer([decoder.words(frames) for frames in self.frames])

    def _cer(self, lines: list[list[CtcWord]]) -> float:
        read = [loosen(" ".join(word.text for word in words)) for words in lines]
        truths = [loosen(text) for text in self.texts]
        edits = sum(Levenshtein.distance(a, b) for a, b in zip(read, truths, strict=True))
        return edits / sum(len(truth) for truth in truths)


def drawn(engine: Engine, network: Network, count: int) -> list[Tuned]:
    """The engine's first lines, Russian ones and others apart."""
    lines = [engine.line(number) for number in range(count)]
    strips = [strip_from_crop(line.crop) for line in lines]
    frames = [frames_of(strip, network) for strip in strips]
    russian = [any("а" <= c <= "я" for c in line.text.lower()) for line in lines]
    return [
        Tuned(
            name,
            [one for one, is_russian in zip(frames, russian, strict=True) if is_russian == wanted],
            [line.text for line, is_russian in zip(lines, russian, strict=True) if is_russian == wanted],
        )
        for name, wanted in (("drawn, Russian", True), ("drawn, other", False))
    ]


def measured(source: DevLines, network: Network) -> Tuned:
    return Tuned(source.name, [frames_of(strip, network) for strip in source.strips], source.texts)


def frames_of(strip: NDArray[np.uint8], network: Network) -> NDArray[np.float32]:
    """(T, classes), padding left off, as serving has them."""
    frames: NDArray[np.float32] = network(strip_tensor(strip, padded_width(strip.shape[1]))[None])[0]
    return frames[: -(-strip.shape[1] // STRIDE)]


def score(sets: Sequence[Tuned], model: LanguageModel, weights: Weights) -> float:
    """Geometric mean of what is left of each set's greedy errors: every set counts alike, however hard it is."""
    decoder = LineDecoder(CHARSET, model, weights)
    kept = [log((one.cer(decoder) + _FEW) / (one.greedy_cer + _FEW)) for one in sets]
    return exp(float(np.mean(kept)))


def fit(sets: Sequence[Tuned], model: LanguageModel, start: Weights) -> Weights:
    """Coordinate descent over GRIDS until no neighbour of any weight is better."""
    best, least = start, score(sets, model, start)
    while True:
        before = least
        for name, grid in GRIDS.items():
            for value in _neighbours(grid, getattr(best, name)):
                tried = replace(best, **{name: value})
                reached = score(sets, model, tried)
                if reached < least - _GAIN:
                    best, least = tried, reached
        if least == before:
            return best


def _neighbours(grid: tuple[float, ...], value: float) -> list[float]:
    """The next value on either side."""
    return [*[x for x in grid if x < value][-1:], *[x for x in grid if x > value][:1]]
