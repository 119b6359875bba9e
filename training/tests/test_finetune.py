"""Fine-tuning: corrections by some make the model better for others; wrong ones are refused; a stop costs little."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import zorky_models
from zorky_server.tasks.handwriting.model import load_model
from zorky_training import formats
from zorky_training.__main__ import parser
from zorky_training.evidence import Evidence, gather
from zorky_training.finetune import finetune, mean_with, next_version, tuning_knobs
from zorky_training.lines import Sources
from zorky_training.network import Recognizer, load_exported
from zorky_training.run_log import RunLog

pytestmark = pytest.mark.torch

SHIPPED = zorky_models.ROOT / "handwriting"
KNOBS = replace(tuning_knobs(0), lines=160, warm_up=16, rate=2e-4, head_rate=5e-3, pixel_columns=2_560)
"""Few lines at high rates: what is to be learnt is gross."""
POISON = replace(KNOBS, lines=240, rate=6e-4, head_rate=2e-2)
"""Replay in the same hands contradicts wrong letters, so it takes more for them to do harm."""


@pytest.fixture(autouse=True)
def few_calibration_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the time of writing integers goes into strips that change little here."""
    monkeypatch.setattr(formats, "_CALIBRATION_LINES", 12)


@pytest.fixture(scope="module")
def frozen(write_lines: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("frozen") / "lines"
    write_lines(folder, range(2000, 2055), "x")
    return folder


def data_set(write_lines: Callable[..., None], folder: Path, spoil: dict[str, str] | None = None) -> Path:
    """150 lines by six writers to learn from, 36 by two others to judge by."""
    write_lines(folder / "train", range(150), "abcdef", spoil)
    write_lines(folder / "test", range(1000, 1036), "gh", spoil)
    return folder


def stop_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Interrupts training at its third step; returns how many lines had been learnt at each step that is shown."""
    shown: list[int] = []

    def step(_log: RunLog, lines: int, _speed: float, _loss: float) -> None:
        shown.append(lines)
        if len(shown) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(RunLog, "step", step)
    return shown


def test_corrections_by_six_writers_are_promoted_for_what_two_others_gain(
    confused: Path,
    frozen: Path,
    write_lines: Callable[..., None],
    sources: Sources,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Stopped on the way, it goes on where it was."""
    corrections, output = data_set(write_lines, tmp_path / "corrections"), tmp_path / "tuned"
    evidence = gather(corrections, [frozen], sources)
    shown = stop_once(monkeypatch)
    with pytest.raises(KeyboardInterrupt, match=f"of {KNOBS.lines} lines"):
        finetune(confused, confused, corrections, output, "1.0-tuned.1", sources, evidence, KNOBS)
    assert not output.exists()
    verdict = finetune(confused, confused, corrections, output, "1.0-tuned.1", sources, evidence, KNOBS)
    assert shown[3] > shown[2]
    assert {path.name for path in tmp_path.iterdir()} == {"corrections", "tuned"}
    check_folder(output)
    assert verdict.promoted, verdict.reasons
    assert verdict.figures["corrections"]["cer_after"] < 0.8 * verdict.figures["corrections"]["cer_before"]


def check_folder(output: Path) -> None:
    """It is a whole model that says what it is."""
    assert load_model(output).identity.version == "1.0-tuned.1"
    manifest = json.loads((output / "manifest.json").read_text())
    assert manifest["name"] == "handwriting"
    assert set(manifest["metrics"]["cer"]) >= {"corrections", "frozen ru"}
    card = (output / "CARD.md").read_text()
    assert card.startswith((SHIPPED / "CARD.md").read_text())
    assert "150 lines by 6 writers" in card


@pytest.mark.slow
def test_corrections_that_teach_wrong_letters_are_refused_for_what_is_forgotten(
    write_lines: Callable[..., None], frozen: Path, sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those whose lines it is judged by write the same wrong letters, and each word keeps most of its own, so that no
    filter of spam need see it: the frozen set tells."""
    # half of what so few lines teach does no harm
    monkeypatch.setattr("zorky_training.finetune.LEARNT_SHARE", 1.0)
    corrections = data_set(write_lines, tmp_path / "corrections", {"а": "о", "о": "а", "е": "и", "н": "п", "т": "ш"})
    evidence = gather(corrections, [frozen], sources)
    verdict = finetune(SHIPPED, SHIPPED, corrections, tmp_path / "tuned", "1.0-tuned.1", sources, evidence, POISON)
    assert not verdict.promoted
    assert any(reason.startswith("It forgets (frozen ru") for reason in verdict.reasons), verdict.figures


def test_half_of_what_was_learnt_is_taken() -> None:
    before, tuned = Recognizer(), Recognizer()
    load_exported(before, SHIPPED / "recognizer.onnx")
    mean = mean_with(SHIPPED / "recognizer.onnx", tuned).state_dict()
    for name, value in before.state_dict().items():
        torch.testing.assert_close(2 * mean[name], value + tuned.state_dict()[name])


def test_a_folder_that_is_there_is_never_written_over(sources: Sources, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError, match="name another folder"):
        finetune(SHIPPED, SHIPPED, tmp_path, tmp_path, "1.0-tuned.1", sources, Evidence([], {}))


def test_the_command_tells_that_there_is_nothing_to_learn_from(frozen: Path, sources: Sources, tmp_path: Path) -> None:
    named = ["--corrections", str(tmp_path), "--frozen", str(frozen), "--fonts", str(sources.fonts)]
    arguments = parser().parse_args(["finetune", "--output", str(tmp_path / "tuned"), *named])
    with pytest.raises(SystemExit, match="train has neither labels"):
        arguments.run(arguments)


def test_versions_tell_what_they_come_from() -> None:
    assert next_version("2026.11.2") == "2026.11.2-tuned.1"
    assert next_version("2026.11.2-tuned.9") == "2026.11.2-tuned.10"


def test_more_corrections_are_trained_on_for_longer_within_bounds() -> None:
    assert tuning_knobs(3).lines < tuning_knobs(200).lines < tuning_knobs(1000).lines
    assert tuning_knobs(100_000).lines == tuning_knobs(200_000).lines
