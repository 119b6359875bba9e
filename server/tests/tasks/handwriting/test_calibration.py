"""Confidences are probabilities, and move the way certainty moves."""

import math

import pytest

from zorky_server.tasks.handwriting.calibration import Calibration

CALIBRATION = Calibration("test", word=(1.0, 0.5, 0.3), line=(0.2, 0.8))


@pytest.mark.parametrize("scores", [(1.0, 0.0, 1), (0.0, -1e9, 1), (0.5, -0.01, 30), (1e-30, -50.0, 3)])
def test_a_word_confidence_is_a_probability(scores: tuple[float, float, int]) -> None:
    assert 0 <= CALIBRATION.word_confidence(*scores) <= 1


def test_it_is_the_logistic_function_of_its_scores() -> None:
    expected = 1 / (1 + math.exp(-(1.0 + 0.5 * math.log(0.25) + 0.3 * -1.5)))
    assert CALIBRATION.word_confidence(0.25, -6.0, 4) == pytest.approx(expected)


def test_more_doubt_is_less_confidence() -> None:
    assert CALIBRATION.word_confidence(0.5, -1, 4) < CALIBRATION.word_confidence(0.9, -1, 4)
    assert CALIBRATION.word_confidence(0.9, -2, 4) < CALIBRATION.word_confidence(0.9, -1, 4)


def test_the_same_doubt_weighs_less_in_a_longer_word() -> None:
    assert CALIBRATION.word_confidence(0.9, -2, 2) < CALIBRATION.word_confidence(0.9, -2, 8)


def test_a_calibration_of_other_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="of 2 and 2 numbers"):
        Calibration("test", word=(1.0, 0.5), line=(0.2, 0.8))


def test_a_line_is_never_more_certain_than_its_weakest_word() -> None:
    assert CALIBRATION.line_confidence([0.99, 0.2, 0.9]) <= 0.2
    assert CALIBRATION.line_confidence([0.9] * 10) < CALIBRATION.line_confidence([0.9] * 2)
    assert 0 <= CALIBRATION.line_confidence([0.0]) <= 1
