"""`zorky-train judge`: whether a tuned model may take the place of the one that serves, and why not.

Both read the same pictures through the code that serves, language model included. Lines that are drawn anew from those
that were read (the bootstrap) tell how much of a difference is luck.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rich.console import Console
from rich.progress import track

import zorky_models
from zorky_server.tasks.handwriting.model import BadModel, load_model

from .accuracy import accuracy
from .calibrate import read_lines
from .charset import loosen
from .evidence import CORRECTIONS, Evidence, gather
from .lines import Sources
from .measure import rounded, write
from .reading import Read, Zorky
from .reliability import expected_error
from .samples import Sample

LEAST_LINES = 30
"""Of a set: fewer are too few for the bootstrap, which takes them for all that people write."""
SURE = 0.95
"""Chance, by the bootstrap, that the tuned model reads held-out corrections better."""
MOST_FORGOTTEN = 0.005
"""CER that a language of the frozen set may lose against the shipped model: against the one before, each version could
lose as much again."""
BEYOND_LUCK = 0.8
"""Chance, by the bootstrap, that more was lost: a few edits in a small set refuse nothing."""
LEAST_WORDS = 200
"""Of fewer words, the expected calibration error is mostly noise."""
MOST_OVERSURE = 0.03
"""By how much the expected calibration error may grow."""
REFUSED = 3
"""Exit status."""
_RESAMPLINGS = 2000


@dataclass(frozen=True)
class Verdict:
    """reasons: sentences with figures, why it was promoted or why not. figures: for JSON, without texts."""

    promoted: bool
    reasons: list[str]
    figures: dict[str, Any]


@dataclass(frozen=True)
class Compared:
    """The same pictures, n >= 1 in the same order, as two models read them."""

    before: Sequence[Read]
    after: Sequence[Read]

    def figures(self) -> dict[str, Any]:
        """CER and expected calibration error of words (None of too few) by either; chances that CER fell, and that it
        rose by more than MOST_FORGOTTEN."""
        row: dict[str, Any] = {"lines": sum(read.sample.truth.strip().count("\n") + 1 for read in self.before)}
        for when, reads in (("before", self.before), ("after", self.after)):
            row |= {f"cer_{when}": accuracy(reads).cer, f"ece_{when}": _calibration_error(reads)}
        changes = self._resampled_changes()
        row |= {"better": float((changes < 0).mean()), "forgotten": float((changes > MOST_FORGOTTEN).mean())}
        return rounded(row)

    def _resampled_changes(self) -> NDArray[np.float64]:
        """By how much CER rises from before to after, in pictures drawn anew from these."""
        edits = _edits(self.after) - _edits(self.before)
        characters = np.array([len(loosen(read.sample.truth)) for read in self.before])
        count = len(edits)
        drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), _RESAMPLINGS)
        return np.asarray((drawn @ edits) / (drawn @ characters), np.float64)


def compared(before: Path, after: Path, samples: Sequence[Sample]) -> Compared:
    """The samples as the models in two folders read them. Raises BadModel."""
    systems = [Zorky(load_model(folder)) for folder in (before, after)]
    return Compared(*([system.read(sample) for sample in track(samples, "reading")] for system in systems))


def judge(before: Path, after: Path, shipped: Path, evidence: Evidence) -> Verdict:
    """Whether the model in the folder `after` may replace that in `before`. shipped: the folder of the model that both
    come from. Raises BadModel."""
    lines = len(evidence.corrected)
    if lines < LEAST_LINES:
        return Verdict(False, [_too_few(lines)], {CORRECTIONS: {"lines": lines}})
    return decided(
        {
            name: compared(before if name == CORRECTIONS else shipped, after, samples).figures()
            for name, samples in evidence.sets.items()
        }
    )


def decided(figures: dict[str, Any]) -> Verdict:
    """The verdict on `Compared.figures` by set: of the corrections, and of frozen sets."""
    faults = [*_gain_faults(figures[CORRECTIONS]), *_frozen_faults(figures), *_confidence_faults(figures)]
    return Verdict(not faults, faults or [f"{_gain(figures[CORRECTIONS])}."], figures)


def _too_few(lines: int) -> str:
    """A gain on writers who were trained on says nothing of others, so a single writer never gets a model through."""
    if not lines:
        return (
            "Too few to tell: no lines corrected by writers that it has not learnt from. "
            "At least two writers are needed, one of them to judge by."
        )
    return f"Too few to tell: {lines} lines corrected by writers that it has not learnt from, {LEAST_LINES} are needed."


def _gain(row: Mapping[str, Any]) -> str:
    return (
        f"Corrections by other writers, {row['lines']} lines: CER {row['cer_before']:.4f} before, "
        f"{row['cer_after']:.4f} after, better with a chance of {row['better']:.3f}"
    )


def _gain_faults(row: Mapping[str, Any]) -> list[str]:
    return [] if row["better"] >= SURE else [f"{_gain(row)}; {SURE} is needed."]


def _frozen_faults(figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    frozen = {name: row for name, row in figures.items() if name != CORRECTIONS and row["lines"] >= LEAST_LINES}
    if not frozen:
        return [f"No telling what it forgets: --frozen must name at least {LEAST_LINES} lines in one language."]
    return [
        f"It forgets ({name}, {row['lines']} lines): CER {row['cer_before']:.4f} as shipped, {row['cer_after']:.4f} "
        f"after; a loss of {MOST_FORGOTTEN} is allowed."
        for name, row in frozen.items()
        if row["forgotten"] > BEYOND_LUCK
    ]


def _confidence_faults(figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [
        f"Its confidences are less true ({name}): expected error {row['ece_before']:.3f} before, "
        f"{row['ece_after']:.3f} after; {MOST_OVERSURE} more is allowed."
        for name, row in figures.items()
        if None not in (row["ece_before"], row["ece_after"]) and row["ece_after"] - row["ece_before"] > MOST_OVERSURE
    ]


def _edits(reads: Sequence[Read]) -> NDArray[np.int64]:
    """Edits (n) of each picture's reading."""
    pairs = ((loosen(read.sample.truth), loosen(read.text)) for read in reads)
    return np.array([Levenshtein.distance(truth, text) for truth, text in pairs], np.int64)


