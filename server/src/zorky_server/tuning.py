"""Measures this machine: how many workers, and how large batches, read the most pictures a second."""

from __future__ import annotations

import asyncio
import os
import random
import re
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median
from time import monotonic, process_time
from typing import Any

import cv2
import numpy as np

from . import process
from .metrics import Metrics
from .models import Loaded, Models
from .runtime.engine import Engine
from .runtime.providers import ProviderMissing
from .settings import Settings
from .tasks.handwriting.model import BadModel
from .tasks.handwriting.values import BadPicture, ReadOptions

_BUDGETS = (24 * 1024, 48 * 1024, 96 * 1024, 192 * 1024)
_LIKE = 0.97
"""Of the best rate: what reaches it may have had bad luck alone."""
_ALONE = 1 / 3
"""Of the time of a measurement; in the rest the machine is saturated."""
_BUSY = 0.8
"""Of a core for each worker: who gets less shares the machine with others."""
_PAGES = 6
_HEAD = f"{'workers':>7} {'batch_pixels':>13} {'pictures/s':>11} {'cores':>6} {'seconds alone':>14}"


class CannotTune(Exception):
    """Raised when there is nothing to measure with, or the settings file cannot be written; the message says why."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one pair of settings reaches."""

    workers: int
    batch_pixels: int
    rate: float
    """Pictures a second at saturation."""
    cores: float
    """Processor time a second at saturation."""
    alone: float
    """Seconds for a picture that is alone: the median."""

    def __str__(self) -> str:
        return f"{self.workers:7} {self.batch_pixels:13,} {self.rate:11.2f} {self.cores:6.2f} {self.alone:14.3f}"


async def tuned(
    settings: Settings, pictures: Sequence[bytes], seconds: float, tell: Callable[[str], None]
) -> dict[str, int]:
    """The settings that suit this machine best, by name.

    pictures: files of pages to measure with. seconds: how long that takes, about. tell: gets a line of the table as
    soon as it is measured. Raises CannotTune.
    """
    counts = worker_counts(len(os.sched_getaffinity(0)))
    each = seconds / (len(counts) + len(_BUDGETS))

    async def measured(workers: int, batch_pixels: int) -> Measured:
        one = await _measured(workers, batch_pixels, settings, pictures, each)
        tell(str(one))
        return one

    process.prepare()
    tell(_HEAD)
    usual = Settings.model_fields["batch_pixels"].default
    try:
        by_workers = [await measured(workers, usual) for workers in counts]
        workers = best(by_workers, by_workers[-1]).workers
        by_budget = [await measured(workers, budget) for budget in _BUDGETS]
    except (BadModel, BadPicture, ProviderMissing) as error:
        raise CannotTune(str(error)) from error
    chosen = best(by_budget, by_budget[_BUDGETS.index(usual)])
    if any(one.cores < _BUSY * one.workers for one in (*by_workers, *by_budget)):
        tell("The workers had less than a core each: where other programs run, measure again without them.")
    return {"workers": chosen.workers, "batch_pixels": chosen.batch_pixels}


def worker_counts(cores: int) -> list[int]:
    """How many workers to try: the powers of two below the number of cores, and that."""
    return [*(2**power for power in range((cores - 1).bit_length())), cores]


def best(measured: Sequence[Measured], usual: Measured) -> Measured:
    """The highest rate. Among those that are as good as that: the usual one, else the one that is fastest alone."""
    enough = _LIKE * max(one.rate for one in measured)
    return usual if usual.rate >= enough else min((m for m in measured if m.rate >= enough), key=lambda m: m.alone)


def drawn_pages() -> list[bytes]:
    """Photos of pages, drawn here: (960, 1280) JPEG files with 4 to 14 lines."""
    draw = random.Random(0)
    return [_drawn_page(draw, lines) for lines in np.linspace(4, 14, _PAGES).astype(int).tolist()]


