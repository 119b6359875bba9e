"""What is written stays inside the charset and covers it."""

from pathlib import Path

import numpy as np
import pytest

from zorky_training.charset import CHARSET, decode, encode, fold, loosen
from zorky_training.quotes import Quotes
from zorky_training.text import Texts


@pytest.fixture(scope="module")
def drawn() -> list[str]:
    texts = Texts()
    return [texts.draw(np.random.default_rng((2, number))) for number in range(4000)]


def test_every_text_is_in_the_charset_and_folded(drawn: list[str]) -> None:
    assert all(text and set(text) <= set(CHARSET) and fold(text) == text for text in drawn)


def test_nearly_every_character_is_written(drawn: list[str]) -> None:
    assert len(set(CHARSET) - set("".join(drawn))) <= 3


def test_russian_is_written_about_two_thirds_of_the_time(drawn: list[str]) -> None:
    russian = [text for text in drawn if any("а" <= letter <= "я" for letter in text.lower())]
    assert 0.6 < len(russian) / len(drawn) < 0.8


def test_a_seed_draws_the_same_text_again() -> None:
    texts = Texts()
    assert texts.draw(np.random.default_rng(9)) == texts.draw(np.random.default_rng(9))


def test_the_charset_repeats_nothing() -> None:
    assert len(set(CHARSET)) == len(CHARSET)


@pytest.mark.parametrize(
    ("written", "folded"), [("„а“ – б’…", "«а» — б'..."), ("a  b\tc", "a b c"), ("中文 да", "да"), ("x−1", "x-1")]
)
def test_variants_fold(written: str, folded: str) -> None:
    assert fold(written) == folded


def test_ctc_decoding_undoes_encoding_with_blanks_and_runs() -> None:
    classes = encode("аббат")
    path = [0, classes[0], classes[0], classes[1], 0, classes[2], classes[3], 0, 0, classes[4]]
    assert decode(path) == "аббат"


def test_texts_are_compared_without_quotes_dashes_and_yo() -> None:
    assert loosen("«Ёлка»  — да") == loosen('"Елка" - да')


def test_quotes_are_whole_words_of_a_line_without_their_authors(tmp_path: Path) -> None:
    quote = "Век живи, век учись тому, как следует жить, и тогда, быть может, что-нибудь да выйдет из этого."
    (tmp_path / "wisdom").write_text(f"{quote}\n\t\t-- Неизвестный\n%\n{quote}\n%\n", encoding="utf-8")
    (tmp_path / "wisdom.dat").write_bytes(b"\xff\x00")
    quotes = Quotes(tmp_path)
    drawn = [quotes.draw(np.random.default_rng(number)) for number in range(50)]
    assert all(0 < len(text) <= 60 for text in drawn)
    assert {word for text in drawn for word in text.split(" ")} <= set(quote.split(" "))


def test_without_quotes_there_is_nothing_to_draw_from(tmp_path: Path) -> None:
    assert not Quotes(tmp_path / "missing")
