"""The shipped language model: words before non-words, nothing impossible, small and quick to load."""

import math
import time

import pytest

import zorky_models
from zorky_server.tasks.handwriting.language_model import SCRIPTS, LanguageModel, State

FILE = zorky_models.ROOT / "handwriting" / "language_model.npz"


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return LanguageModel.load(FILE)


def log_p(model: LanguageModel, language: str, word: str, starts_line: bool = False) -> float:
    """Logarithm of the probability of a whole word."""
    speech, total = model[language], 0.0
    state = speech.word(starts_line)
    for letter in word:
        label = SCRIPTS[language].index(letter) + 1
        total += math.log(speech.share(state, label))
        state = speech.grow(state, label)
    return total + math.log(speech.close(state))


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
    """Beginnings are as likely as all their words together, up to rounding."""
    speech = model[language]
    state = speech.word(False)
    for letter in "по" if language == "ru" else "th":
        state = speech.grow(state, SCRIPTS[language].index(letter) + 1)
    labels = [label for label, letter in enumerate(SCRIPTS[language], start=1) if letter.isalpha()]
    total = speech.close(state) + sum(speech.share(state, label) for label in labels)
    assert total == pytest.approx(1, abs=0.06)


def test_an_apostrophe_stands_in_known_words_alone(model: LanguageModel) -> None:
    english, apostrophe = model["en"], SCRIPTS["en"].index("'") + 1
    known, unknown = (spelled(model, "en", word) for word in ("don", "xqz"))
    assert english.share(known, apostrophe) > 0
    assert english.share(unknown, apostrophe) == 0


def test_a_word_breaks_after_a_hyphen_alone(model: LanguageModel) -> None:
    speech, hyphen = model["ru"], SCRIPTS["ru"].index("-") + 1
    before = spelled(model, "ru", "молок")
    assert before.broken == 0
    assert speech.share(before, hyphen) * speech.grow(before, hyphen).broken == pytest.approx(0.03)


def spelled(model: LanguageModel, language: str, word: str) -> State:
    state = model[language].word(False)
    for letter in word:
        state = model[language].grow(state, SCRIPTS[language].index(letter) + 1)
    return state


def test_it_is_small_and_loads_at_once() -> None:
    assert FILE.stat().st_size < 6e6
    started = time.process_time()
    LanguageModel.load(FILE)
    assert time.process_time() - started < 0.5
