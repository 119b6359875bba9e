"""Other systems that read pictures, side by side with Zorky. All are optional: what is absent is said in one line."""

from __future__ import annotations

import argparse
import csv
import io
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

import zorky_models
from zorky_server.tasks.handwriting.model import load_model
from zorky_server.tasks.handwriting.values import Layout

from . import report
from .measure import Row, accuracy_row, write
from .reading import Read, System, Zorky, cpu_seconds
from .samples import Sample, SampleSet, dev_samples

MOST = 24
"""Pictures of each set that are read, if not all are: RapidOCR takes seconds for a crop."""


class NotHere(Exception):
    """A system cannot run on this machine; the message says what is missing."""


class Tesseract:
    """The command `tesseract` with Russian and English, one core. Its time includes its start, for it has no server."""

    _WORD = "5"
    """The level of a row of its TSV that holds a word."""

    def __init__(self, page_mode: int) -> None:
        """page_mode: how pages are cut into lines: 3 finds columns, 6 takes the page for one block of text.

        Raises NotHere without the command or its Russian data.
        """
        if not shutil.which("tesseract"):
            raise NotHere("Tesseract: not installed (apt install tesseract-ocr tesseract-ocr-rus)")
        if "rus" not in _output(["tesseract", "--list-langs"]).split():
            raise NotHere("Tesseract: without Russian (apt install tesseract-ocr-rus)")
        release = _output(["tesseract", "--version"]).split()[1]
        self._modes = {Layout.PAGE: page_mode, Layout.LINE: 7, Layout.WORD: 8}
        self._pages_alone = page_mode != 3
        self.name = f"Tesseract {release}" + (f", psm {page_mode}" if self._pages_alone else "")

    def reads(self, layout: Layout) -> bool:
        return layout is Layout.PAGE or not self._pages_alone

    def read(self, sample: Sample) -> Read:
        started = cpu_seconds()
        mode = str(self._modes[sample.layout])
        table = _output(["tesseract", "stdin", "stdout", "-l", "rus+eng", "--psm", mode, "tsv"], sample.file)
        seconds = cpu_seconds() - started
        rows = csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE)
        return Read(sample, " ".join(row["text"] for row in rows if row["level"] == self._WORD), seconds)


class RapidOcr:
    """The package `rapidocr` with its own models and its whole pipeline, one core. They know no Cyrillic."""

    def __init__(self) -> None:
        try:
            from rapidocr import RapidOCR  # optional, and slow to import
        except ImportError as missing:
            raise NotHere("RapidOCR: not installed (pip install rapidocr)") from missing
        threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
        self._engine: Callable[[bytes], Any] = RapidOCR(params={"Global.log_level": "critical", **threads})
        self.name = f"RapidOCR {version('rapidocr')}"

    def reads(self, layout: Layout) -> bool:
        return layout in Layout

    def read(self, sample: Sample) -> Read:
        started = cpu_seconds()
        texts = self._engine(sample.file).txts or ()
        return Read(sample, "\n".join(texts), cpu_seconds() - started)


class EasyOcr:
    """The package `easyocr` with Russian and English, if its weights are on the disk: nothing is fetched."""

    def __init__(self) -> None:
        try:
            import easyocr  # type: ignore[import-not-found, unused-ignore]  # optional
        except ImportError as missing:
            raise NotHere("EasyOCR: not installed (pip install easyocr)") from missing
        except RuntimeError as unfit:
            raise NotHere("EasyOCR: its torchvision does not fit the torch that is installed") from unfit
        try:
            self._reader = easyocr.Reader(["ru", "en"], gpu=False, download_enabled=False, verbose=False)
        except FileNotFoundError as missing:
            raise NotHere("EasyOCR: installed, but without weights") from missing
        self.name = f"EasyOCR {version('easyocr')}"

    def reads(self, layout: Layout) -> bool:
        return layout in Layout

    def read(self, sample: Sample) -> Read:
        started = cpu_seconds()
        texts = self._reader.readtext(sample.file, detail=0)
        return Read(sample, "\n".join(texts), cpu_seconds() - started)


def peers(say: Callable[[str], None]) -> Iterator[System]:
    """The systems that can run here; `say` is given a line about each of the others."""
    makers: list[Callable[[], System]] = [lambda: Tesseract(3), lambda: Tesseract(6), RapidOcr, EasyOcr]
    said = set()
    for make in makers:
        try:
            yield make()
        except NotHere as reason:
            if str(reason) not in said:
                say(str(reason))
            said.add(str(reason))


def compare(systems: Sequence[System], sets: Sequence[SampleSet], most: int | None) -> list[Row]:
    """A row for each set and system. Each picture is read by all systems in turn; of larger sets `most` are read.

    The first system is what the others' times are divided by.
    """
    rows = []
    for one in sets:
        samples = one.samples[:: -(-len(one.samples) // most)] if most else one.samples
        able = [system for system in systems if system.reads(samples[0].layout)]
        reads = [[system.read(sample) for system in able] for sample in track(samples, one.name)]
        found = [accuracy_row(one.name, of_system) for of_system in zip(*reads, strict=True)]
        for system, row in zip(able, found, strict=True):
            rows.append(row | {"system": system.name, "ratio": row["seconds"] / max(found[0]["seconds"], 1e-4)})
    return rows


def _output(command: list[str], given: bytes = b"") -> str:
    environment = os.environ | {"OMP_THREAD_LIMIT": "1"}
    done = subprocess.run(command, input=given, check=True, capture_output=True, env=environment)
    return done.stdout.decode()


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    data = os.environ.get("ZORKY_DATA")
    parser = subparsers.add_parser("peers", help="score Zorky beside other systems that are installed")
    parser.add_argument(
        "--data", type=Path, default=Path(data) if data else None, help="folder with dev/ (default: $ZORKY_DATA)"
    )
    parser.add_argument("--model", type=Path, default=zorky_models.ROOT / "handwriting", help="a model's folder")
    parser.add_argument("--all", action="store_true", help=f"all pictures, not about {MOST} of each set")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--report", type=Path, help=f"renew this page; figures go to {report.RESULTS}")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    if not arguments.data:
        raise SystemExit("name the measuring data by --data or ZORKY_DATA")
    absent, most = list[str](), None if arguments.all else MOST
    zorky = Zorky(load_model(arguments.model))
    systems = [zorky, *peers(absent.append)]
    console = Console()
    for line in absent:
        console.print(line)
    rows = compare(systems, dev_samples(arguments.data / "dev"), most)
    console.print(report.on_screen(report.peers_table(rows)))
    for path in filter(None, (arguments.json, arguments.report and report.RESULTS / "peers.json")):
        write(path, {"model": asdict(zorky.identity), "most": most, "absent": absent, "rows": rows})
    if arguments.report:
        report.write(arguments.report)
