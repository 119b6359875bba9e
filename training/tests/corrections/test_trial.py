"""Labels are right: drawn pages, read by the code that serves, corrected by synthetic people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from zorky_training.__main__ import parser
from zorky_training.corrections.people import Person, honest, lazy, poisoner, seen_page, vandal
from zorky_training.corrections.readings import ReadLine, ReadWord
from zorky_training.corrections.trial import ReadPage, outcome, read_pages
from zorky_training.lines import Sources
from zorky_training.pages import PageEngine
from zorky_training.sheet import Band

from .conftest import box


@pytest.fixture(scope="module")
def pages(sources: Sources) -> Sequence[ReadPage]:
    engine = PageEngine(sources, seed=5)
    return list(read_pages(engine.page(number) for number in range(6)))


def test_labels_of_honest_people_are_right(pages: Sequence[ReadPage]) -> None:
    got = outcome(pages, honest)
    assert len(got.pairs) > 0.35 * sum(len(page.seen.lines) for page in pages)
    assert got.right >= 0.97 * len(got.pairs)


def test_of_lazy_people_fewer_lines_are_believed(pages: Sequence[ReadPage]) -> None:
    assert 0 < len(outcome(pages, lazy).pairs) < 0.8 * len(outcome(pages, honest).pairs)


@pytest.mark.parametrize("person", [vandal, poisoner])
def test_nothing_is_learnt_from_bad_people(pages: Sequence[ReadPage], person: Person) -> None:
    assert outcome(pages, person).pairs == []


def band(text: str, left: float, top: float, width: float) -> Band:
    along = np.linspace(left, left + width, 9)
    edges = [np.stack((along, np.full(9, row)), 1).astype(np.float32) for row in (top + 5, top + 35)]
    return Band(text, *edges)


def read_line(text: str, top: float, left: float, width: float) -> ReadLine:
    return ReadLine(tuple(ReadWord(word, 0.9) for word in text.split()), box(left, top, width), 0.0)


def test_people_see_all_of_a_line_and_the_truth_is_what_its_quad_shows() -> None:
    lines = [read_line("один два", 0, 0, 200), read_line("грязь", 100, 0, 100)]
    seen = seen_page(lines, [band("один два три", 0, 0, 300), band("нет", 0, 300, 100)])
    assert (seen.truths, seen.said) == (["один два", ""], ["один два три", ""])
    assert [one.text for one in seen.missed] == ["нет"]
    assert seen.truth_at(lines[0].quad) == "один два"
    assert seen.truth_at(box(5, 5, 5)) == ""


def test_people_send_corrections_that_make_what_they_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zorky_training.corrections.people.TYPOS", 0.0)
    line = read_line("одна гва три", 0, 0, 300)
    seen = seen_page([line], [band("ну один два", 0, 0, 250)])
    texts = set()
    for seed in range(60):
        (said,) = honest(seen, np.random.default_rng(seed))
        fixed = {word.word: word.text for word in said.words or ()}
        by_word = " ".join(fixed.get(i, word.text) for i, word in enumerate(line.words))
        texts.add(" ".join(by_word.split()) if said.text is None else said.text)
    assert texts == {"ну один два", ""}  # nothing where the only line was left out


def test_the_command_tells_the_share_of_right_labels(sources: Sources, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = parser().parse_args(["corrections-trial", "--pages", "2", "--fonts", str(sources.fonts), "--show", "1"])
    arguments.run(arguments)
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("honest", "lazy", "vandal", "left out"))
