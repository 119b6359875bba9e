"""From the recogniser's scores to the probability that a word, or a whole line, is exactly right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_LEAST = 1e-6
"""A smaller probability counts as this."""


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def word_scores(share: float, path_log: float, letters: int) -> tuple[float, float]:
    """What a word's confidence is made of: whether the beam had other readings, and how well the letters were seen."""
    return math.log(max(share, _LEAST)), path_log / letters


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logistic calibration (Platt 1999) of two scores, fitted on real handwriting.

    word: bias, weight of the logarithm of the word's share of the beam, weight of its path's log-probability a letter.
    line: bias and weight of the summed logarithms of its words' probabilities.
    """

    id: str
    word: Sequence[float]
    line: Sequence[float]

    def __post_init__(self) -> None:
        """Raises ValueError where there are more or fewer numbers."""
        if (len(self.word), len(self.line)) != (3, 2):
            raise ValueError(f"a calibration of {len(self.word)} and {len(self.line)} numbers, not of 3 and 2")

    def word_confidence(self, share: float, path_log: float, letters: int) -> float:
        """Probability in [0, 1] that the word is exactly right. share: of the beam, in [0, 1]. path_log: <= 0, of the
        best path. letters: characters of the word, at least one."""
        return self.confidence_of(word_scores(share, path_log, letters))

    def confidence_of(self, scores: Sequence[float]) -> float:
        """The same from the word's scores."""
        bias, *weights = self.word
        return _sigmoid(bias + sum(weight * score for weight, score in zip(weights, scores, strict=True)))

    def line_confidence(self, words: Sequence[float]) -> float:
        """Probability in [0, 1] that every word is exactly right, at most that of the least certain word."""
        bias, weight = self.line
        joint = sum(math.log(max(word, _LEAST)) for word in words)
        return min(_sigmoid(bias + weight * joint), *words, 1.0)