def _calibration_error(reads: Sequence[Read]) -> float:
    """Of the words' confidences; nan where there are fewer than LEAST_WORDS."""
    lines = read_lines("", reads)
    confidence = np.array([one for line in lines for one in line.served], np.float64)
    right = np.array([one for line in lines for one in line.right], np.float64)
    return expected_error(confidence, right) if len(right) >= LEAST_WORDS else float("nan")


def add_evidence_options(parser: argparse.ArgumentParser) -> None:
    """--shipped, and the options of `evidence_named`."""
    data = os.environ.get("ZORKY_DATA")
    parser.add_argument(
        "--shipped",
        type=Path,
        default=zorky_models.ROOT / "handwriting",
        help="folder of the model that both come from",
    )
    parser.add_argument("--corrections", type=Path, required=True, help="data set of corrected lines: train/ and test/")
    parser.add_argument(
        "--frozen", type=Path, action="append", default=[],
        help="labelled folder that must not be read worse, as `evaluate` takes it; may be given several times "
        "(default: lines drawn by hands never trained on)",
    )  # fmt: skip
    parser.add_argument("--fonts", type=Path, default=Path("runs/fonts"), help="where `zorky-train fonts` put them")
    parser.add_argument(
        "--data", type=Path, default=Path(data) if data else None, help="folder with train/ (default: $ZORKY_DATA)"
    )


def sources_named(arguments: argparse.Namespace) -> Sources:
    """What lines are drawn from, by --fonts and --data."""
    return Sources(arguments.fonts, arguments.data / "train" if arguments.data else None)


def evidence_named(arguments: argparse.Namespace) -> Evidence:
    """The evidence that the options name. Raises SystemExit with what is missing."""
    try:
        return gather(arguments.corrections, arguments.frozen, sources_named(arguments))
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(str(error)) from error


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`zorky-train judge`."""
    parser = subparsers.add_parser("judge", help="whether a tuned model may replace the one before; status 3 if not")
    parser.add_argument("--before", type=Path, required=True, help="folder of the model that serves")
    parser.add_argument("--after", type=Path, required=True, help="folder of the tuned model")
    add_evidence_options(parser)
    parser.add_argument("--json", type=Path, help="also write verdict and figures here")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    try:
        verdict = judge(arguments.before, arguments.after, arguments.shipped, evidence_named(arguments))
    except BadModel as error:
        raise SystemExit(str(error)) from error
    if arguments.json:
        write(arguments.json, asdict(verdict))
    say(verdict)


def say(verdict: Verdict) -> None:
    """Prints it. Raises SystemExit with REFUSED where it is no."""
    heading = "promoted" if verdict.promoted else "refused"
    Console().print(heading, *verdict.reasons, sep="\n", highlight=False, soft_wrap=True)
    if not verdict.promoted:
        raise SystemExit(REFUSED)
