"""How careful and how credible people are, told by calibrated confidences."""

from __future__ import annotations

import numpy as np
import pytest

from zorky_training.corrections.care import SURE, Care
from zorky_training.corrections.readings import ReadWord


def cared(part: float, seed: int, overruled: float = 0.0) -> Care:
    """Of somebody who put a part of what was wrong right, on a page whose confidences are true, and other words."""
    rng = np.random.default_rng(seed)
    words = [ReadWord(f"{number}", float(sure)) for number, sure in enumerate(rng.beta(4, 0.6, 300))]
    wrong = rng.random(300) > [word.confidence for word in words]
    touched = (wrong & (rng.random(300) < part)) | (rng.random(300) < overruled)
    return Care.of(words, [word for word, is_touched in zip(words, touched, strict=True) if is_touched])


@pytest.mark.parametrize("seed", range(10))
def test_who_puts_right_what_is_wrong_is_careful_and_who_puts_half_of_it_is_not(seed: int) -> None:
    assert cared(1.0, seed).least_confidence < SURE
    assert cared(0.4, seed).least_confidence == SURE


@pytest.mark.parametrize("seed", range(10))
def test_who_overrules_what_is_right_is_not_credible(seed: int) -> None:
    assert cared(1.0, seed).is_credible
    assert not cared(1.0, seed, overruled=0.4).is_credible


def test_a_few_words_show_no_care_and_no_malice() -> None:
    words = [ReadWord("слово", 0.99)] * 2
    assert Care.of(words, words).least_confidence == SURE
    assert Care.of(words, words).is_credible


def test_care_of_pages_adds_up() -> None:
    one, other = cared(1.0, 1), cared(0.5, 2)
    both = one + other
    assert (both.put_right, both.overruled) == (one.put_right + other.put_right, one.overruled + other.overruled)
    assert both.wrong == pytest.approx(one.wrong + other.wrong)
    assert both.wrong_of_sure == pytest.approx(one.wrong_of_sure + other.wrong_of_sure)
