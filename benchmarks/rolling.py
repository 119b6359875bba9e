"""Three replicas behind HAProxy

Callers who ask for small crops all the time, while (1) each replica in turn is stopped and started again, (2) one is
killed, (3) a new model replaces the one that serves, after a broken one was refused. In (1) and (3) callers do not try
again, so every failure counts; in (2) they are `zorky_client`, which does. On two cores that replicas, balancer and
callers share.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from cluster import REPLICAS, Cluster
from drawn import text_picture, word
from load import Caller
from running import Check, Row, full, publish

from zorky.v1.recognition_service_pb2 import RecognizeResponse
from zorky_client import AsyncClient
from zorky_client.errors import ZorkyError

_CALLERS = 12
NEW = "2099.1.1"
BROKEN = "2099.1.2"

Call = Callable[[], Awaitable[str]]
"""Makes one call. Returns the version of the model that answered; raises Failed."""


class Failed(Exception):
    """A call was not answered; says with what it ended."""


@dataclass(slots=True)
class Calls:
    """How the calls of all callers ended, in their order."""

    versions: list[str] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def count(self) -> int:
        return len(self.versions) + self.failures.total()


async def calls_during(call: Call, at_least: int, event: Callable[[], None]) -> Calls:
    """Callers call while the event, which blocks a thread, goes on, and until there were `at_least` calls."""
    calls, started = Calls(), monotonic()
    happening = asyncio.create_task(_after_a_tenth(calls, at_least, event))

    async def caller() -> None:
        while not happening.done() or calls.count < at_least:
            try:
                calls.versions.append(await call())
            except Failed as failure:
                calls.failures[str(failure)] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(_CALLERS):
            group.create_task(caller())
    await happening
    calls.seconds = monotonic() - started
    return calls


async def _after_a_tenth(calls: Calls, at_least: int, event: Callable[[], None]) -> None:
    while calls.count < at_least / 10:  # noqa: ASYNC110  (looking now and then is cheaper than an event a call)
        await asyncio.sleep(0.02)
    await asyncio.to_thread(event)


def once(caller: Caller) -> Call:
    """Calls that are not tried again."""
    rng = random.Random(1)

    async def call() -> str:
        answer = await caller.call(word(rng), patience=60.0)
        if not answer.ok:
            raise Failed(f"{answer.code.name}: {answer.details}")
        return RecognizeResponse.FromString(answer.body).result.model.version

    return call


def patiently(client: AsyncClient) -> Call:
    """Calls that zorky_client tries again by itself."""
    rng = random.Random(2)

    async def call() -> str:
        try:
            return (await client.recognize(text_picture(str(rng.random()), 32), layout="word")).model.version
        except ZorkyError as error:
            raise Failed(repr(error)) from error

    return call


async def rolling_restart(cluster: Cluster, at_least: int) -> Calls:
    """Every replica is stopped and started again, one after the other."""

    def restart() -> None:
        for number in range(REPLICAS):
            cluster.restart(number)

    async with Caller(cluster.address, connections=2) as caller:
        return await calls_during(once(caller), at_least, restart)


async def one_killed(cluster: Cluster, at_least: int) -> Calls:
    """One replica is killed, and started again at the end."""
    async with AsyncClient(cluster.address, timeout=60.0) as client:
        calls = await calls_during(patiently(client), at_least, lambda: cluster.kill(0))
    await asyncio.to_thread(cluster.start, 0)
    return calls


async def hot_swap(cluster: Cluster, at_least: int) -> Calls:
    """A broken model is offered, then a good one."""

    def swap() -> None:
        cluster.reload(BROKEN, broken=True)
        cluster.reload(NEW)

    async with Caller(cluster.address, connections=2) as caller:
        return await calls_during(once(caller), at_least, swap)


def swap_checks(calls: Calls, before: str) -> list[Check]:
    """What clients must have seen of the models."""
    seen = Counter(calls.versions)
    return [
        Check("hot swap: answers of the model before", seen.pop(before, 0), ">=", 1),
        Check("hot swap: answers of the new model", seen.pop(NEW, 0), ">=", 1),
        Check(f"hot swap: answers of other models {dict(seen)}", seen.total(), "<=", 0),
        Check("hot swap: the last answer is the new model's", float(calls.versions[-1:] == [NEW]), ">=", 1),
    ]


def row_of(name: str, calls: Calls) -> Row:
    """A row of the table."""
    return {
        "what happens": name,
        "calls": calls.count,
        "calls/s": calls.count / calls.seconds,
        "errors": calls.failures.total(),
        "models seen": ", ".join(sorted(set(calls.versions))),
    }


def failure_check(name: str, calls: Calls) -> Check:
    """No call may fail."""
    return Check(f"{name}: errors {dict(calls.failures)}", calls.failures.total(), "<=", 0)


async def measure(cluster: Cluster, at_least: Sequence[int]) -> None:
    """Publishes the table. at_least: calls of each of the three parts."""
    before = cluster.version
    parts = {"rolling restart": rolling_restart, "one killed, clients retry": one_killed, "hot swap": hot_swap}
    ended = {name: await run(cluster, count) for (name, run), count in zip(parts.items(), at_least, strict=True)}
    checks = [failure_check(name, calls) for name, calls in ended.items()]
    checks += swap_checks(ended["hot swap"], before)
    publish("rolling", [row_of(name, calls) for name, calls in ended.items()], checks=checks)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, Cluster(Path(folder)) as three:
        asyncio.run(measure(three, (10_000, 2_000, 2_000) if full() else (1_500, 500, 500)))
