"""Memory over many requests

Words and lines of many sizes, with pages, photos of 4000x3000, broken files, callers who hang up and streams among
them, several at a time. Memory is the server's resident memory; its floor is the least of it in each hundredth of the
run, so that the pictures that are just being read do not count, and the slope is Theil and Sen's over the floors of the
second half. A control that keeps 4 KiB of each request must fail where the server passes. The quick form has no pages
and photos.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from time import monotonic

import numpy as np
from drawn import broken, line, pages, text_picture, word
from load import Caller
from replica import SERVE, Replica
from running import Check, full, publish

from zorky_client import AsyncClient
from zorky_client.results import Recognition

LEAKING = (str(Path(__file__).with_name("leaking.py")),)
"""The control's program."""
MAX_SLOPE = 1024.0
MAX_PEAK = 900e6
_FLOORS = 100
_CONCURRENCY = 8
_SAMPLE_EVERY = 0.05
_ON_A_STREAM = 20
"""Pictures of one stream."""
CROPS = {"word": 560, "line": 340, "broken": 30, "hang up": 30, "stream": 2}
"""Of a thousand requests or so; a stream counts as many as it has pictures. Their floors are so quiet that a short run
tells a leak."""
MIX = CROPS | {"page": 10, "photo": 5}


@dataclass(slots=True)
class Soak:
    """What was sampled, and how the requests ended."""

    asked: int = 0
    memory: list[tuple[int, int]] = field(default_factory=list)
    """Requests until then, and resident bytes."""
    ends: Counter[str] = field(default_factory=Counter)
    peak: int = 0
    seconds: float = 0.0

    def floors(self) -> list[tuple[float, float]]:
        """The least memory in each hundredth of the requests."""
        done, resident = np.array(self.memory, dtype=float).T
        edges = np.linspace(0, self.asked, _FLOORS + 1)
        windows = [(done >= first) & (done < last) for first, last in pairwise(edges)]
        return [(float(done[one].mean()), float(resident[one].min())) for one in windows if one.any()]

    def slope(self) -> float:
        """Bytes a request in the second half."""
        floors = self.floors()
        return theil_sen(floors[len(floors) // 2 :])

    @property
    def wrong(self) -> int:
        """Requests that ended otherwise than they should."""
        return sum(count for end, count in self.ends.items() if end not in ENDS)


ENDS = ("OK", "broken: INVALID_ARGUMENT", "hung up")
"""How requests may end."""


def theil_sen(points: Sequence[tuple[float, float]]) -> float:
    """The median slope over all pairs of points: a third of them may be far off."""
    x, y = np.array(points).T
    first, second = np.triu_indices(len(x), 1)
    return float(np.median((y[second] - y[first]) / (x[second] - x[first])))


async def soak(server: Replica, requests: int, shares: Mapping[str, int]) -> Soak:
    """Sends that many requests and samples the server's memory."""
    found, started = Soak(), monotonic()
    sampling = asyncio.create_task(_sample(server, found))
    async with Caller(server.address) as caller, AsyncClient(server.address) as client:
        plan = _Mix(caller, client, found).plan(requests, shares)

        async def work() -> None:
            for request in plan:
                await request()

        async with asyncio.TaskGroup() as group:
            for _ in range(_CONCURRENCY):
                group.create_task(work())
    sampling.cancel()
    found.peak, found.seconds = server.resident_peak(), monotonic() - started
    return found


async def _sample(server: Replica, found: Soak) -> None:
    while True:
        found.memory.append((found.asked, server.resident()))
        await asyncio.sleep(_SAMPLE_EVERY)


class _Mix:
    """Requests of every kind. Each method makes one and counts how it ended."""

    def __init__(self, caller: Caller, client: AsyncClient, found: Soak) -> None:
        self._caller = caller
        self._client = client
        self._found = found

    def plan(self, requests: int, shares: Mapping[str, int]) -> Iterator[Callable[[], Awaitable[None]]]:
        """What to do, drawn as it is needed."""
        rng = random.Random(requests)
        kinds = {
            "word": lambda: self._ask(word(rng)),
            "line": lambda: self._ask(line(rng)),
            "page": lambda: self._ask(rng.choice(pages(1280))),
            "photo": lambda: self._ask(rng.choice(pages(4000))),
            "broken": lambda: self._ask(broken(rng), "broken: "),
            "hang up": lambda: self._hang_up(line(rng), rng.uniform(0, 0.05)),
            "stream": lambda: self._stream([text_picture(str(rng.random()), 40) for _ in range(_ON_A_STREAM)]),
        }
        while self._found.asked < requests:
            (kind,) = rng.choices([*shares], [*shares.values()])
            self._found.asked += _ON_A_STREAM if kind == "stream" else 1
            yield kinds[kind]

    async def _ask(self, request: bytes, kind: str = "") -> None:
        answer = await self._caller.call(request)
        self._found.ends[kind + answer.code.name] += 1

    async def _hang_up(self, request: bytes, patience: float) -> None:
        calling = asyncio.create_task(self._caller.call(request))
        await asyncio.wait([calling], timeout=patience)
        calling.cancel()
        await asyncio.wait([calling])
        self._found.ends["hung up" if calling.cancelled() else calling.result().code.name] += 1

    async def _stream(self, files: Sequence[bytes]) -> None:
        named = [(str(number), file) for number, file in enumerate(files)]
        async for _, outcome in self._client.recognize_many(named, layout="line"):
            self._found.ends["OK" if isinstance(outcome, Recognition) else repr(outcome)] += 1


def row_of(name: str, found: Soak) -> dict[str, object]:
    """A row of the table."""
    return {
        "server": name,
        "requests": found.asked,
        "requests/s": found.asked / found.seconds,
        "slope, bytes a request": found.slope(),
        "peak MB": found.peak / 1e6,
        "hung up": found.ends["hung up"],
        "broken": found.ends["broken: INVALID_ARGUMENT"],
        "ended wrong": found.wrong,
    }


def measure(requests: int, shares: Mapping[str, int]) -> None:
    """Publishes the table."""
    runs: dict[str, Soak] = {}
    for name, program in (("zorky", SERVE), ("control that leaks", LEAKING)):
        with tempfile.TemporaryDirectory() as folder, Replica(Path(folder), program=program) as server:
            runs[name] = asyncio.run(soak(server, requests, shares))
    honest, control = runs.values()
    checks = [
        Check("bytes a request, second half", honest.slope(), "<=", MAX_SLOPE),
        Check("peak, MB", honest.peak / 1e6, "<=", MAX_PEAK / 1e6),
        Check(f"requests that ended wrong, {dict(honest.ends)}", honest.wrong, "<=", 0),
        Check("bytes a request of the control, more than may be", control.slope(), ">=", MAX_SLOPE),
    ]
    publish("soak", [row_of(name, found) for name, found in runs.items()], checks=checks)


if __name__ == "__main__":
    measure(20_000, MIX) if full() else measure(4_000, CROPS)
