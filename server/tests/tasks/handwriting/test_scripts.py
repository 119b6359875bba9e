"""Letters of one shape follow the letters that only one script has."""

import pytest

from zorky_server.tasks.handwriting.scripts import in_one_script, language_of


@pytest.mark.parametrize(
    ("read", "meant"),
    [
        ("Cквopeчник", "Скворечник"),  # Latin C, o, p, e
        ("Rр.:", "Rp.:"),  # Cyrillic р
        ("hоusе", "house"),
        ("дом", "дом"),
        ("42,5", "42,5"),
    ],
)
def test_a_words_own_letters_decide(read: str, meant: str) -> None:
    assert in_one_script([read]) == [meant]


def test_a_word_without_decisive_letters_follows_its_line() -> None:
    assert in_one_script(["Петрова", "A.", "C."]) == ["Петрова", "А.", "С."]
    assert in_one_script(["Dear", "А"]) == ["Dear", "A"]


def test_what_cannot_be_told_stays() -> None:
    assert in_one_script(["A", "В"]) == ["A", "В"]
    assert in_one_script(["дWиLж"]) == ["дWиLж"]


@pytest.mark.parametrize(
    ("text", "language"),
    [("Мама мыла раму", "ru"), ("iPad у мамы", "ru"), ("pH 7", "en"), ("да no", "ru"), ("17.5 №", ""), ("", "")],
)
def test_a_text_is_of_the_language_of_most_of_its_letters(text: str, language: str) -> None:
    assert language_of(text) == language
