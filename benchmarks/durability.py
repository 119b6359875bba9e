"""kill -9 under load

    python benchmarks/durability.py [--full]

Callers have lines read whose picture may be kept, and give feedback, while the server is killed at random moments and
started again; of two kills under PostgreSQL, one takes PostgreSQL with it. Who got no answer sends the same again.
Afterwards the database is asked for everything that was acknowledged, and for what is there twice. *Sent again* is
feedback that a kill left without an answer; a result is *torn* when its kept picture is not whole.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import random
import signal
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import grpc
from drawn import text_picture
from postgres import Postgres, postgres
from replica import Replica
from running import Check, Row, full, publish
from sqlalchemy import select

from zorky.v1.feedback_pb2 import RATING_GOOD
from zorky.v1.feedback_service_pb2 import FeedbackRequest
from zorky.v1.feedback_service_pb2_grpc import FeedbackServiceStub
from zorky.v1.recognition_pb2 import LAYOUT_LINE, RETENTION_FEEDBACK, RecognitionOptions
from zorky.v1.recognition_service_pb2 import RecognizeRequest
from zorky.v1.recognition_service_pb2_grpc import RecognitionServiceStub
from zorky_server.store import Store, StorePlace, open_store
from zorky_server.store.schema import feedback, readings, results

_CALLERS = 8
_FEEDBACK = 20
"""Pieces a result."""
_UNKILLED = (0.1, 1.5)
"""Seconds between the moment a server serves and its end."""
_LIFETIME = 86400.0
_QUICK_TO_RECONNECT = (("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 200))
_PATIENCE = 60.0

T = TypeVar("T")


@dataclass(slots=True)
class Acknowledged:
    """What callers were told."""

    results: set[str] = field(default_factory=set)
    feedback: dict[str, str] = field(default_factory=dict)
    """Ids of feedback by the request's."""
    again: int = 0
    """How often feedback was sent again."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the database says to that."""

    lost: int
    duplicates: int
    lost_results: int
    torn: int

    @property
    def is_well(self) -> bool:
        return not (self.lost or self.duplicates or self.lost_results or self.torn)


async def endure(folder: Path, server: Postgres | None, kills: int, seed: int = 1) -> tuple[Acknowledged, Found]:
    """Kills a server on an empty store in `folder` so many times. server: has the database; None for SQLite."""
    place = StorePlace(folder, server.create() if server else None)
    flags = ("--database", place.database) if place.database else ()
    acknowledged, over = Acknowledged(), asyncio.Event()
    with Replica(folder, *flags, "--log-level", "warning") as replica:
        async with AsyncExitStack() as open_channels, asyncio.TaskGroup() as group:
            for number in range(_CALLERS):
                channel = grpc.aio.insecure_channel(replica.address, options=_QUICK_TO_RECONNECT)
                await open_channels.enter_async_context(channel)
                group.create_task(_call(channel, number, acknowledged, over))
            await _kill(replica, server, kills, random.Random(seed))
            over.set()
    store = await open_store(place, _LIFETIME)
    try:
        return acknowledged, await _compared(store, acknowledged)
    finally:
        await store.close()


async def _kill(replica: Replica, server: Postgres | None, kills: int, rng: random.Random) -> None:
    for number in range(kills):
        await asyncio.sleep(rng.uniform(*_UNKILLED))
        replica.kill()
        if server and number % 2:
            await asyncio.to_thread(server.restart, signal.SIGQUIT)
        await asyncio.to_thread(replica.start)
    await asyncio.sleep(_UNKILLED[1])


async def _call(channel: grpc.aio.Channel, number: int, acknowledged: Acknowledged, over: asyncio.Event) -> None:
    """One caller, who is done with what it has begun when all is over."""
    recognition, feedback_service = RecognitionServiceStub(channel), FeedbackServiceStub(channel)
    options = RecognitionOptions(layout=LAYOUT_LINE, retention=RETENTION_FEEDBACK)
    request = RecognizeRequest(image=text_picture(f"caller {number}", 32), options=options)
    for name in itertools.count():
        answer, _ = await _answered(lambda: recognition.Recognize(request, timeout=_PATIENCE, wait_for_ready=True))
        acknowledged.results.add(answer.result.result_id)
        for piece in range(_FEEDBACK):
            said = FeedbackRequest(
                request_id=f"{number}-{name}-{piece}",
                result_id=answer.result.result_id,
                rating=RATING_GOOD,
                comment=f"{number}-{name}-{piece}",
                allow_training=True,
            )
            receipt, tries = await _answered(
                lambda said=said: feedback_service.Feedback(said, timeout=_PATIENCE, wait_for_ready=True)
            )
            acknowledged.feedback[said.request_id] = receipt.feedback_id
            acknowledged.again += tries - 1
        if over.is_set():
            return


async def _answered(call: Callable[[], Awaitable[T]]) -> tuple[T, int]:
    """Calls until there is an answer; and how often that was."""
    for tries in itertools.count(1):
        try:
            return await call(), tries
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            await asyncio.sleep(0.05)
    raise AssertionError("it counts for ever")


async def _compared(store: Store, acknowledged: Acknowledged) -> Found:
    async with store.snapshot() as connection:
        rows = (
            await connection.execute(select(feedback.c.request_id, feedback.c.feedback_id, feedback.c.content))
        ).all()
        known = set(await connection.scalars(select(results.c.result_id)))
        kept = (await connection.execute(select(readings.c.result_id, readings.c.image_sha256))).all()
    there = {request_id: feedback_id for request_id, feedback_id, _ in rows}
    said = Counter(content["comment"] for _, _, content in rows)
    whole = {one for one, sha256 in kept if hashlib.sha256(await store.picture(one)).hexdigest() == sha256}
    return Found(
        lost=sum(there.get(request) != name for request, name in acknowledged.feedback.items()),
        duplicates=said.total() - len(said),
        lost_results=len(acknowledged.results - known),
        torn=len(known - whole),
    )


async def _measured(database: str, kills: int) -> Row:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(postgres(durable=True)) if database == "PostgreSQL" else None
        told, found = await endure(folder, server, kills)
    return {
        "database": database,
        "kills": kills,
        "feedback acknowledged": len(told.feedback),
        "sent again": told.again,
        "lost": found.lost,
        "twice": found.duplicates,
        "results acknowledged": len(told.results),
        "results lost": found.lost_results,
        "torn": found.torn,
    }


def main() -> None:
    """Fifty kills on each database, or five."""
    kills = 50 if full() else 5
    rows = [asyncio.run(_measured(database, kills)) for database in ("SQLite", "PostgreSQL")]
    wrong = ("lost", "twice", "results lost", "torn")
    checks = [Check(f"{row['database']}: {what}", int(str(row[what])), "<=", 0) for row in rows for what in wrong]
    publish("durability", rows, checks=checks)


if __name__ == "__main__":
    main()
