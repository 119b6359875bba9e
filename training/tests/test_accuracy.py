"""Error rates, digits, and which words are right."""

import math

import pytest

from zorky_server.tasks.handwriting.values import Layout
from zorky_training.accuracy import accuracy, right_words
from zorky_training.reading import Read, ReadWord
from zorky_training.samples import Sample


def read(truth: str, text: str, seconds: float = 1.0) -> Read:
    sample = Sample("s", b"", truth, Layout.LINE, "w")
    words = [ReadWord(word, 0, (0.0, 0.0), 0.5) for word in text.split()]
    return Read(sample, text, seconds, words)


def test_edits_are_summed_before_they_are_divided() -> None:
    found = accuracy([read("абвг", "абвв", 1), read("а б в г д е", "а б в г д е", 3)])
    assert (found.pictures, found.characters) == (2, 15)
    assert found.cer == pytest.approx(1 / 15)
    assert found.wer == pytest.approx(1 / 7)
    assert (found.exact, found.seconds) == (0.5, 2)


def test_quotes_dashes_yo_and_spaces_make_no_difference() -> None:
    assert accuracy([read("„Ёж“ —  вот", "«Еж» - вот")]).cer == 0


def test_digits_are_looked_up_where_they_stand() -> None:
    found = accuracy([read("тел 123", "тел 124"), read("дом", "д0м")]).digits
    assert (found.in_truth, found.in_reading, found.found) == (3, 4, 2)
    assert (found.precision, found.recall) == (0.5, pytest.approx(2 / 3))
    assert found.f1 == pytest.approx(4 / 7)


def test_without_digits_there_are_no_rates() -> None:
    found = accuracy([read("дом", "дом")]).digits
    assert all(map(math.isnan, (found.precision, found.recall, found.f1)))


def test_words_are_right_where_they_are_aligned_to_the_last_character() -> None:
    assert right_words(read("мама мыла раму", "мама мыло раму и")) == [True, False, True, False]
    assert right_words(read("мама мыла", "мыла")) == [True]
