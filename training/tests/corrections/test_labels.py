"""What is known of a page's lines from what people said of it."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from zorky_server.store import MissedLine
from zorky_training.corrections.care import Care
from zorky_training.corrections.labels import Reason, told
from zorky_training.corrections.readings import read_lines

from .conftest import MakePiece, MakeReading

LINES = ("Белка спрятала орехи", "ёжик уснул", "Скоро выпадет снег")


def texts(*pieces: object) -> list[str]:
    return [label.text for label in told(pieces).labels]  # type: ignore[arg-type]


@pytest.mark.parametrize("rating", ["good", "bad"])
def test_a_rating_tells_nothing_of_the_text(make_reading: MakeReading, make_piece: MakePiece, rating: str) -> None:
    known = told([make_piece(make_reading(*LINES), rating=rating)])
    assert (known.labels, known.unknown, known.care) == ([], Counter(), Care())


def test_a_line_with_a_corrected_word_is_known_and_no_other(make_reading: MakeReading, make_piece: MakePiece) -> None:
    reading = make_reading(*LINES)
    (label,) = told([make_piece(reading, words={(2, 1): "выпал"})]).labels
    assert label.text == "Скоро выпал снег"
    np.testing.assert_array_equal(label.quad, read_lines(reading)[2].quad)
    assert [word.text for word in label.read] == LINES[2].split()


def test_a_corrected_word_may_become_several_or_none(make_reading: MakeReading, make_piece: MakePiece) -> None:
    reading = make_reading(*LINES)
    assert texts(make_piece(reading, words={(0, 1): "не нашла", (0, 0): ""})) == ["не нашла орехи"]
    emptied = told([make_piece(reading, words={(1, 0): "", (1, 1): ""})])
    assert (emptied.labels, emptied.unknown) == ([], {Reason.EMPTY: 1})


def test_it_is_told_how_sure_the_words_were_that_nobody_touched(
    make_reading: MakeReading, make_piece: MakePiece
) -> None:
    reading = make_reading([("Скоро", 0.9), ("выпaл", 0.2), ("снег", 0.7)])
    by_word, by_text, all_new = (
        told([make_piece(reading, **said)]).labels[0]
        for said in ({"words": {(0, 1): "выпал"}}, {"text": "Скоро выпал снег"}, {"text": "Скора выпал снех"})
    )
    assert by_word.untouched == by_text.untouched == pytest.approx(0.7)
    assert all_new.untouched == 1


def test_a_gap_in_which_a_word_may_have_been_left_out_makes_a_line_uncertain(
    make_reading: MakeReading, make_piece: MakePiece
) -> None:
    whole = make_reading(*LINES)
    less = json.loads(whole)
    del less["page"]["lines"][0]["words"][1]  # as under min_confidence
    assert [line.widest_gap for line in read_lines(whole)] == [0.5, 0.5, 0.5]
    known = told([make_piece(json.dumps(less), words={(0, 0): "Галка", (1, 0): "ужик"})])
    assert [label.text for label in known.labels] == ["ужик уснул"]
    assert known.unknown == {Reason.UNCERTAIN: 1}


def test_letters_put_after_what_was_read_are_not_believed(make_reading: MakeReading, make_piece: MakePiece) -> None:
    known = told([make_piece(make_reading(*LINES), words={(1, 1): "уснула зимой"})])
    assert known.unknown == {Reason.UNCERTAIN: 1}


def test_of_several_pieces_the_later_wins_line_by_line(make_reading: MakeReading, make_piece: MakePiece) -> None:
    reading = make_reading(*LINES)
    first = make_piece(reading, words={(0, 0): "Галка", (1, 0): "ужик"})
    second = make_piece(reading, words={(0, 2): "зерно"})
    assert texts(first, second) == ["Галка спрятала зерно", "ужик уснул"]
    whole = make_piece(reading, text="Белка спрятала орех\nёжик уснул\nСкоро выпадет снег")
    assert texts(first, whole) == ["Белка спрятала орех", "ёжик уснул", "Скоро выпадет снег"]
    assert texts(first, whole, second)[0] == "Белка спрятала зерно"


def test_quotes_dashes_and_yo_stand_as_surely_read_where_only_they_differ(
    make_reading: MakeReading, make_piece: MakePiece
) -> None:
    reading = make_reading("Ёжик — «друг»", [("ёлка", 0.4), ("стоит", 0.95)])
    assert texts(make_piece(reading, text='Ежик - "друг"\nелка стоит')) == ["Ёжик — «друг»", "елка стоит"]


def test_who_writes_all_in_small_letters_tells_nothing(make_reading: MakeReading, make_piece: MakePiece) -> None:
    reading = make_reading(*LINES)
    assert told([make_piece(reading, text="\n".join(LINES).lower())]).unknown == {Reason.RESPELLED: 3}
    one_word = told([make_piece(reading, text="белка спрятала орехи\nёжик уснул\nСкоро выпадет снег")])
    assert one_word.unknown == {Reason.RESPELLED: 1}
    assert len(one_word.labels) == 2
    by_word = make_piece(reading, words={(0, 0): "белка"})
    assert texts(by_word) == ["белка спрятала орехи"]


def test_care_is_what_was_put_right_beside_what_was_probably_wrong(
    make_reading: MakeReading, make_piece: MakePiece
) -> None:
    reading = make_reading([("Белко", 0.5), ("спряталa", 0.5), ("орехи", 0.5)], [("ёжик", 0.75), ("уснул", 0.75)])
    known = told([make_piece(reading, words={(0, 0): "Белка"})])
    assert (known.care.put_right, known.care.wrong) == (1, pytest.approx(2))
    known = told([make_piece(reading, text="Белка спрятал орехи\nничего похожего здесь нет")])
    assert (known.care.put_right, known.care.wrong) == (2, pytest.approx(1.5))


def test_a_word_that_is_sent_as_it_was_read_was_not_touched(make_reading: MakeReading, make_piece: MakePiece) -> None:
    known = told([make_piece(make_reading([("Белка", 0.5), ("спит", 0.75)]), words={(0, 0): "Балка", (0, 1): "спит"})])
    assert (known.labels[0].untouched, known.care.put_right) == (pytest.approx(0.75), 1)


def test_it_shows_how_many_sure_words_somebody_overrules(make_reading: MakeReading, make_piece: MakePiece) -> None:
    reading = make_reading([("Белка", 0.95), ("спрятала", 0.92), ("орехи", 0.5)], [("ёжик", 0.92), ("уснул", 0.75)])
    for said in ({"words": {(0, 0): "Балка", (1, 1): "усни"}}, {"text": "Балка спрятала орехи\nёжик усни"}):
        care = told([make_piece(reading, **said)]).care
        assert (care.overruled, care.wrong_of_sure) == (1, pytest.approx(0.21))


def test_a_missed_line_is_known_from_its_quad_and_text_alone(make_reading: MakeReading, make_piece: MakePiece) -> None:
    missed = MissedLine((10, 500, 300, 500, 300, 540, 10, 540), "  две  капли ")
    known = told([make_piece(make_reading(), missed=(missed,))])
    (label,) = known.labels
    assert (label.text, label.read) == ("две капли", ())
    assert label.quad.tolist() == [[10, 500], [300, 500], [300, 540], [10, 540]]


def test_of_a_missed_line_where_one_was_read_the_words_that_were_read_are_known(
    make_reading: MakeReading, make_piece: MakePiece
) -> None:
    missed = MissedLine((30, 65, 200, 65, 200, 105, 30, 105), "ёжик уснул")
    crossed = MissedLine((30, 65, 200, 105, 200, 65, 30, 105), "ёжик уснул")
    (label, other) = told([make_piece(make_reading(*LINES), missed=(missed, crossed))]).labels
    assert [word.text for word in label.read] == ["ёжик", "уснул"]
    assert other.read == ()


def test_letters_that_were_sent_decomposed_are_composed(make_reading: MakeReading, make_piece: MakePiece) -> None:
    assert texts(make_piece(make_reading(*LINES), words={(1, 0): "чижи\u0306к"})) == ["чижйк уснул"]
