"""Character error rate of a recogniser on labelled folders of lines and words, greedy CTC."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rich.console import Console
from rich.table import Table

from zorky_server.tasks.handwriting.strip import padded_width, strip_from_crop, strip_tensor

from .charset import CHARSET, decode, loosen
from .real import read_labels, read_picture

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
    """A folder's crops, read into strips once. Pages (texts of several lines) and foreign letters are left out."""

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


def table(scores: Iterable[Score]) -> Table:
    drawn = Table("set", "crops", "characters", "CER", "exact")
    for score in scores:
        drawn.add_row(score.name, str(score.crops), str(score.characters), f"{score.cer:.3f}", f"{score.exact:.3f}")
    return drawn


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
    parser = subparsers.add_parser("evaluate", help="score a recogniser on labelled crops")
    parser.add_argument("--model", type=Path, required=True, help="an exported recognizer.onnx")
    parser.add_argument("--dev", type=Path, required=True, help="folder with ru_pages, ru_words, en_lines, printed")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--show", type=int, default=0, help="print this many readings of each set beside the truth")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    console, network = Console(), onnx_network(arguments.model)
    sets = dev_sets(arguments.dev)
    scores = [one.score(network) for one in sets]
    console.print(table(scores))
    for one in sets if arguments.show else []:
        for truth, read in list(zip(one.texts, one.read(network), strict=True))[: arguments.show]:
            console.print(f"{truth}\n[bold]{read}[/bold]", highlight=False)
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(score) for score in scores], indent=2) + "\n")
