"""Calibration finds the numbers that scores were drawn with, and judges each writer without him."""

from itertools import pairwise

import numpy as np
import pytest

from zorky_server.tasks.handwriting.values import Layout
from zorky_training.calibrate import ReadLine, fit, fit_logistic, held_out, kind_weights, read_lines
from zorky_training.reading import Read, ReadWord
from zorky_training.samples import Sample


def drawn_lines(count: int, writers: int = 6) -> list[ReadLine]:
    """Lines of three words that are right with probability 1 / (1 + exp(-(1 + 0.8 * score)))."""
    random = np.random.default_rng(5)
    lines = []
    for number in range(count):
        logs = -random.exponential(2.0, 3)
        right = (random.random(3) < 1 / (1 + np.exp(-(1 + 0.8 * logs)))).tolist()
        scores = [(float(log), 0.0) for log in logs]
        lines.append(ReadLine("drawn", f"w{number % writers}", str(number), scores, [0.5] * 3, right, all(right)))
    return lines


def test_logistic_regression_finds_the_weights_that_made_the_data() -> None:
    random = np.random.default_rng(1)
    features = random.normal(size=(20_000, 2))
    p = 1 / (1 + np.exp(-(0.5 + features @ [1.5, -0.7])))
    right = (random.random(len(p)) < p).astype(float)
    assert fit_logistic(features, right, np.ones(len(right))) == pytest.approx([0.5, 1.5, -0.7], abs=0.1)


def test_confidences_fitted_on_others_are_those_that_the_data_was_drawn_with() -> None:
    judged = held_out(drawn_lines(600))
    assert len(judged) == 600
    for one in judged:
        for (score, _), confidence in zip(one.line.scores, one.words, strict=True):
            assert confidence == pytest.approx(1 / (1 + np.exp(-(1 + 0.8 * score))), abs=0.06)


def test_a_writer_has_no_part_in_his_own_calibration() -> None:
    lines = drawn_lines(60)
    odd = [ReadLine("drawn", "odd", f"odd {i}", [(-0.1, 0.0)], [0.5], [False], False) for i in range(200)]
    (alone,) = {round(one.words[0], 6) for one in held_out([*lines, *odd]) if one.line.writer == "odd"}
    calibration = fit(lines, "others", kind_weights(lines))
    assert alone == pytest.approx(calibration.confidence_of((-0.1, 0.0)), abs=1e-3)
    assert alone > 0.6


def test_lines_of_a_page_keep_their_own_words() -> None:
    sample = Sample("p", b"", "мама мыла\nраму", Layout.PAGE, "w")
    words = [ReadWord(word, line, (float(i), 0.0), 0.5) for i, (word, line) in enumerate(drawn_words())]
    first, second = read_lines("set", [Read(sample, "мама мыла\nрану", 0.0, words)])
    assert (first.right, first.complete) == ([True, True], True)
    assert (second.right, second.complete) == ([False], False)
    assert [scores for line in (first, second) for scores in line.scores] == [(0.0, 0.0), (1.0, 0.0), (2.0, 0.0)]


def drawn_words() -> list[tuple[str, int]]:
    return [("мама", 0), ("мыла", 0), ("рану", 1)]


def test_a_crop_whose_end_is_missing_is_not_complete() -> None:
    sample = Sample("l", b"", "мама мыла", Layout.LINE, "w")
    (line,) = read_lines("set", [Read(sample, "мама", 0.0, [ReadWord("мама", 0, (0.0, 0.0), 0.5)])])
    assert (line.right, line.complete) == ([True], False)


def test_more_doubt_is_less_confidence_after_fitting() -> None:
    lines = drawn_lines(300)
    calibration = fit(lines, "c", kind_weights(lines))
    confidences = [calibration.confidence_of((score, 0.0)) for score in (-0.1, -1.0, -4.0)]
    assert all(more > less for more, less in pairwise(confidences))


def test_kinds_count_alike_however_many_words_they_have() -> None:
    few, many = (
        [ReadLine(source, source, str(i), [(0.0, 0.0)], [0.5], [right], right) for i in range(count)]
        for source, count, right in (("ru_words", 10, True), ("en_lines", 90, False))
    )
    calibration = fit([*few, *many], "c", kind_weights([*few, *many]))
    assert calibration.confidence_of((0.0, 0.0)) == pytest.approx(0.5, abs=0.01)
