"""`zorky-train finetune`: goes on training the recogniser that serves, on lines that people corrected."""

from __future__ import annotations

import argparse
import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx
import torch

import zorky_models
from zorky_server.tasks.handwriting.model import PARTS, BadModel, HandwritingModel, load_model

from .evidence import Evidence
from .export_recognizer import averaged_network
from .fonts import fetch
from .formats import calibration_strips
from .judge import Verdict, add_evidence_options, evidence_named, judge, say, sources_named
from .lines import CORRECTED_SHARE, Sources
from .network import Recognizer, load_exported
from .package import store_in_half, write_manifest
from .quantize import quantized
from .samples import Sample, labelled
from .train_recognizer import Knobs, train
from .tuned_card import section

_TUNED = "-tuned."
PASSES = 4
"""How often each corrected line is seen, differently each time."""
LEAST_LINES, MOST_LINES = 600, 20_000
"""Lines to train on, drawn ones included: fewer move nothing, more wait for a longer training of its own."""
LEARNT_SHARE = 0.5
"""Of the weights after training in those that are written; the rest are those before. Their mean keeps more than half
of what corrections bring, and less than half of what would be forgotten is: docs/decisions/adaptation.md."""


def tuning_knobs(corrected: int, seed: int = 1) -> Knobs:
    """What suits so many corrected lines."""
    lines = min(max(round(PASSES * corrected / CORRECTED_SHARE), LEAST_LINES), MOST_LINES)
    return Knobs(
        lines=lines, seed=seed, pixel_columns=5_120, rate=1e-4, head_rate=4e-4, warm_up=lines // 10, weight_decay=0.0
    )


def next_version(version: str) -> str:
    """2026.11.2 is followed by 2026.11.2-tuned.1, and that by 2026.11.2-tuned.2."""
    base = base_version(version)
    number = version.removeprefix(base).removeprefix(_TUNED)
    return f"{base}{_TUNED}{int(number or 0) + 1}"


def base_version(version: str) -> str:
    """The version that a tuned one comes from in the end: 2026.11.2 of 2026.11.2-tuned.3."""
    return version.partition(_TUNED)[0]


def finetune(
    model: Path,
    shipped: Path,
    corrections: Path,
    output: Path,
    version: str,
    sources: Sources,
    evidence: Evidence,
    knobs: Knobs | None = None,
) -> Verdict:
    """Writes the folder `output`: the model in the folder `model`, its recogniser tuned on corrections/train. Returns
    whether it may serve.

    shipped, evidence: see `judge`, whose figures go into card and manifest. sources: what lines are drawn from, so that
    nothing is forgotten. knobs: instead of `tuning_knobs`. A call that was stopped goes on when it is made again: its
    checkpoint lies beside `output` until that is written.

    Raises BadModel, FileNotFoundError when there are no corrected lines, FileExistsError when `output` exists,
    ValueError when the model holds another architecture, KeyboardInterrupt when it was stopped: it takes SIGTERM as
    an interrupt, so only the main thread may call it.
    """
    if output.exists():
        raise FileExistsError(f"{output} exists: name another folder, a model is never changed once it is written")
    before, learnt = load_model(model), labelled(corrections / "train")
    knobs = knobs or tuning_knobs(len(learnt))
    mixed = replace(sources, corrections=corrections / "train")
    folder = _run_folder(output, before, learnt, knobs)
    network = _tuned(before, mixed, knobs, folder)
    with TemporaryDirectory(dir=output.parent) as scratch:
        written = Path(shutil.copytree(model, Path(scratch) / before.identity.name))
        onnx.save(store_in_half(quantized(network, calibration_strips(mixed))), written / PARTS["recognizer"])
        write_manifest(written, version, before.calibration, {})
        verdict = judge(model, written, shipped, evidence)
        write_manifest(written, version, before.calibration, _metrics(verdict.figures))
        with (written / "CARD.md").open("a", encoding="utf-8") as card:
            card.write(section(version, before.identity.version, learnt, knobs.lines, verdict.figures))
        written.replace(output)
    shutil.rmtree(folder)
    return verdict


def _tuned(before: HandwritingModel, mixed: Sources, knobs: Knobs, folder: Path) -> Recognizer:
    run = train(knobs, folder, mixed, [], before.recognizer)
    if run.lines < knobs.lines:
        raise KeyboardInterrupt(f"stopped after {run.lines} of {knobs.lines} lines: the same call goes on")
    return mean_with(before.recognizer, averaged_network(folder / "checkpoint.pt"))


def mean_with(exported: Path, tuned: Recognizer) -> Recognizer:
    """The network whose weights lie LEARNT_SHARE of the way from those of an exported recogniser to the tuned ones."""
    network = Recognizer()
    load_exported(network, exported)
    old, new = network.state_dict(), tuned.state_dict()
    network.load_state_dict({name: torch.lerp(old[name], new[name], LEARNT_SHARE) for name in old})
    return network.eval()


def _run_folder(output: Path, before: HandwritingModel, learnt: list[Sample], knobs: Knobs) -> Path:
    """Where the checkpoint lies: another model, other corrections or other knobs never take it up."""
    texts = [(sample.name, sample.truth) for sample in learnt]
    task = hashlib.sha256(repr((before.identity.sha256, texts, knobs)).encode()).hexdigest()
    return output.with_name(f"{output.name}.run-{task[:8]}")


def _metrics(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The figures that the manifest keeps."""
    return {
        figure: {name: row[f"{figure}_after"] for name, row in rows.items() if row.get(f"{figure}_after") is not None}
        for figure in ("cer", "ece")
    }


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`zorky-train finetune`."""
    parser = subparsers.add_parser(
        "finetune", help="tune the recogniser on corrected lines and judge it; status 3 if refused; can be stopped"
    )
    parser.add_argument("--model", type=Path, default=zorky_models.ROOT / "handwriting", help="the model that serves")
    parser.add_argument("--output", type=Path, required=True, help="folder for the tuned model; it must not exist")
    parser.add_argument("--version", help="of the tuned model (default: the next after the model's)")
    add_evidence_options(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    if not arguments.fonts.is_dir():
        fetch(arguments.fonts)
    try:
        version = arguments.version or next_version(load_model(arguments.model).identity.version)
        verdict = finetune(
            arguments.model,
            arguments.shipped,
            arguments.corrections,
            arguments.output,
            version,
            sources_named(arguments),
            evidence_named(arguments),
        )
    except (BadModel, FileNotFoundError, FileExistsError, ValueError) as error:
        raise SystemExit(str(error)) from error
    say(verdict)
