"""Labelled folders: what is read from them, how it is shown to a system, and who wrote it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from zorky_server.tasks.handwriting.values import Layout
from zorky_training.samples import Sample, SampleSet, labelled, layout_of, turned


def drawn(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((20, 60, 3), 255, np.uint8))
    return path


def test_rows_of_a_table_become_samples(tmp_path: Path) -> None:
    drawn(tmp_path / "a.png"), drawn(tmp_path / "page_01.png"), drawn(tmp_path / "page_02.png")
    rows = ["a.png\tслово\tnoisy\tanna", "page_01.png\tдва слова", "page_02.png\tпервая\\nвторая"]
    (tmp_path / "labels.tsv").write_text("\n".join(rows), encoding="utf-8")
    word, line, page = labelled(tmp_path)
    assert (word.kind, word.writer, word.layout) == ("noisy", "anna", Layout.WORD)
    assert (line.writer, line.layout, page.writer) == ("page", Layout.LINE, "page")
    assert (page.truth, page.layout) == ("первая\nвторая", Layout.PAGE)


def test_texts_beside_pictures_become_samples_and_one_sheet_has_one_writer(tmp_path: Path) -> None:
    for name, text in (("scan", "тот же\nтекст"), ("photo", "тот же\nтекст\n"), ("other", "иной")):
        drawn(tmp_path / f"{name}.jpg").with_suffix(".txt").write_text(text, encoding="utf-8")
    writers = {sample.name: sample.writer for sample in labelled(tmp_path)}
    assert writers == {"scan": "photo", "photo": "photo", "other": "other"}


def test_a_folder_without_labels_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=tmp_path.name):
        labelled(tmp_path)


@pytest.mark.parametrize(("text", "layout"), [("кот", Layout.WORD), ("кот спит", Layout.LINE), ("а\nб", Layout.PAGE)])
def test_layout_is_told_by_the_text(text: str, layout: Layout) -> None:
    assert layout_of(text + "\n") is layout


def test_turning_moves_pixels_and_keeps_the_truth() -> None:
    picture = np.full((20, 60, 3), 255, np.uint8)
    picture[0, 0] = (0, 0, 200)
    file = cv2.imencode(".png", picture)[1].tobytes()
    pages = turned(SampleSet("pages", [Sample("p", file, "текст", Layout.PAGE, "w")]))
    shown = [cv2.imdecode(np.frombuffer(sample.file, np.uint8), cv2.IMREAD_COLOR) for sample in pages.samples]
    assert [one.shape[:2] for one in shown] == [(60, 20), (20, 60), (60, 20)]
    assert [tuple(one[place]) for one, place in zip(shown, ((0, 19), (19, 59), (59, 0)), strict=True)] == [
        (0, 0, 200)
    ] * 3
    assert {sample.truth for sample in pages.samples} == {"текст"}
