"""Fits the few numbers that turn the recogniser's scores into probabilities.

The figures of `held_out` give each word a confidence fitted without its writer; what is shipped is fitted on all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from zorky_server.tasks.handwriting.calibration import Calibration
from zorky_server.tasks.handwriting.values import Layout

from .accuracy import right_words
from .charset import loosen
from .reading import Read, ReadWord, Scores
from .reliability import Floats

KINDS = {
    "Russian handwriting": ("ru_pages", "ru_lines", "ru_words"),
    "English handwriting": ("en_pages", "en_lines"),
    "print": ("printed_ru", "printed_en", "cursive_font_ru"),
}
"""Sets of the measuring data that are alike. Each kind counts alike, however many words it has."""
RIDGE = 1e-3
"""Keeps the weights finite where scores separate right from wrong completely."""


@dataclass(frozen=True)
class ReadLine:
    """One line as it was read: its set, writer and picture; of its words the scores, the confidences that were served,
    and which are exactly right."""

    source: str
    writer: str
    picture: str
    scores: list[Scores]
    served: list[float]
    right: list[bool]
    complete: bool
    """The whole line is right: all words, and, where the picture is one line, none missing."""

    @property
    def kind(self) -> str:
        """Of its set; a set that is not of the measuring data is a kind of its own."""
        return next((kind for kind, sources in KINDS.items() if self.source in sources), self.source)


def read_lines(source: str, reads: Sequence[Read]) -> list[ReadLine]:
    """The lines of a set's pictures that have words."""
    lines = []
    for read in reads:
        whole = read.sample.layout is not Layout.PAGE
        same = loosen(read.text) == loosen(read.sample.truth)
        marked = zip(read.words, right_words(read), strict=True)
        for _, group in groupby(marked, key=lambda pair: pair[0].line):
            words: list[tuple[ReadWord, bool]] = list(group)
            right = [ok for _, ok in words]
            scores, served = [word.scores for word, _ in words], [word.confidence for word, _ in words]
            picture, complete = f"{source}/{read.sample.name}", same if whole else all(right)
            lines.append(ReadLine(source, read.sample.writer, picture, scores, served, right, complete))
    return lines


def fit_logistic(features: Floats, right: Floats, weight: Floats) -> Floats:
    """Coefficients (1 + k) of the logistic regression of right (n) on features (n, k), bias first, by Newton's method.
    weight (n): how much each item counts, 1 on average."""
    design = np.column_stack([np.ones(len(features)), features])
    w = np.zeros(design.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(design @ w, -30, 30)))
        gradient = design.T @ (weight * (p - right)) + RIDGE * w
        hessian = (design * (weight * np.maximum(p * (1 - p), 1e-9))[:, None]).T @ design + RIDGE * np.eye(len(w))
        w -= np.linalg.solve(hessian, gradient)
    return w


def kind_weights(lines: Sequence[ReadLine]) -> dict[str, float]:
    """How much a word of each kind counts, 1 on average, so that all of each kind count alike."""
    counts = Counter(line.kind for line in lines for _ in line.scores)
    return {kind: counts.total() / len(counts) / count for kind, count in counts.items()}


def fit(lines: Sequence[ReadLine], name: str, weights: Mapping[str, float]) -> Calibration:
    """The calibration that fits these lines best. weights: see kind_weights."""
    scores = np.array([one for line in lines for one in line.scores], np.float64)
    right = np.array([one for line in lines for one in line.right], np.float64)
    weight = np.array([weights[line.kind] for line in lines for _ in line.scores], np.float64)
    word = fit_logistic(scores, right, weight).tolist()
    partial = Calibration(name, word, (0.0, 1.0))
    sums = [sum(np.log(max(p, 1e-9)) for p in confidences(partial, line)) for line in lines]
    complete = np.array([line.complete for line in lines], np.float64)
    whole = fit_logistic(
        np.array(sums)[:, None], complete, np.array([weights[line.kind] for line in lines], np.float64)
    )
    return Calibration(name, [round(float(x), 4) for x in word], [round(float(x), 4) for x in whole])


def confidences(calibration: Calibration, line: ReadLine) -> list[float]:
    """The calibrated confidence of each word."""
    return [calibration.confidence_of(scores) for scores in line.scores]


@dataclass(frozen=True)
class Judged:
    """A line with confidences to be judged: of its words, and of the line."""

    line: ReadLine
    words: list[float]
    whole: float


def held_out(lines: Sequence[ReadLine]) -> list[Judged]:
    """The lines with confidences fitted on all other writers, writer by writer."""
    judged, weights = [], kind_weights(lines)
    for writer in sorted({line.writer for line in lines}):
        calibration = fit([line for line in lines if line.writer != writer], "fold", weights)
        for line in (line for line in lines if line.writer == writer):
            words = confidences(calibration, line)
            judged.append(Judged(line, words, calibration.line_confidence(words)))
    return judged
