"""Whatever people do with the line breaks, each line gets its own part of the text or none."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.random import Generator

from zorky_training.corrections.alignment import changed_runs, divide

LETTERS = list("аабвгдееежзииклмнооопрстуфхцчшщыьэюя")


def drawn_text(rng: Generator) -> list[str]:
    """Lines of words of one to ten letters."""
    words = ["".join(rng.choice(LETTERS, int(rng.integers(1, 11)))) for _ in range(int(rng.integers(8, 60)))]
    ends = sorted({*rng.integers(1, len(words), len(words) // 6).tolist(), len(words)})
    return [" ".join(words[a:b]) for a, b in zip([0, *ends], ends, strict=False)]


def misread(line: str, rng: Generator, part: float) -> str:
    """The line with a part of its letters replaced, left out or doubled."""
    read = ""
    for letter in line:
        kind = rng.random() / part
        read += letter if kind > 1 else "" if kind < 0.3 else letter * 2 if kind < 0.5 else str(rng.choice(LETTERS))
    return read.strip() or line


def rebroken(lines: list[str], rng: Generator) -> str:
    """The same words with line breaks anywhere, none, or some in the middle of lines."""
    breaks = rng.random()
    return "".join(word + ("\n" if rng.random() < breaks * 0.3 else " ") for word in " ".join(lines).split())


@pytest.mark.parametrize("seed", range(12))
def test_a_line_gets_its_own_words_or_none_however_the_text_is_broken(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lines = drawn_text(rng)
    read = [misread(line, rng, 0.12) for line in lines]
    parts = divide(read, rebroken(lines, rng))
    assert all(part in (None, line) for part, line in zip(parts, lines, strict=True))
    assert sum(part is not None for part in parts) > 0.6 * len(lines)


@pytest.mark.parametrize("seed", range(12))
def test_a_line_that_the_person_left_out_gets_nothing_and_harms_no_other(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    lines = drawn_text(rng)
    read = [misread(line, rng, 0.08) for line in lines]
    left_out = set(rng.choice(len(lines), max(1, len(lines) // 5), replace=False).tolist())
    kept = [line for i, line in enumerate(lines) if i not in left_out]
    parts = divide(read, "\n".join(kept))
    assert all(parts[i] in (None, line) for i, line in enumerate(lines))
    assert not any(parts[i] for i in left_out if lines[i] not in kept)
    assert sum(part is not None for part in parts) > 0.5 * len(kept)


def test_nothing_is_said_wrong_of_lines_read_badly_in_a_text_run_together_with_lines_left_out() -> None:
    kept = wrong = 0
    for seed in range(80):
        rng = np.random.default_rng(1100 + seed)
        lines = drawn_text(rng)
        read = [misread(line, rng, 0.15) for line in lines]
        read = [" ".join(word for word in line.split() if rng.random() > 0.05) or line for line in read]
        said = {i for i in range(len(lines)) if rng.random() < 0.8}
        parts = divide(read, rebroken([lines[i] for i in sorted(said)], rng))
        kept += sum(part is not None for part in parts)
        wrong += sum(part is not None and (part != lines[i] or i not in said) for i, part in enumerate(parts))
    assert kept > 100
    assert wrong <= kept // 200


@pytest.mark.parametrize("seed", range(6))
def test_a_clear_reading_gets_all_of_a_text_whose_lines_were_kept(seed: int) -> None:
    lines = drawn_text(np.random.default_rng(200 + seed))
    assert divide(lines, "\n\n".join(f" {line}  " for line in lines)) == lines


@pytest.mark.parametrize("joined", ["ков-\nром", "ков-ром", "ковром", "ковром\n"])
def test_a_word_that_was_broken_keeps_its_hyphen_however_the_person_joined_it(joined: str) -> None:
    read = ["под ногами мягкм ков-", "ром Белка спратала орехи"]
    lines = ["под ногами мягким ков-", "ром Белка спрятала орехи"]
    assert divide(read, f"под ногами мягким {joined} Белка спрятала орехи") == lines


def test_a_word_broken_where_no_hyphen_was_read_makes_both_lines_uncertain() -> None:
    assert divide(["мягким ков", "ром Белка тут"], "мягким ковром Белка тут") == [None, None]


def test_words_before_and_after_what_was_read_may_stand_outside_the_line() -> None:
    assert divide(["листья опали"], "листья опали и лежат") == [None]
    assert divide(["листья опали"], "все листья опали") == [None]
    assert divide(["листья опали"], "листья давно опали") == ["листья давно опали"]


def test_a_word_between_two_lines_that_was_not_read_makes_both_uncertain() -> None:
    read = ["ёжик уснул тут", "листья опали", "снег выпал"]
    assert divide(read, "ёжик уснул тут\nлистья опали и снег выпал") == ["ёжик уснул тут", None, None]


def test_another_text_a_flood_and_nothing_are_nobodys() -> None:
    read = ["Поздней осенью в лесу тихо.", "Листья давно опали"]
    assert divide(read, "Купите наши окна и двери\nнедорого") == [None, None]
    assert divide(read, " \n ") == [None, None]
    assert divide([], "текст") == []
    started = time.process_time()
    assert divide(read * 30, "слово " * 16_000) == [None] * 60
    assert time.process_time() - started < 0.2


def test_letters_in_another_case_and_other_dashes_are_the_same_letters() -> None:
    assert divide(["Ёлка — дерево", "КОТ"], "елка - дерево\nкот") == ["елка - дерево", "кот"]


def test_changes_are_runs_of_words_between_those_that_stayed() -> None:
    was, now = list("абвгд"), list("ахугыдю")
    runs = [([was[i] for i in before], [now[i] for i in after]) for before, after in changed_runs(was, now)]
    assert runs == [(["б", "в"], ["х", "у"]), ([], ["ы"]), ([], ["ю"])]
