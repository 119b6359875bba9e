"""What is not learnt from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from zorky_training.corrections.care import Care
from zorky_training.corrections.labels import Label, Reason
from zorky_training.corrections.readings import ReadWord
from zorky_training.corrections.vetting import CorrectedLine, fault_of, vetted

from .conftest import LETTER, box

DAY = 86_400_000_000
CAREFUL, CARELESS = Care(10, 10.0), Care(2, 10.0)


def label(
    said: str,
    read: str = "",
    sure: float = 0.9,
    *,
    top: float = 0,
    said_at: int = 0,
    untouched: float = 1,
    wide: int = 0,
) -> Label:
    words = tuple(ReadWord(word, sure) for word in read.split())
    return Label(box(30, top, LETTER * (wide or max(len(said), 1))), said, words, untouched, said_at)


def line(one: Label, user: str | None = "u", picture: str = "p", result: str = "r") -> CorrectedLine:
    return CorrectedLine(result, picture, user, one)


def reasons(*lines: CorrectedLine, care: Mapping[str, Care] | None = None) -> dict[Reason, int]:
    kept, refused = vetted(lines, care or {one.author: CAREFUL for one in lines})
    assert len(kept) + sum(refused.values()) == len(lines)
    return dict(refused)


@pytest.mark.parametrize(
    ("read", "sure", "said"),
    [
        ("Белка спрятала орехи", 0.95, "Белка спрятала орех"),
        ("Белка спратала ореки", 0.9, "Белка спрятала орехи"),
        ("6eлкa cnptaлa opexu", 0.3, "Белка спрятала орехи"),
        ("кот на крыше", 0.9, "кот по крыше"),
        ("РУКА mom к", 0.95, "рука тот к"),
        ("(moder sohn пришёл", 0.89, "modersohn пришёл"),
        ("сайт www.zorky.example тут", 0.9, "сайт www.zorky.example там"),
        ("", 0, "никто не читал"),
    ],
)
def test_what_an_honest_person_writes_is_believed(read: str, sure: float, said: str) -> None:
    assert fault_of(label(said, read, sure)) is None


@pytest.mark.parametrize(
    ("read", "sure", "said", "reason"),
    [
        ("Белка спрятала орехи", 0.9, "Покупайте наши слоны", Reason.IMPLAUSIBLE),
        ("6eлкa cnptaлa opexu", 0.1, "Покупайте наши слоны", Reason.IMPLAUSIBLE),
        ("абвгдежзик", 0.0, "абвмнопрст", Reason.IMPLAUSIBLE),
        ("Белка спрятала орехи в дупло", 0.9, "Белка гадость орехи в дупло", Reason.IMPLAUSIBLE),
        ("Белка спрятала орехи в дупло", 0.9, "Белка орехи в дупло", Reason.IMPLAUSIBLE),
        ("Белка спрятала", 0.9, "Белка спрятала ☺", Reason.CHARACTERS),
        ("Белка спрятала", 0.9, "Белка спрятала 松鼠", Reason.CHARACTERS),
        ("Белка спрятала", 0.9, r"Белка\nспрятала", Reason.CHARACTERS),
        ("Белка спрятала орехи", 0.9, "Белка zorky.ru орехи", Reason.LINK),
        ("", 0, "пишите на t.me/zorky", Reason.LINK),
        ("", 0, "почта zorky@mail", Reason.LINK),
    ],
)
def test_vandalism_is_refused_for_what_it_is(read: str, sure: float, said: str, reason: Reason) -> None:
    assert fault_of(label(said, read, sure)) is reason


def test_more_may_be_wrong_where_the_reading_was_unsure() -> None:
    was, said = "Балко спратола орахо", "Белка спрятала орехи"
    assert [fault_of(label(said, was, sure)) for sure in (0.98, 0.7)] == [Reason.IMPLAUSIBLE, None]


@pytest.mark.parametrize(
    ("said", "wide"), [("а" * 40, 10), ("а", 40), ("слово", 2_000)], ids=["too much", "too little", "too long"]
)
def test_text_that_the_place_has_no_room_for_or_does_not_fill_is_refused(said: str, wide: int) -> None:
    assert fault_of(label(said, wide=wide)) is Reason.ILL_FITTING


def test_quads_that_are_no_line_are_refused() -> None:
    crossed = np.array([(0, 0), (200, 40), (200, 0), (0, 40)], np.float32)
    flat = box(0, 0, 30, 6)
    assert {fault_of(Label(quad, "слово", (), 1, 0)) for quad in (crossed, flat)} == {Reason.ILL_FITTING}


def test_unsure_words_that_nobody_touched_spoil_a_line_unless_the_person_is_careful() -> None:
    lines = [
        line(label("Белка спит", "Белка сдит", top=60 * i, untouched=sure)) for i, sure in enumerate((0.95, 0.7, 0.4))
    ]
    assert reasons(*lines, care={"u": CARELESS}) == {Reason.DOUBTFUL: 2}
    assert reasons(*lines, care={"u": CAREFUL}) == {Reason.DOUBTFUL: 1}
    assert reasons(*lines, care={"u": CARELESS + CARELESS + Care(20, 4)}) == {Reason.DOUBTFUL: 1}


def test_nobody_finds_far_more_sure_words_wrong_than_can_be() -> None:
    lines = sound("u", 4)
    assert reasons(*lines, care={"u": Care(40, 40, overruled=12, wrong_of_sure=2)}) == {}
    assert reasons(*lines, care={"u": Care(40, 40, overruled=13, wrong_of_sure=2)}) == {Reason.INCREDIBLE: 4}


def test_the_last_word_of_a_person_on_a_place_counts() -> None:
    first, last = (label(text, text, said_at=moment) for moment, text in enumerate(("Белка спит", "Белка сидит")))
    kept, refused = vetted([line(last), line(first, result="of the same picture")], {"u": CAREFUL})
    assert ([one.label.text for one in kept], refused) == (["Белка сидит"], {Reason.DUPLICATE: 1})


def test_people_who_say_the_same_of_a_picture_count_once_and_those_who_differ_not_at_all() -> None:
    same = [line(label("Белка «спит»", "Белка «спит»", said_at=1), "u"), line(label('Белка "спит"', "Белка спит"), "v")]
    assert reasons(*same) == {Reason.DUPLICATE: 1}
    other = line(label("Белка слит", "Белка спит", said_at=3), "w")
    assert reasons(*same, other) == {Reason.CONTRADICTED: 3}
    elsewhere = line(label("Белка слит", "Белка спит", top=100), "w")
    other_picture = line(label("Белка слит", "Белка спит"), "w", "q")
    assert reasons(*same, elsewhere, other_picture) == {Reason.DUPLICATE: 1}


def test_the_same_text_again_and_again_is_taken_a_few_times() -> None:
    lines = [line(label("Белка спит", "Белка спит", top=60 * number)) for number in range(10)]
    assert reasons(*lines) == {Reason.DUPLICATE: 7}
    assert reasons(*(line(one.label, f"u{number}", f"p{number}") for number, one in enumerate(lines))) == {}


def test_nobody_corrects_thousands_of_lines_in_a_day() -> None:
    def day(number: int) -> list[CorrectedLine]:
        texts = (f"строка {number} {i}" for i in range(500))
        return [
            line(label(text, text, top=60 * i, said_at=number * DAY + i), picture=f"{number}.{i}")
            for i, text in enumerate(texts)
        ]

    assert reasons(*day(3), *day(4)) == {Reason.TOO_MANY: 200}


def spoiled(user: str | None, count: int, result: str = "r") -> list[CorrectedLine]:
    return [line(label("Покупайте", "Белка", top=60 * i), user, f"{user}{result}", result) for i in range(count)]


def sound(user: str | None, count: int, result: str = "r") -> list[CorrectedLine]:
    texts = [f"Белка спит {i}" for i in range(count)]
    return [
        line(label(text, text, top=9_000 + 60 * i), user, f"{user}{result}", result) for i, text in enumerate(texts)
    ]


def test_nothing_is_believed_of_people_many_of_whose_lines_are_suspicious() -> None:
    assert reasons(*spoiled("u", 3), *sound("u", 9), *sound("v", 5)) == {Reason.IMPLAUSIBLE: 3, Reason.DISTRUSTED: 9}
    assert reasons(*spoiled("u", 3), *sound("u", 10)) == {Reason.IMPLAUSIBLE: 3}
    assert reasons(*spoiled("u", 2), *sound("u", 2)) == {Reason.IMPLAUSIBLE: 2}


def test_signs_that_nobody_knows_are_no_sign_of_bad_will() -> None:
    zealous = [line(label("√2 = x", "12 = x", top=60 * i)) for i in range(9)]
    assert reasons(*zealous, *sound("u", 2)) == {Reason.CHARACTERS: 9}


def test_where_no_person_is_known_each_result_answers_for_itself() -> None:
    lines = [*spoiled(None, 3, "a"), *sound(None, 2, "a"), *sound(None, 4, "b")]
    assert reasons(*lines) == {Reason.IMPLAUSIBLE: 3, Reason.DISTRUSTED: 2}


def test_each_missed_line_needs_another_line_that_vouches_for_it() -> None:
    missed = [line(label(f"не нашли {i}", top=60 * i, said_at=i)) for i in range(3)]
    assert reasons(*missed) == {Reason.UNVOUCHED: 3}
    assert reasons(*missed, *sound("u", 2)) == {Reason.UNVOUCHED: 1}
    assert reasons(*missed, *sound("v", 5)) == {Reason.UNVOUCHED: 3}
