"""What is judged on: the lines of others, and what was drawn or named to tell what is forgotten."""

from collections.abc import Callable
from pathlib import Path

import pytest

from zorky_server.tasks.handwriting.scripts import language_of
from zorky_server.tasks.handwriting.values import Layout
from zorky_training import evidence
from zorky_training.evidence import gather
from zorky_training.lines import Sources

pytestmark = pytest.mark.torch


@pytest.fixture
def corrections(write_lines: Callable[..., None], tmp_path: Path) -> Path:
    write_lines(tmp_path / "corrections" / "test", range(300, 306), "ab")
    return tmp_path / "corrections"


def test_corrected_words_are_read_as_the_lines_that_they_were_cut_as(corrections: Path, sources: Sources) -> None:
    found = gather(corrections, [corrections / "test"], sources)
    assert len(found.corrected) == 6
    assert {sample.layout for sample in found.corrected} == {Layout.LINE}


def test_without_a_folder_lines_are_drawn_by_hands_kept_from_training(
    corrections: Path, sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "FROZEN_LINES", 16)
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / "Yomogi_400Regular.ttf").symlink_to(next(sources.fonts.iterdir()))
    found = gather(corrections, [], Sources(tmp_path / "fonts"))
    assert sum(map(len, found.frozen.values())) == 16
    assert {sample.writer for samples in found.frozen.values() for sample in samples} == {"Yomogi"}
    assert all(language_of(sample.truth) in (name, "") for name, samples in found.frozen.items() for sample in samples)


def test_hands_that_are_not_installed_are_told(corrections: Path, sources: Sources) -> None:
    with pytest.raises(ValueError, match="zorky-train fonts"):
        gather(corrections, [], sources)


def test_a_data_set_without_a_test_part_has_no_corrected_lines(corrections: Path, sources: Sources) -> None:
    frozen = corrections / "test"
    assert gather(corrections / "nowhere", [frozen], sources).corrected == []
    (corrections / "empty" / "test").mkdir(parents=True)
    (corrections / "empty" / "test" / "labels.tsv").write_text("")
    assert gather(corrections / "empty", [frozen], sources).corrected == []
