"""The judge: what is surely better passes; what is luck, forgotten, oversure or too little to tell does not."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import zorky_models
from zorky_server.tasks.handwriting.values import Layout
from zorky_training.__main__ import parser
from zorky_training.evidence import Evidence, gather
from zorky_training.judge import LEAST_LINES, Compared, decided, judge
from zorky_training.lines import Sources
from zorky_training.reading import Read, ReadWord
from zorky_training.samples import Sample

pytestmark = pytest.mark.torch

SHIPPED = zorky_models.ROOT / "handwriting"
NOWHERE = Path("/nowhere")
TRUTH = "мама мыла раму"


def read(text: str, confidence: float = 0.9) -> Read:
    """A line of TRUTH, read so."""
    words = [ReadWord(word, 0, (0.0, 0.0), confidence) for word in text.split()]
    return Read(Sample("line", b"", TRUTH, Layout.LINE, "someone"), text, 0.0, words)


def figures(before: list[Read], after: list[Read]) -> dict[str, float]:
    return Compared(before, after).figures()


SURE_GAIN = figures([read("мама мыла рану")] * 40, [read(TRUTH)] * 40)
SAME = figures([read(TRUTH)] * 100, [read(TRUTH)] * 100)


@pytest.fixture(scope="module")
def corrections(write_lines: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with a test part of drawn lines."""
    folder: Path = tmp_path_factory.mktemp("corrections")
    write_lines(folder / "test", range(100, 132), "ab")
    return folder


@pytest.fixture(scope="module")
def frozen(write_lines: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("frozen") / "lines"
    write_lines(folder, range(200, 255), "c")
    return folder


@pytest.fixture(scope="module")
def evidence(corrections: Path, frozen: Path, sources: Sources) -> Evidence:
    return gather(corrections, [frozen], sources)


def test_a_model_that_reads_other_writers_better_is_promoted_with_its_gain(confused: Path, evidence: Evidence) -> None:
    verdict = judge(confused, SHIPPED, SHIPPED, evidence)
    assert verdict.promoted
    assert "other writers, 32 lines: CER 0." in verdict.reasons[0]
    assert {"corrections", "frozen en", "frozen ru"} == verdict.figures.keys()


def test_the_command_refuses_a_model_that_forgot_letters(
    confused: Path, corrections: Path, frozen: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = ["--corrections", str(corrections), "--frozen", str(frozen), "--json", str(tmp_path / "verdict.json")]
    arguments = parser().parse_args(["judge", "--before", str(SHIPPED), "--after", str(confused), *named])
    with pytest.raises(SystemExit) as stopped:
        arguments.run(arguments)
    assert stopped.value.code == 3
    assert "It forgets (frozen ru" in capsys.readouterr().out
    written = json.loads((tmp_path / "verdict.json").read_text())
    assert not written["promoted"]
    assert written["figures"]["frozen ru"]["cer_after"] > written["figures"]["frozen ru"]["cer_before"] + 0.05


def test_nothing_is_promoted_where_nobody_else_has_corrected_enough(evidence: Evidence) -> None:
    alone = judge(NOWHERE, NOWHERE, NOWHERE, replace(evidence, corrected=[]))
    assert "At least two writers are needed" in alone.reasons[0]
    few = judge(NOWHERE, NOWHERE, NOWHERE, replace(evidence, corrected=evidence.corrected[: LEAST_LINES - 1]))
    assert f"{LEAST_LINES - 1} lines" in few.reasons[0]
    assert not alone.promoted
    assert not few.promoted


def test_a_gain_in_two_lines_may_be_luck_and_one_in_most_is_not() -> None:
    before, after = [read("мама мыла рану")] * 40, [read(TRUTH)] * 2 + [read("мама мыла рану")] * 38
    lucky = decided({"corrections": figures(before, after), "frozen ru": SAME})
    assert not lucky.promoted
    assert "0.95 is needed" in lucky.reasons[0]
    assert decided({"corrections": SURE_GAIN, "frozen ru": SAME}).promoted


def test_a_loss_in_few_lines_may_be_luck_and_one_in_many_is_not() -> None:
    def lost(lines: int) -> dict[str, float]:
        return figures([read(TRUTH)] * 100, [read("мама мыла ра")] * lines + [read(TRUTH)] * (100 - lines))

    assert decided({"corrections": SURE_GAIN, "frozen ru": lost(3)}).promoted
    forgetful = decided({"corrections": SURE_GAIN, "frozen en": SAME, "frozen ru": lost(20)})
    assert not forgetful.promoted
    assert [reason.partition(":")[0] for reason in forgetful.reasons] == ["It forgets (frozen ru, 100 lines)"]


def test_of_a_handful_of_lines_nothing_is_told() -> None:
    handful = figures([read(TRUTH)] * 8, [read("мама мыла ра")] * 8)
    assert decided({"corrections": SURE_GAIN, "frozen en": handful, "frozen ru": SAME}).promoted


def test_a_model_that_is_sure_of_what_is_wrong_is_refused() -> None:
    wrong = [read("мана мыла раму", 0.9)] * 100
    oversure = figures(wrong, [replace(one, words=[replace(w, confidence=0.99) for w in one.words]) for one in wrong])
    verdict = decided({"corrections": SURE_GAIN, "frozen ru": oversure})
    assert "less true (frozen ru)" in verdict.reasons[0]
    assert not verdict.promoted


def test_of_few_words_no_calibration_error_is_told() -> None:
    assert SURE_GAIN["ece_before"] is None
    assert SAME["ece_before"] == pytest.approx(0.1)
