"""Scores readings of labelled pictures: those of the code that serves, and, fast, those of a network in training."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rich.console import Console
from rich.progress import track

import zorky_models
from zorky_server.tasks.handwriting.model import load_model
from zorky_server.tasks.handwriting.strip import padded_width, strip_from_crop, strip_tensor

from . import report
from .charset import CHARSET, decode, loosen
from .drawn_samples import drawn_samples
from .lines import Sources
from .measure import Reads, Row, accuracy_rows, confidence_rows, fitted_confidence, served_confidence, write
from .reading import Read, System, Zorky, model_with
from .real import read_labels, read_picture
from .report import accuracy_table, confidence_table, on_screen
from .samples import SampleSet, dev_samples, labelled, turned

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Strips (N, 3, 48, W) -> scores (N, T, classes)."""

_SETS = {"ru_lines": "ru_pages", "ru_words": "ru_words", "en_lines": "en_lines", "printed": "printed"}
"""Names of the table's rows and the folders of the measuring data that hold them."""


@dataclass(frozen=True)
class Score:
    """cer: edits by characters of the truth; exact: share of crops read without an edit; both in [0, 1]."""

    name: str
    crops: int
    characters: int
    cer: float
    exact: float


class DevLines:
    """A folder's crops, read into strips once, for greedy CTC. Pages (texts of several lines) and foreign letters are
    left out."""

    def __init__(self, name: str, folder: Path, most: int | None = None) -> None:
        """most: read no more than this many, evenly spread over the folder."""
        self.name = name
        labels = [(path, text) for path, text in read_labels(folder) if _scored(text)]
        labels = labels[:: max(1, len(labels) // most)] if most else labels
        self.texts = [text for _, text in labels]
        self.strips = [strip_from_crop(read_picture(path)) for path, _ in labels]

    def read(self, network: Network) -> list[str]:
        readings = []
        for strip in self.strips:
            scores = network(strip_tensor(strip, padded_width(strip.shape[1]))[None])[0]
            readings.append(decode(scores.argmax(1).tolist()).strip())
        return readings

    def score(self, network: Network) -> Score:
        pairs = [(loosen(truth), loosen(read)) for truth, read in zip(self.texts, self.read(network), strict=True)]
        characters = sum(len(truth) for truth, _ in pairs)
        edits = sum(Levenshtein.distance(truth, read) for truth, read in pairs)
        exact = float(np.mean([truth == read for truth, read in pairs]))
        return Score(self.name, len(pairs), characters, edits / characters, exact)


def _scored(text: str) -> bool:
    return "\\n" not in text and set(text) <= _KNOWN


_KNOWN = set(CHARSET) | set("„“–…")


def dev_sets(root: Path, most: int | None = None) -> list[DevLines]:
    """The sets found below the measuring data's folder, of each at most about `most` crops."""
    found = {name: root / folder for name, folder in _SETS.items() if (root / folder / "labels.tsv").exists()}
    return [DevLines(name, folder, most) for name, folder in found.items()]


def onnx_network(path: Path, threads: int = 1) -> Network:
    """An exported recogniser as a function."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(strips: NDArray[np.float32]) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = session.run(None, {"x": strips})[0]
        return scores

    return run


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    data = os.environ.get("ZORKY_DATA")
    parser = subparsers.add_parser("evaluate", help="score labelled pictures through the code that serves")
    parser.add_argument(
        "folders", type=Path, nargs="*", help="with labels.tsv or .txt files beside pictures; none: the measuring data"
    )
    parser.add_argument("--held-out", type=int, default=0, help="also this many lines drawn by hands never trained on")
    parser.add_argument("--fonts", type=Path, default=Path("runs/fonts"), help="where `zorky-train fonts` put them")
    parser.add_argument(
        "--data", type=Path, default=Path(data) if data else None, help="with train/ and dev/ (default: $ZORKY_DATA)"
    )
    parser.add_argument("--model", type=Path, default=zorky_models.ROOT / "handwriting", help="a model's folder")
    parser.add_argument("--recognizer", type=Path, help="an exported recognizer.onnx in place of the model's")
    parser.add_argument("--show", type=int, default=0, help="print this many readings of each set below the truth")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--plots", type=Path, help="also draw the plots into this folder")
    parser.add_argument("--report", type=Path, help=f"write this page, with its plots; figures go to {report.RESULTS}")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    if arguments.report and (arguments.folders or arguments.recognizer):
        raise SystemExit("the report is of a model as it is shipped, on the measuring data")
    console, zorky = Console(), Zorky(model_with(load_model(arguments.model), arguments.recognizer))
    sets = _sets(arguments)
    real, drawn = _read(zorky, sets), _read(zorky, _drawn(arguments))
    upside = {} if arguments.folders else _read(zorky, [turned(sets[0])])
    every = {"all": [read for reads in drawn.values() for read in reads]} if drawn else {}
    results = {
        "model": asdict(zorky.identity),
        "sets": accuracy_rows({**real, **upside}),
        "confidence": _confidence(real, fitted=not arguments.folders),
        "held_out": accuracy_rows({**drawn, **every}),
        "held_out_confidence": served_confidence(every),
    }
    _show(results, console)
    for reads in real.values() if arguments.show else []:
        for read in reads[: arguments.show]:
            console.print(f"{read.sample.truth}\n[bold]{read.text}[/bold]", highlight=False)
    for path in filter(None, (arguments.json, arguments.report and report.RESULTS / "accuracy.json")):
        write(path, results)
    if arguments.plots:
        report.draw(results, None, arguments.plots)
    if arguments.report:
        report.write(arguments.report)


def _confidence(real: Reads, fitted: bool) -> list[Row]:
    """fitted: these are the readings that calibrations are fitted on."""
    return [*confidence_rows(real), fitted_confidence(real)] if fitted else served_confidence(real)


def _sets(arguments: argparse.Namespace) -> list[SampleSet]:
    """What is read: the folders named, or the measuring data."""
    try:
        named = [SampleSet(folder.name, labelled(folder)) for folder in arguments.folders]
    except FileNotFoundError as error:
        raise SystemExit(str(error)) from error
    if named:
        return named
    if not arguments.data:
        raise SystemExit("name a labelled folder, or the measuring data by --data or ZORKY_DATA")
    return dev_samples(arguments.data / "dev")


def _drawn(arguments: argparse.Namespace) -> list[SampleSet]:
    if not arguments.held_out:
        return []
    train = arguments.data / "train" if arguments.data else None
    try:
        return drawn_samples(Sources(arguments.fonts, train), arguments.held_out)
    except ValueError as error:  # no fonts
        raise SystemExit(str(error)) from error


def _read(system: System, sets: list[SampleSet]) -> dict[str, list[Read]]:
    """The readings of each set, with a bar on the screen."""
    return {one.name: [system.read(sample) for sample in track(one.samples, one.name)] for one in sets}


def _show(results: dict[str, Any], console: Console) -> None:
    console.print(on_screen(accuracy_table(results["sets"])), on_screen(confidence_table(results["confidence"])))
    if results["held_out"]:
        console.print("synthetic lines by hands never trained on")
        console.print(on_screen(accuracy_table(results["held_out"])))
        console.print(on_screen(confidence_table(results["held_out_confidence"])))
