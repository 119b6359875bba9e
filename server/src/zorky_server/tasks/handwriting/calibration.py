"""From the recogniser's scores to the probability that a word, or a whole line, is exactly right."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logistic calibration (Platt 1999) of two scores, fitted on real handwriting.

    word: bias, weight of the log-probability of the word's best CTC path, weight of the smallest log-probability of a
    frame of it. line: bias and weight of the summed logarithms of its words' probabilities.
    """

    id: str
    word: Sequence[float]
    line: Sequence[float]

    def word_confidence(self, path_log: float, weakest_log: float) -> float:
        """Probability in [0, 1] that the word is exactly right."""
        bias, path, weakest = self.word
        return _sigmoid(bias + path * path_log + weakest * weakest_log)

    def line_confidence(self, words: Sequence[float]) -> float:
        """Probability in [0, 1] that every word is exactly right, at most that of the least certain word."""
        bias, weight = self.line
        joint = sum(math.log(max(word, 1e-9)) for word in words)
        return min(_sigmoid(bias + weight * joint), *words, 1.0)
