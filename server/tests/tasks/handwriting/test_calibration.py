"""Confidences are probabilities, and move the way certainty moves."""

import math

import pytest

from zorky_server.tasks.handwriting.calibration import Calibration

CALIBRATION = Calibration("test", word=(1.0, 0.5, 0.3), line=(0.2, 0.8))


@pytest.mark.parametrize("scores", [(0.0, 0.0), (-1e9, -1e9), (-0.01, -0.01), (-50.0, -3.0)])
def test_a_word_confidence_is_a_probability(scores: tuple[float, float]) -> None:
    assert 0 <= CALIBRATION.word_confidence(*scores) <= 1


def test_it_is_the_logistic_function_of_its_scores() -> None:
    assert CALIBRATION.word_confidence(-2.0, -1.0) == pytest.approx(1 / (1 + math.exp(-(1.0 - 1.0 - 0.3))))


def test_more_doubt_is_less_confidence() -> None:
    assert CALIBRATION.word_confidence(-3, -1) < CALIBRATION.word_confidence(-1, -1)
    assert CALIBRATION.word_confidence(-1, -0.9) < CALIBRATION.word_confidence(-1, -0.1)


def test_a_line_is_never_more_certain_than_its_weakest_word() -> None:
    assert CALIBRATION.line_confidence([0.99, 0.2, 0.9]) <= 0.2
    assert CALIBRATION.line_confidence([0.9] * 10) < CALIBRATION.line_confidence([0.9] * 2)
    assert 0 <= CALIBRATION.line_confidence([0.0]) <= 1
