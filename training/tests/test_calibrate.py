"""Calibration finds the numbers that scores were drawn with, and says how far confidences can be trusted."""

import numpy as np
import pytest

from zorky_server.tasks.handwriting.ctc import CtcWord
from zorky_training.calibrate import ReadLine, cross_validated, fit_logistic, reliability


def drawn_lines(count: int, weight: float) -> list[ReadLine]:
    """Lines of three words that are right with probability 1 / (1 + exp(-(1 + weight * path_log)))."""
    random = np.random.default_rng(5)
    lines = []
    for _ in range(count):
        logs = -random.exponential(2.0, 3)
        right = (random.random(3) < 1 / (1 + np.exp(-(1 + weight * logs)))).tolist()
        words = [CtcWord("x", 0, 1, 0, 1, float(log), float(log) / 2) for log in logs]
        lines.append(ReadLine("drawn", words, right, all(right)))
    return lines


def test_logistic_regression_finds_the_weights_that_made_the_data() -> None:
    random = np.random.default_rng(1)
    features = random.normal(size=(20_000, 2))
    p = 1 / (1 + np.exp(-(0.5 + features @ [1.5, -0.7])))
    right = (random.random(len(p)) < p).astype(float)
    assert fit_logistic(features, right) == pytest.approx([0.5, 1.5, -0.7], abs=0.1)


def test_cross_validated_confidences_are_calibrated_where_the_scores_allow_it() -> None:
    figures = cross_validated(drawn_lines(600, weight=0.8))
    assert figures["all words"].items == 1800
    assert figures["all words"].ece < 0.05
    assert figures["all words"].auc > 0.7
    assert figures["all lines"].ece < 0.08


def test_reliability_tells_good_confidences_from_bad_ones() -> None:
    right = np.array([1.0, 1.0, 0.0, 0.0])
    good, bad = reliability(np.array([1.0, 1.0, 0.0, 0.0]), right), reliability(np.array([0.0, 0.0, 1.0, 1.0]), right)
    assert (good.ece, good.brier, good.auc) == (0, 0, 1)
    assert (bad.ece, bad.brier, bad.auc) == (1, 1, 0)
