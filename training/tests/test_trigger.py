"""When tuning is due."""

from dataclasses import replace

import pytest

from zorky_server.report.figures import AnswerQuality
from zorky_training.trigger import LEAST_CORRECTIONS, Quality, reason_to_tune

USUAL = Quality(answers=1000, corrected=100, rated=400, rated_bad=40, confidence=0.8)


def reason(corrections: int = LEAST_CORRECTIONS, recent: Quality = USUAL, earlier: Quality = USUAL) -> str | None:
    return reason_to_tune(corrections, 100, recent, earlier)


@pytest.mark.parametrize(("corrections", "is_due"), [(0, False), (99, False), (100, True), (101, True)])
def test_enough_corrections_suffice_by_themselves(corrections, is_due):
    assert (reason(corrections) is not None) == is_due


@pytest.mark.parametrize(
    ("worse", "word"),
    [
        (replace(USUAL, corrected=160), "160 of 1000 answers were corrected in 7 days, 100 of 1000 in those before"),
        (replace(USUAL, rated_bad=75), "75 of 400 answers were rated bad in 7 days, 40 of 400 in those before"),
        (replace(USUAL, confidence=0.74), "the mean confidence fell from 0.80 to 0.74"),
    ],
)
def test_worse_answers_suffice_with_fewer(worse, word):
    assert reason(recent=worse) == word
    assert reason(LEAST_CORRECTIONS - 1, recent=worse) is None, "there is nothing to learn from"
    assert reason(recent=USUAL, earlier=worse) is None, "it became better"


@pytest.mark.parametrize(
    "alike",
    [
        replace(USUAL, corrected=115),
        replace(USUAL, rated_bad=55),
        replace(USUAL, confidence=0.76),
        replace(USUAL, rated=0, rated_bad=0),
        Quality(answers=199, corrected=199, rated=199, rated_bad=199, confidence=0.1),
        Quality(answers=0, corrected=0, rated=0, rated_bad=0, confidence=0),
    ],
)
def test_chance_does_not_suffice(alike):
    assert reason(recent=alike) is None
    assert reason(earlier=alike) is None


def test_answers_that_never_change_are_no_reason():
    never = replace(USUAL, corrected=0, rated_bad=0)
    always = replace(USUAL, corrected=1000, rated_bad=400)
    assert reason(recent=never, earlier=never) is None
    assert reason(recent=always, earlier=always) is None


def test_quality_is_summed_over_languages_and_versions():
    rows = [
        AnswerQuality("ru", "1", answers=30, rated_good=5, rated_bad=1, corrected=3, mean_confidence=0.5),
        AnswerQuality("en", "2", answers=10, rated_good=1, rated_bad=0, corrected=1, mean_confidence=0.9),
        AnswerQuality("", "2", answers=60, rated_good=0, rated_bad=2, corrected=0, mean_confidence=None),
    ]
    assert Quality.of(rows) == Quality(answers=100, corrected=4, rated=9, rated_bad=3, confidence=pytest.approx(0.6))
    assert Quality.of([]) == Quality(0, 0, 0, 0, 0.0)
