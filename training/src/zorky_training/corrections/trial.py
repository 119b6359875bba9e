"""How right the labels are that people's corrections give: drawn pages, synthetic people, the code that serves."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from google.protobuf.json_format import MessageToJson
from rich.console import Console
from rich.progress import track
from rich.table import Table

import zorky_models
from zorky_server.rpc.answers import recognition_of
from zorky_server.runtime.engine import drive
from zorky_server.runtime.sessions import OnnxSession
from zorky_server.store import Consented
from zorky_server.tasks.handwriting.model import load_model
from zorky_server.tasks.handwriting.picture import Limits
from zorky_server.tasks.handwriting.reader import Reader
from zorky_server.tasks.handwriting.values import ReadOptions

from ..charset import fold, loosen
from ..lines import Sources
from ..pages import Page, PageEngine
from .dataset import corrected_lines
from .labels import Reason
from .people import Person, SeenPage, honest, lazy, poisoner, seen_page, vandal
from .readings import read_lines

_PEOPLE: dict[str, Person] = {"honest": honest, "lazy": lazy, "vandal": vandal, "poisoner": poisoner}
_SEED = 77
_PAGES_EACH = 5
"""Pages of one person."""
_HOUR = 3_600_000_000


@dataclass(frozen=True, slots=True)
class ReadPage:
    """A drawn page as it was read, and its reading as the store keeps it."""

    seen: SeenPage
    reading: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the corrections of one kind of people. pairs: of every line that is kept, what stands there and its
    label, both as readings are compared."""

    pairs: Sequence[tuple[str, str]]
    left_out: Counter[Reason]

    @property
    def right(self) -> int:
        """Labels that are exactly what stands there."""
        return sum(truth == label for truth, label in self.pairs)


def read_pages(pages: Iterable[Page]) -> Iterator[ReadPage]:
    """Reads drawn pages as the server does."""
    model = load_model(zorky_models.ROOT / "handwriting")
    reader = Reader(model, Limits())
    sessions = {part: OnnxSession(getattr(model, part), 1) for part in ("detector", "recognizer")}
    for page in pages:
        file = cv2.imencode(".jpg", cv2.cvtColor(page.picture, cv2.COLOR_RGB2BGR))[1].tobytes()
        reading = MessageToJson(recognition_of(drive(reader.read(file, ReadOptions()), sessions)))
        yield ReadPage(seen_page(read_lines(reading), page.bands), reading)


def outcome(pages: Sequence[ReadPage], person: Person) -> Outcome:
    """What people of one kind make of the pages, a few pages each."""
    rng = np.random.default_rng(_SEED)
    pieces = [
        Consented("", f"{number}", f"{number // _PAGES_EACH:064}", number * _HOUR, "", page.reading, f"{number}", said)
        for number, page in enumerate(pages)
        for said in person(page.seen, rng)
    ]
    lines, left_out = corrected_lines(pieces)
    truths = [pages[int(line.result_id)].seen.truth_at(line.label.quad) for line in lines]
    labels = [line.label.text for line in lines]
    pairs = [(loosen(fold(truth)), loosen(fold(label))) for truth, label in zip(truths, labels, strict=True)]
    return Outcome(pairs, left_out)


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    data = os.environ.get("ZORKY_DATA")
    parser = subparsers.add_parser("corrections-trial", help="how right labels by synthetic people on drawn pages are")
    parser.add_argument("--pages", type=int, default=60)
    parser.add_argument("--fonts", type=Path, default=Path("runs/fonts"), help="where `zorky-train fonts` put them")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(data) / "train" if data else None,
        help="more hands (default: $ZORKY_DATA/train)",
    )
    parser.add_argument("--show", type=int, default=0, help="print this many wrong labels of each kind below the truth")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    engine = PageEngine(Sources(arguments.fonts, arguments.data), _SEED)
    drawn = (engine.page(number) for number in range(arguments.pages))
    pages = list(track(read_pages(drawn), "reading", total=arguments.pages))
    outcomes = {name: outcome(pages, person) for name, person in _PEOPLE.items()}
    table = Table("people", "lines read", "kept", "right", "share")
    for name, one in outcomes.items():
        kept = len(one.pairs)
        read = sum(len(page.seen.lines) for page in pages)
        table.add_row(name, f"{read}", f"{kept}", f"{one.right}", f"{one.right / max(1, kept):.3f}")
    console = Console()
    console.print(table)
    for name, one in outcomes.items():
        counts = ", ".join(f"{number} {reason.name.lower()}" for reason, number in one.left_out.most_common())
        console.print(f"{name} people's lines left out: {counts}", highlight=False)
        wrong = [(truth, label) for truth, label in one.pairs if truth != label]
        for truth, label in wrong[: arguments.show]:
            console.print(f"  {truth}\n  [bold]{label}[/bold]", highlight=False)