def change_file(file: Path, chosen: dict[str, int]) -> None:
    """Writes the chosen settings into a settings file, new or not; what else stands in it stays. Raises CannotTune."""
    try:
        text = _changed(file.read_text("utf-8") if file.exists() else "", chosen)
        draft = file.with_name(f"{file.name}.new")
        draft.write_text(text, "utf-8")
        draft.replace(file)
    except (OSError, ValueError) as error:  # not to be written, not UTF-8, not TOML
        raise CannotTune(f"cannot write {file}: {error}") from error


def _changed(file: str, chosen: dict[str, int]) -> str:
    """The text of a settings file with the chosen settings in it. Raises ValueError when that cannot be done."""
    before = tomllib.loads(file)
    if file and not file.endswith("\n"):
        file += "\n"
    for name, value in chosen.items():
        line = f"{name} = {value}\n"
        file = re.sub(rf"^{name}\s*=.*\n", line, file, count=1, flags=re.MULTILINE) if name in before else file + line
    if _values(file) != before | chosen:
        raise ValueError("its lines cannot be told apart")
    return file


def _values(file: str) -> dict[str, Any]:
    """Nothing where it is no TOML any more."""
    try:
        return tomllib.loads(file)
    except tomllib.TOMLDecodeError:
        return {}


async def _measured(
    workers: int, batch_pixels: int, settings: Settings, pictures: Sequence[bytes], seconds: float
) -> Measured:
    tried = settings.model_copy(update={"workers": workers, "batch_pixels": batch_pixels})
    loaded, again = Models(tried, Metrics()).current, cycle(pictures)
    async with _working(tried) as engine:
        alone = await _seconds_alone(engine, loaded, again, _ALONE * seconds)
        began, spent = monotonic(), process_time()
        rate = await _rate(engine, loaded, again, (1 - _ALONE) * seconds, 2 * workers + 2)
        cores = (process_time() - spent) / (monotonic() - began)
    return Measured(workers, batch_pixels, rate, cores, alone)


@asynccontextmanager
async def _working(settings: Settings) -> AsyncIterator[Engine]:
    engine = Engine(
        workers=settings.workers,
        budget=settings.batch_pixels,
        max_pending=4 * settings.workers + 4,
        metrics=Metrics(),
    )
    engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def _seconds_alone(engine: Engine, loaded: Loaded, pictures: Iterator[bytes], seconds: float) -> float:
    end, taken = monotonic() + seconds, [await _read(engine, loaded, next(pictures))]
    while monotonic() < end:
        taken.append(await _read(engine, loaded, next(pictures)))
    return median(taken)


async def _rate(engine: Engine, loaded: Loaded, pictures: Iterator[bytes], seconds: float, at_once: int) -> float:
    """Pictures a second from the first answer on, by which time every worker is busy."""
    end, done = monotonic() + seconds, list[float]()

    async def client() -> None:
        while monotonic() < end or len(done) < 2:
            await _read(engine, loaded, next(pictures))
            done.append(monotonic())

    await asyncio.gather(*(client() for _ in range(at_once)))
    saturated = [moment for moment in done[2:] if moment <= end]
    return (1 + len(saturated)) / ([*done[:2], *saturated][-1] - done[0])


async def _read(engine: Engine, loaded: Loaded, picture: bytes) -> float:
    outcome = await engine.run(loaded.reader.read(picture, ReadOptions()), loaded.sessions)
    return outcome.total


def _drawn_page(draw: random.Random, lines: int) -> bytes:
    page = np.full((960, 1280, 3), 235, np.uint8)
    height = 880 / lines
    scale = min(1.6, height / 60)
    for i in range(lines):
        at = (40, round(40 + height * (i + 0.7)))
        cv2.putText(page, _words(draw), at, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX, scale, (90, 50, 40), 2, cv2.LINE_AA)
    return cv2.imencode(".jpg", page)[1].tobytes()


def _words(draw: random.Random) -> str:
    return " ".join("".join(draw.choices("aceilmnorstu", k=draw.randint(2, 9))) for _ in range(draw.randint(3, 12)))
