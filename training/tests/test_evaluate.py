"""The command that scores labelled pictures: the served reading, its figures, and the page made of them."""

import json
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

import zorky_models
from zorky_server.tasks.handwriting.model import load_model
from zorky_server.tasks.handwriting.values import Layout
from zorky_training import report
from zorky_training.__main__ import parser
from zorky_training.measure import accuracy_rows, confidence_rows, served_confidence, write
from zorky_training.reading import Read, ReadWord, Zorky, cpu_seconds
from zorky_training.samples import Sample, labelled


def drawn_folder(folder: Path) -> Path:
    """A page of two printed lines and one of its words, labelled."""
    page = np.full((300, 900, 3), 245, np.uint8)
    for row, text in enumerate(("Hello world 2026", "This is a test")):
        cv2.putText(page, text, (60, 110 + 100 * row), cv2.FONT_HERSHEY_SIMPLEX, 1.8, (40, 30, 30), 4, cv2.LINE_AA)
    cv2.imwrite(str(folder / "page.png"), page)
    cv2.imwrite(str(folder / "word.png"), page[50:130, 40:260])
    (folder / "labels.tsv").write_text("page.png\tHello world 2026\\nThis is a test\nword.png\tHello\tclean\tme\n")
    return folder


@pytest.fixture(scope="module")
def zorky() -> Zorky:
    return Zorky(load_model(zorky_models.ROOT / "handwriting"))


def test_words_come_with_the_scores_that_their_confidences_are_made_from(zorky: Zorky, tmp_path: Path) -> None:
    calibration = load_model(zorky_models.ROOT / "handwriting").calibration
    page, word = (zorky.read(sample) for sample in labelled(drawn_folder(tmp_path)))
    assert "2026" in page.text
    assert len(word.words) == 1
    assert [one.line for one in page.words] == [0, 0, 0, 1, 1, 1, 1]
    for one in (*page.words, *word.words):
        assert one.confidence == pytest.approx(calibration.confidence_of(one.scores))
    assert page.seconds > 0


def test_only_work_counts_as_time() -> None:
    started = cpu_seconds()
    time.sleep(0.2)
    assert cpu_seconds() - started < 0.1


def test_the_command_scores_a_labelled_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn_folder(tmp_path)
    arguments = parser().parse_args(
        ["evaluate", str(tmp_path), "--json", str(tmp_path / "f.json"), "--plots", str(tmp_path / "plots")]
    )
    arguments.run(arguments)
    figures = json.loads((tmp_path / "f.json").read_text())
    (row,) = figures["sets"]
    assert (row["pictures"], row["digit_f1"]) == (2, 1)
    assert row["cer"] < 0.2
    assert figures["confidence"][0]["items"] == 8
    assert {path.stem for path in (tmp_path / "plots").iterdir()} == {"cer", "reliability", "risk"}
    assert tmp_path.name in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["evaluate", "/nowhere"], "neither labels.tsv nor"),
        (["evaluate", "/nowhere", "--report", "q.md"], "as it is shipped"),
    ],
)
def test_what_cannot_be_scored_is_said_in_a_sentence(arguments: list[str], reason: str) -> None:
    parsed = parser().parse_args(arguments)
    with pytest.raises(SystemExit, match=reason):
        parsed.run(parsed)


def read(name: str, right: bool, kind: str = "") -> Read:
    sample = Sample(name, b"", "тайна", Layout.WORD, f"writer {name[-1]}", kind)
    text = "тайна" if right else "тайнф"
    return Read(sample, text, 0.5, [ReadWord(text, 0, (-0.1 if right else -2.0, -0.1), 0.9 if right else 0.2)])


def figures() -> dict[str, object]:
    reads = {"ru_pages": [read(f"secret {i}", i % 3 > 0, "noisy" if i == 1 else "") for i in range(12)]}
    return {
        "model": {"version": "7.8", "sha256": "ab" * 32, "calibration": "c-9"},
        "sets": accuracy_rows(reads),
        "confidence": confidence_rows(reads),
        "held_out": accuracy_rows({"all": reads["ru_pages"]}),
        "held_out_confidence": served_confidence({"all": reads["ru_pages"]}),
    }


def test_noisy_pictures_are_left_out_of_a_row_of_their_own() -> None:
    whole, clean = accuracy_rows({"words": [read("a", True, "noisy"), read("b", False)]})
    assert (whole["set"], whole["exact"]) == ("words", 0.5)
    assert (clean["set"], clean["exact"]) == ("words, clean", 0)


def test_the_page_is_made_of_figures_and_holds_no_text_of_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    write(tmp_path / "accuracy.json", figures())
    report.write(tmp_path / "quality.md")
    alone = (tmp_path / "quality.md").read_text(encoding="utf-8")
    assert "| ru_pages | 12 |" in alone
    assert "model 7.8" in alone
    row = {"system": "Other 1.0", "ratio": 3.0, **accuracy_rows({"ru_pages": [read("a", False)]})[0]}
    write(tmp_path / "peers.json", {**figures(), "most": 24, "absent": ["Third: not installed"], "rows": [row]})
    report.write(tmp_path / "quality.md")
    beside = (tmp_path / "quality.md").read_text(encoding="utf-8")
    assert "| Other 1.0 |" in beside
    assert "Third: not installed." in beside
    assert all("тайн" not in path.read_text(encoding="utf-8") for path in tmp_path.glob("*.*"))
    assert all((tmp_path / "quality" / f"{name}.png").stat().st_size > 1000 for name in ("cer", "reliability", "risk"))
