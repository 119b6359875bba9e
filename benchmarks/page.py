"""One page at a time

    python benchmarks/page.py [--full]

Zorky's time is that of the whole call as its client sees it, connection kept open. RapidOCR runs in a process of its
own with its defaults, Tesseract (Russian and English) as a command that starts anew for each page and as a library
with its languages loaded. Tesseract is quick where it takes handwriting for no text at all, which its CER tells; it
does so less when told by `psm 6` that the page is one block. Of EasyOCR there are its two networks alone, converted by
us and with random weights, on the inputs that Zorky makes for its own: the time is theirs, and a text there is none.
Every system may use every core, and each page is read by all of them in turn.

The drawn pages are those of examples/, made larger or smaller; real ones are measured where $ZORKY_DATA names them.
Seconds are medians. CER is character error rate, compared as docs/quality.md says; RapidOCR's models know no Cyrillic.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import IO, Protocol, cast

from load import percentile
from ocr import SYSTEMS
from pages import HANDWRITTEN, page_sets
from running import Check, Plot, full, publish, server

from zorky_client import Client
from zorky_training.accuracy import accuracy
from zorky_training.reading import Read
from zorky_training.samples import Sample, SampleSet

FASTER = {"RapidOCR": 0.4, "Tesseract": 0.2}
"""At most so much of their time may Zorky take."""

SLOW = ("tesseract_one_block", "easyocr_networks")
"""Systems that the quick measurement does without."""


class System(Protocol):
    """Something that reads a page."""

    @property
    def name(self) -> str: ...

    def read(self, file: bytes) -> tuple[float, str | None]:
        """Seconds, and the text; None where there is nothing to compare."""
        ...


@dataclass(frozen=True)
class Zorky:
    """The server, asked by its client."""

    client: Client
    name: str = "Zorky"

    def read(self, file: bytes) -> tuple[float, str]:
        started = perf_counter()
        text = self.client.recognize(file).text
        return perf_counter() - started, text


@dataclass(frozen=True)
class Peer:
    """A system behind ocr.py, which it talks to."""

    said: IO[bytes]
    heard: IO[bytes]
    name: str

    def read(self, file: bytes) -> tuple[float, str | None]:
        self.said.write(len(file).to_bytes(8, "big") + file)
        self.said.flush()
        answer = json.loads(self.heard.readline())
        return answer["seconds"], answer["text"]


@dataclass
class Readings:
    """What one system did with one set of pages."""

    seconds: list[float] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    """By the page's name."""


@contextmanager
def peer(system: str) -> Iterator[Peer | None]:
    """Starts ocr.py; None when the system cannot run here, which is told."""
    command = [sys.executable, str(Path(__file__).parent / "ocr.py"), system]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        said, heard = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
        hello = json.loads(heard.readline())
        if "absent" in hello:
            print(hello["absent"])
        yield Peer(said, heard, hello["name"]) if "name" in hello else None
        said.close()


def measured(systems: Sequence[System], samples: Sequence[Sample], rounds: int) -> dict[str, Readings]:
    """Each system's readings; the first page is read once more, before any that counts."""
    found: dict[str, Readings] = defaultdict(Readings)
    for system in systems:
        system.read(samples[0].file)
    for sample in [*samples] * rounds:
        for system in systems:
            seconds, text = system.read(sample.file)
            found[system.name].seconds.append(seconds)
            if text is not None:
                found[system.name].texts[sample.name] = text
    return found


def rows_of(one: SampleSet, found: dict[str, Readings]) -> Iterator[dict[str, object]]:
    zorky = median(found["Zorky"].seconds)
    for system, readings in found.items():
        yield {
            "pages": one.name,
            "system": system,
            "calls": len(readings.seconds),
            "s": median(readings.seconds),
            "p95 s": percentile(readings.seconds, 95),
            "Zorky's time / its": zorky / median(readings.seconds),
            "CER": _cer(one.samples, readings.texts),
        }


def _cer(samples: Sequence[Sample], texts: dict[str, str]) -> float | None:
    return accuracy([Read(one, texts[one.name], 0.0) for one in samples]).cer if texts else None


def checks_of(rows: Sequence[dict[str, object]]) -> Iterator[Check]:
    """Zorky is so much faster on every set, and reads handwriting better than anything."""
    for row in rows:
        pages, system = row["pages"], str(row["system"])
        limit = FASTER.get(system.split()[0])
        if limit and "," not in system:  # as most of its users have it
            yield Check(f"{pages}: Zorky's time / {system}'s", float(str(row["Zorky's time / its"])), "<=", limit)
    for name in HANDWRITTEN:
        errors = {str(row["system"]): float(str(row["CER"])) for row in rows if row["pages"] == name and row["CER"]}
        if len(errors) > 1:
            ratio = errors.pop("Zorky") / min(errors.values())
            yield Check(f"{name}: Zorky's CER / the best of the others'", ratio, "<=", 1.0)


def main(thorough: bool) -> None:
    """Measures all systems on all sets and publishes the table."""
    with ExitStack() as stack:
        zorky = Zorky(stack.enter_context(Client(stack.enter_context(server()).address)))
        peers: list[Peer | None] = [stack.enter_context(peer(name)) for name in SYSTEMS if thorough or name not in SLOW]
        systems: list[System] = [zorky, *(one for one in peers if one)]
        rows = [
            row for one in page_sets() for row in rows_of(one, measured(systems, one.samples, 5 if thorough else 3))
        ]
    plot = Plot("bars", x="pages", y="Zorky's time / its", by="system")
    publish("page", rows, plot=plot, checks=list(checks_of(rows)))


if __name__ == "__main__":
    main(full())
