"""Reliability tells good confidences from bad ones, and how sure it is of that."""

import numpy as np
import pytest

from zorky_training.reliability import bins, coverage, reliability, risk_curve


def drawn(count: int, too_sure: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Confidences, whether they are right with their probability less `too_sure`, and a picture for four words each."""
    rng = np.random.default_rng(4)
    confidence = rng.uniform(0.3, 1, count)
    right = (rng.random(count) < confidence - too_sure).astype(float)
    return confidence, right, (np.arange(count) // 4).astype(str)


def test_true_probabilities_have_little_error_and_false_ones_have_theirs() -> None:
    honest, boasting = reliability(*drawn(4000)), reliability(*drawn(4000, too_sure=0.25))
    assert honest.ece < 0.03
    assert boasting.ece == pytest.approx(0.25, abs=0.03)
    assert boasting.ece_interval[0] < boasting.ece < boasting.ece_interval[1]


def test_fewer_pictures_are_less_sure() -> None:
    wide, narrow = (reliability(*drawn(count, too_sure=0.25)).ece_interval for count in (200, 4000))
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])


def test_pictures_of_words_that_err_together_are_less_sure() -> None:
    confidence, right = np.full(400, 0.5), np.repeat([1.0, 0.0] * 10, 20)
    alone, together = (
        reliability(confidence, right, pictures.astype(str)).ece_interval
        for pictures in (np.arange(400), np.arange(400) // 20)
    )
    assert together[1] > 2 * alone[1]


def test_order_alone_decides_auroc_and_coverage() -> None:
    right = np.array([1.0, 1.0, 1.0, 0.0])
    names = np.array(list("abcd"))
    good, bad = (reliability(np.array(scores), right, names) for scores in ([0.4, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.4]))
    assert (good.auroc, good.coverage) == (1, 0.75)
    assert (bad.auroc, bad.coverage) == (0, 0)


def test_coverage_is_the_largest_share_within_the_risk() -> None:
    right = np.array([0.0] + [1.0] * 39)
    assert coverage(np.linspace(1, 0.5, 40), right) == 1
    assert risk_curve(np.linspace(1, 0.5, 40), right)[0] == 1


def test_bins_are_the_points_of_a_plot() -> None:
    found = bins(np.array([0.05, 0.95, 0.97]), np.array([0.0, 1.0, 0.0]))
    assert found == [(0.05, 0.0, 1), (pytest.approx(0.96), 0.5, 2)]
