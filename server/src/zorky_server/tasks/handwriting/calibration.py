"""From the recogniser's scores to the probability that a word, or a whole line, is exactly right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SCORES = 2
"""How many scores of a word a confidence is made from: `words` gives them."""


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logistic calibration (Platt 1999) of two scores, fitted on real handwriting.

    word: bias and SCORES weights. line: bias and weight of the summed logarithms of its words' probabilities.
    """

    id: str
    word: Sequence[float]
    line: Sequence[float]

    def __post_init__(self) -> None:
        """Raises ValueError where the numbers are not as many as the scores ask for."""
        if (len(self.word), len(self.line)) != (1 + SCORES, 2):
            raise ValueError(f"a calibration of {len(self.word)} and {len(self.line)} numbers: made for other scores")

    def word_confidence(self, *scores: float) -> float:
        """Probability in [0, 1] that the word is exactly right. scores: SCORES of them."""
        bias, *weights = self.word
        return _sigmoid(bias + sum(weight * score for weight, score in zip(weights, scores, strict=True)))

    def line_confidence(self, words: Sequence[float]) -> float:
        """Probability in [0, 1] that every word is exactly right, at most that of the least certain word."""
        bias, weight = self.line
        joint = sum(math.log(max(word, 1e-9)) for word in words)
        return min(_sigmoid(bias + weight * joint), *words, 1.0)
