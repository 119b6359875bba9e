"""Saturation

    python benchmarks/saturation.py [--full]

As many callers as the first column says, each of whom sends a drawn 1280x960 page as soon as the one before is
answered. Every system reads the same pages with the same reader and the same models, on two cores:

- *unbatched*: a plain gRPC handler without our runtime: two threads with models of one core each, or one thread whose
  models take both cores;
- *mosec* and *Ray Serve*: two worker processes of one core each;
  mosec is asked over HTTP, Ray Serve through its gRPC ingress;
- *bare*: no server at all: two threads that give the models' sessions the tensors of these pages. The faster of its
  two ways is the limit.

The callers share the two cores; *callers* is the share of one core that they take. *In models* is the share of both
cores' time that Zorky spends inside the models' sessions, from its metrics. *CPU s* is the processor time of all of a
system's processes, a page. *Wrong* are answers that failed or whose text is not the one that Zorky gives alone. Rates
and seconds are medians over rounds, in each of which every system is started anew.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import median
from time import monotonic

from drawn import pages
from load import Answer, Effort, closed_loop, percentile
from running import Check, Plot, cpu_seconds, full, publish
from systems import CORES, HERE, SYSTEMS, ZORKY, Running, System, take_cores, zorky

from zorky.v1.recognition_service_pb2 import RecognizeResponse

Row = dict[str, object]
Place = tuple[int, str]
"""A number of callers and a system's name."""
Limits = dict[str, list[tuple[float, float]]]
"""By the way in which the sessions are given their tensors: pages a second and processor seconds a page, a round."""


@dataclass(frozen=True)
class Span:
    """What one system did with one number of callers."""

    rate: float
    """Right answers a second."""
    seconds: list[float]
    """Of each answer."""
    callers: float
    """Share of a core that the callers took."""
    cpu: float
    """Processor seconds of the system, a page."""
    in_models: float | None
    """Share of all cores' time."""
    wrong: int


async def span(running: Running, callers: int, seconds: float, texts: Mapping[bytes, str]) -> Span:
    """Loads a system for some seconds and until the last answer. texts: what it should say, by the request."""
    requests, right = cycle(texts), list[bool]()

    async def call() -> Answer:
        request = next(requests)
        answer = await running.call(request)
        right.append(answer.ok and text_of(answer) == texts[request])
        return answer

    began, cpu, effort = monotonic(), cpu_seconds(running.pid), Effort()
    in_models = running.in_models() if running.in_models else 0.0
    answers = await closed_loop(call, callers, seconds)
    elapsed, share = monotonic() - began, effort.share()
    return Span(
        rate=sum(right) / elapsed,
        seconds=[answer.seconds for answer in answers],
        callers=share,
        cpu=(cpu_seconds(running.pid) - cpu) / len(answers),
        in_models=(running.in_models() - in_models) / (CORES * elapsed) if running.in_models else None,
        wrong=len(right) - sum(right),
    )


def text_of(answer: Answer) -> str:
    """What was read."""
    return RecognizeResponse.FromString(answer.body).result.recognition.text


async def read_alone() -> dict[bytes, str]:
    """What Zorky reads when nothing else runs, by the request."""
    async with zorky() as running:
        return {request: text_of(await running.call(request)) for request in pages(1280)}


def bare(seconds: float) -> dict[str, tuple[float, float]]:
    """The limit's pages a second and processor seconds a page, by how the sessions are given their tensors."""
    command = [sys.executable, str(HERE / "bare.py"), str(seconds)]
    found: dict[str, tuple[float, float]] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return found


async def measured(
    systems: Mapping[str, System], concurrency: Sequence[int], seconds: float, rounds: int
) -> tuple[dict[Place, list[Span]], Limits]:
    """What every system did in every round, and the limit's figures."""
    spans: dict[Place, list[Span]] = defaultdict(list)
    limits: Limits = defaultdict(list)
    texts = await read_alone()
    for _ in range(rounds):
        for name, found in bare(seconds).items():
            limits[name].append(found)
        for name, system in systems.items():
            async with system() as running:
                for callers in concurrency:
                    spans[callers, name].append(await span(running, callers, seconds, texts))
    return spans, limits


def rows_of(spans: Mapping[Place, Sequence[Span]], limits: Limits) -> Iterator[Row]:
    rates = {place: median(one.rate for one in found) for place, found in spans.items()}
    limit = max(median(rate for rate, _ in found) for found in limits.values())
    most = max(callers for callers, _ in spans)
    for (callers, system), found in sorted(spans.items(), key=lambda item: item[0][0]):
        rate, times = rates[callers, system], [seconds for one in found for seconds in one.seconds]
        in_models = [one.in_models for one in found if one.in_models is not None]
        yield _ratios(callers, system, rate, rates[callers, ZORKY], limit) | {
            "p50 s": percentile(times, 50),
            "p95 s": percentile(times, 95),
            "CPU s": median(one.cpu for one in found),
            "in models": median(in_models) if in_models else None,
            "callers": median(one.callers for one in found),
            "wrong": sum(one.wrong for one in found),
        }
    for system, figures in limits.items():
        rate, cpu = (median(values) for values in zip(*figures, strict=True))
        row: Row = dict.fromkeys(("p50 s", "p95 s", "CPU s", "in models", "callers", "wrong"))
        yield _ratios(most, system, rate, rates[most, ZORKY], limit) | row | {"CPU s": cpu}


def _ratios(callers: int, system: str, rate: float, zorky_rate: float, limit: float) -> Row:
    ratios = {"Zorky's / its": zorky_rate / rate, "of the limit": rate / limit}
    return {"at once": callers, "system": system, "pages/s": rate, **ratios}


def checks_of(rows: Sequence[Row]) -> Iterator[Check]:
    """At the most callers against the limit; at every number of them against each rival."""
    most = max(int(str(row["at once"])) for row in rows)
    for row in rows:
        callers, system, ratio = int(str(row["at once"])), str(row["system"]), float(str(row["Zorky's / its"]))
        if callers == most and system == ZORKY:
            yield Check(f"{callers} callers: share of both cores in models", float(str(row["in models"])), ">=", 0.85)
            yield Check("answers of Zorky's that are wrong", sum(_wrong_of_zorky(rows)), "<=", 0)
        elif system.startswith("bare"):
            yield Check(f"{callers} callers: pages/s over {system}", ratio, ">=", 0.9)
        elif system != ZORKY:
            yield Check(f"{callers} callers: pages/s over {system}", ratio, ">=", 1.0)


def _wrong_of_zorky(rows: Sequence[Row]) -> Iterator[int]:
    return (int(str(row["wrong"])) for row in rows if row["system"] == ZORKY)


def main(thorough: bool) -> None:
    """Measures all systems and publishes the table."""
    take_cores()
    concurrency = (1, 2, 4, 8, 16, 32, 64) if thorough else (1, 4, 16)
    seconds, rounds = 4.0, 2 if thorough else 1
    rows = list(rows_of(*asyncio.run(measured(SYSTEMS, concurrency, seconds, rounds))))
    publish("saturation", rows, plot=Plot("lines", "at once", "of the limit", "system"), checks=list(checks_of(rows)))


if __name__ == "__main__":
    main(full())
