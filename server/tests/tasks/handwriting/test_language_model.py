"""The shipped language model: words before non-words, nothing impossible, small and quick to load."""

import time

import pytest

import zorky_models
from zorky_server.tasks.handwriting.language_model import SCRIPTS, LanguageModel

FILE = zorky_models.ROOT / "handwriting" / "language_model.npz"


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return LanguageModel.load(FILE)


def log_p(model: LanguageModel, language: str, word: str, starts_line: bool = False) -> float:
    """Logarithm of the probability of a whole word."""
    state = model.word(language, starts_line)
    for letter in word:
        grown = model.grow(language, state, SCRIPTS[language].index(letter) + 1)
        assert grown is not None
        state = grown
    return model.close(language, state)


@pytest.mark.parametrize(
    ("language", "word", "misread"),
    [
        ("ru", "парадоксальная", "парадохеалтая"),
        ("ru", "институты", "иистижуты"),
        ("ru", "какой-то", "хакой-жо"),
        ("en", "training", "haiining"),
        ("en", "don't", "dan't"),
    ],
)
def test_words_are_far_likelier_than_their_misreadings(
    model: LanguageModel, language: str, word: str, misread: str
) -> None:
    assert log_p(model, language, word) > log_p(model, language, misread) + 4


def test_invented_words_are_possible_and_pronounceable_ones_likelier(model: LanguageModel) -> None:
    assert -40 < log_p(model, "ru", "мурлокотан") < log_p(model, "ru", "молоко")
    assert log_p(model, "ru", "ыбвукъерт") < log_p(model, "ru", "мурлокотан")
    assert log_p(model, "ru", "ыбвукъерт") > -80


def test_rests_of_broken_words_stand_at_a_lines_start_alone(model: LanguageModel) -> None:
    assert log_p(model, "ru", "мические", True) > log_p(model, "ru", "мические") + 1.5
    assert log_p(model, "ru", "мама", True) < log_p(model, "ru", "мама")


@pytest.mark.parametrize("language", SCRIPTS)
def test_what_may_follow_adds_up_to_what_there_is(model: LanguageModel, language: str) -> None:
    """No letter makes a word likelier: beginnings are as likely as all their words together, up to rounding."""
    state = model.word(language, False)
    for letter in "по" if language == "ru" else "th":
        grown = model.grow(language, state, SCRIPTS[language].index(letter) + 1)
        assert grown is not None
        assert grown.score <= state.score
        state = grown
    labels = [label for label, letter in enumerate(SCRIPTS[language], start=1) if letter.isalpha()]
    after = [model.grow(language, state, label) for label in labels]
    total = sum(2.718281828 ** (one.score - state.score) for one in after if one)
    total += 2.718281828 ** (model.close(language, state) - state.score)
    assert total == pytest.approx(1, abs=0.06)


def test_it_is_small_and_loads_at_once() -> None:
    assert FILE.stat().st_size < 6e6
    started = time.process_time()
    LanguageModel.load(FILE)
    assert time.process_time() - started < 0.5
