"""The owner's numbers over a million pictures

    python benchmarks/million.py [--full]

A year in which a million pictures were read (a hundred thousand in the quick form), a tenth of them with feedback, by a
twentieth as many users, in a store of SQLite's on the disk of the temporary folder. *Report* is the command
`zorky-server report` from its start to its end, *peak* its resident memory. *Feedback* is the time of
`Store.add_feedback` in a process of its own, with reports on the year beside it or not; of several callers each gives
feedback as soon as its last one is acknowledged. *CPU* is the processor time of one of either.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median, quantiles

from running import Check, Row, full, publish, script
from sqlalchemy import select
from sqlalchemy.ext.asyncio import create_async_engine
from traffic import life, write

from zorky_server.store import Feedback, Store, StorePlace, open_store
from zorky_server.store.schema import results

YEAR = 365
_MONTH = 30
_SECONDS = 10.0
"""For a report."""
_WRITE = 0.02
"""Seconds for feedback."""
_MEMORY = 300.0
"""MB for a report."""
_LIFETIME = 30 * 86400.0


@dataclass(frozen=True, slots=True)
class Reported:
    """What one run of the command took."""

    seconds: float
    cpu: float
    peak: float
    """MB."""


async def fill(folder: Path, pictures: int) -> tuple[int, int]:
    """Makes a store of a year until today. Returns how many pictures, and pieces of feedback, it holds."""
    await (await open_store(StorePlace(folder), _LIFETIME)).close()
    engine = create_async_engine(f"sqlite+aiosqlite:///{folder / 'zorky.sqlite3'}")
    first = datetime.now(UTC).date() - timedelta(days=YEAR - 1)
    async with engine.begin() as connection:
        counts = await write(connection, life(Random(0), first, YEAR, pictures, users=pictures // 20))
    await engine.dispose()
    return counts


def command(folder: Path, days: int) -> list[str]:
    """The command line of a report on so many days until today."""
    since = datetime.now(UTC).date() - timedelta(days=days - 1)
    flags = ["--data-dir", str(folder), "--since", str(since), "--format", "json", "--output", str(folder / "report")]
    return [str(script("zorky-server", "zorky-server")), "report", *flags]


def report(folder: Path, days: int) -> Reported:
    """Runs it. Raises CalledProcessError."""
    began, peak = time.monotonic(), 0.0
    process = subprocess.Popen(command(folder, days))
    while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
        peak = max(peak, _peak_memory(process.pid))
        time.sleep(0.005)
    _, status, usage = ended
    if status:
        raise subprocess.CalledProcessError(status, process.args)
    return Reported(time.monotonic() - began, usage.ru_utime + usage.ru_stime, peak)


def _peak_memory(pid: int) -> float:
    """MB, of what the process has been since it became this program: its rusage counts its parent's memory, too."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 / 1e6 if found else 0.0


@asynccontextmanager
async def reports_beside(folder: Path) -> AsyncIterator[list[int]]:
    """Runs reports on the year, one after the other, until the block ends; the list grows with their exit statuses."""
    ended = list[int]()

    async def again_and_again() -> None:
        while True:
            process = await asyncio.create_subprocess_exec(*command(folder, YEAR))
            try:
                ended.append(await process.wait())
            except asyncio.CancelledError:
                process.kill()
                await process.wait()
                raise

    running = asyncio.create_task(again_and_again())
    try:
        yield ended
    finally:
        running.cancel()
        await asyncio.wait([running])


async def feedback(store: Store, result_ids: Sequence[str], callers: int) -> list[float]:
    """Rates each result; the seconds that each rating took."""
    left, taken = iter(result_ids), list[float]()

    async def caller() -> None:
        for result_id in left:
            began = time.monotonic()
            await store.add_feedback(Feedback(uuid.uuid4().hex, result_id, rating="good"))
            taken.append(time.monotonic() - began)

    await asyncio.gather(*(caller() for _ in range(callers)))
    return taken


async def latest(store: Store, count: int) -> list[str]:
    """Ids of the results given last."""
    async with store.snapshot() as connection:
        ids = select(results.c.result_id).order_by(results.c.created_at.desc()).limit(count)
        return list(await connection.scalars(ids))


async def measured_feedback(folder: Path, count: int) -> list[Row]:
    """One caller and 16, without and with reports beside them; so many pieces of feedback each."""
    store = await open_store(StorePlace(folder), _LIFETIME)
    ids = await latest(store, count)

    async def row(name: str, callers: int) -> Row:
        began = time.process_time()
        seconds = await feedback(store, ids, callers)
        cpu = (time.process_time() - began) / count
        return _row(f"feedback, {name}", seconds, cpu, p95=quantiles(seconds, n=20, method="inclusive")[-1])

    rows = []
    for callers in (1, 16):
        rows.append(await row(f"{callers} at once", callers))
        async with reports_beside(folder) as ended:
            rows.append(await row(f"{callers} at once, reports beside", callers))
        if any(ended):
            raise RuntimeError("a report failed beside the writes")
    await store.close()
    return rows


def _row(
    what: str,
    seconds: Sequence[float],
    cpu: float,
    *,
    p95: float | None = None,
    slowest: float | None = None,
    peak: float | None = None,
) -> Row:
    return {
        "what": what, "times": len(seconds), "p50 s": median(seconds), "p95 s": p95, "slowest s": slowest,
        "CPU s": cpu, "peak MB": peak,
    }  # fmt: skip


def _reports(folder: Path, name: str, days: int, times: int) -> Row:
    runs = [report(folder, days) for _ in range(times)]
    seconds = [run.seconds for run in runs]
    cpu, peak = max(run.cpu for run in runs), max(run.peak for run in runs)
    return _row(f"report, {name}", seconds, cpu, slowest=max(seconds), peak=peak)


def _checks(rows: Sequence[Row]) -> Iterator[Check]:
    for row in rows:
        if str(row["what"]).startswith("report"):
            yield Check(f"{row['what']}: slowest, s", float(str(row["slowest s"])), "<=", _SECONDS)
            yield Check(f"{row['what']}: peak, MB", float(str(row["peak MB"])), "<=", _MEMORY)
        else:
            yield Check(f"{row['what']}: p95, s", float(str(row["p95 s"])), "<=", _WRITE)


def main(pictures: int, feedbacks: int) -> None:
    """Fills a store and publishes the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        began = time.monotonic()
        read, said = asyncio.run(fill(folder, pictures))
        print(f"{read:,} pictures and {said:,} pieces of feedback in {time.monotonic() - began:.0f} s", flush=True)
        rows = [_reports(folder, "a year", YEAR, 3), _reports(folder, "30 days", _MONTH, 3)]
        rows += asyncio.run(measured_feedback(folder, feedbacks))
    publish("million", rows, checks=[*_checks(rows)])


if __name__ == "__main__":
    main(1_010_000, 2000) if full() else main(100_000, 500)
