"""Fits the few numbers that turn the recogniser's scores into probabilities.

The figures of `cross_validated` give each crop confidences fitted without its fold; what is shipped is fitted on all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from zorky_server.tasks.handwriting.calibration import Calibration
from zorky_server.tasks.handwriting.ctc import CtcWord, decode_words
from zorky_server.tasks.handwriting.strip import STRIDE, padded_width, strip_tensor

from .charset import CHARSET, loosen
from .evaluate import DevLines, Network

FOLDS = 10
BINS = 10
RIDGE = 1e-3
"""Keeps the weights finite where scores separate right from wrong completely."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ReadLine:
    """One crop: the set it is from, its decoded words, and which of them are right to the last character."""

    source: str
    words: list[CtcWord]
    right: list[bool]
    complete: bool
    """The whole line is right: all words, and none missing."""


def read_lines(source: DevLines, network: Network) -> Iterator[ReadLine]:
    """Reads a set's crops as serving does."""
    for strip, truth in zip(source.strips, source.texts, strict=True):
        frames = network(strip_tensor(strip, padded_width(strip.shape[1]))[None])[0]
        words = decode_words(frames[: -(-strip.shape[1] // STRIDE)], CHARSET)
        read, wanted = [loosen(word.text) for word in words], loosen(truth).split()
        blocks = Levenshtein.opcodes(read, wanted)
        right = {i for block in blocks if block.tag == "equal" for i in range(block.src_start, block.src_end)}
        if words:
            yield ReadLine(source.name, words, [i in right for i in range(len(words))], read == wanted)


def fit_logistic(features: Floats, right: Floats) -> Floats:
    """Weights (1 + k) of the logistic regression of right (n) on features (n, k), bias first, by Newton's method."""
    design = np.column_stack([np.ones(len(features)), features])
    w = np.zeros(design.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(design @ w, -30, 30)))
        gradient = design.T @ (p - right) + RIDGE * w
        hessian = (design * np.maximum(p * (1 - p), 1e-9)[:, None]).T @ design + RIDGE * np.eye(len(w))
        w -= np.linalg.solve(hessian, gradient)
    return w


def fit(lines: Sequence[ReadLine], name: str) -> Calibration:
    """The calibration that fits these lines best; every word counts alike, and every line."""
    pairs = [(word, right) for line in lines for word, right in zip(line.words, line.right, strict=True)]
    table = np.array([(word.path_log, word.weakest_log, right) for word, right in pairs], np.float64)
    word = fit_logistic(table[:, :2], table[:, 2])
    partial = Calibration(name, word.tolist(), (0.0, 1.0))
    sums = [sum(np.log(max(p, 1e-9)) for p in confidences(partial, line)) for line in lines]
    complete = np.array([line.complete for line in lines], np.float64)
    whole = fit_logistic(np.array(sums)[:, None], complete)
    return Calibration(name, [round(float(x), 4) for x in word], [round(float(x), 4) for x in whole])


def confidences(calibration: Calibration, line: ReadLine) -> list[float]:
    """The calibrated confidence of each word."""
    return [calibration.word_confidence(word.path_log, word.weakest_log) for word in line.words]


@dataclass(frozen=True)
class Reliability:
    """ece: expected calibration error over BINS equal bins; brier: mean squared error; auc: right above wrong."""

    items: int
    right: float
    ece: float
    brier: float
    auc: float


def reliability(confidence: Floats, right: Floats) -> Reliability:
    """How far confidences (n) in [0, 1] tell right (n) of 0 and 1."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(confidence[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in set(bins)]
    above = confidence[right == 1][:, None] - confidence[right == 0][None]
    auc = float(((above > 0) + 0.5 * (above == 0)).mean()) if above.size else float("nan")
    return Reliability(
        len(right), float(right.mean()), float(sum(gaps)), float(((confidence - right) ** 2).mean()), auc
    )


def cross_validated(lines: Sequence[ReadLine]) -> dict[str, Reliability]:
    """Reliability of word confidences by set and of line confidences over all, each crop held out in its turn."""
    folds = np.random.default_rng(0).permutation(len(lines)) % FOLDS
    words: dict[str, list[tuple[float, float]]] = {}
    whole: list[tuple[float, float]] = []
    for fold in range(FOLDS):
        calibration = fit([line for line, f in zip(lines, folds, strict=True) if f != fold], "fold")
        for line in (line for line, f in zip(lines, folds, strict=True) if f == fold):
            found = confidences(calibration, line)
            words.setdefault(line.source, []).extend(zip(found, map(float, line.right), strict=True))
            whole.append((calibration.line_confidence(found), float(line.complete)))
    named = {f"words of {source}": pairs for source, pairs in words.items()}
    named |= {"all words": [pair for pairs in words.values() for pair in pairs], "all lines": whole}
    return {name: reliability(*np.array(pairs).T) for name, pairs in named.items()}
