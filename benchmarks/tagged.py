"""Nobody gets another caller's answer

Each caller sends a picture of a number of its own, all at the same time, some over streams; who is refused comes again
when the server says so; others hang up while they wait. A number that was read wrong is sent again alone: read alike,
it was the caller's own.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from time import monotonic

import grpc
from drawn import request, text_picture
from load import Caller
from running import Check, full, publish, server

from zorky.v1.recognition_pb2 import LAYOUT_WORD
from zorky.v1.recognition_service_pb2 import RecognizeResponse
from zorky_client import AsyncClient
from zorky_client.errors import Unavailable
from zorky_client.results import Recognition

_STREAMS = 5
_ON_STREAMS = 0.05
"""Share of the pictures that go over streams."""
_LEAVERS = 0.05
"""Callers who hang up, for each who stays."""
_PATIENCE = 900.0
_CALLS_A_CONNECTION = 100
"""What the server takes of one connection at once."""
FLAGS = ("--max-pending", "1000")
"""Of a server that lets many in at once; who is refused comes again when told to."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What callers were told, by the number that each had sent."""

    together: Mapping[int, str]
    """While all the others called."""
    alone: Mapping[int, str]
    """The same picture again, for those that were read wrong."""
    left: int
    """Callers who hung up before they were answered."""
    seconds: float

    @property
    def exact(self) -> int:
        """Answers that are the caller's number."""
        return sum(read == str(number) for number, read in self.together.items())

    @property
    def strange(self) -> list[int]:
        """Callers whose answer is neither their number nor how it is read alone."""
        return [
            number for number, read in self.together.items() if read != str(number) and read != self.alone.get(number)
        ]


def numbers(count: int) -> list[int]:
    """Different ones of five digits, in no order."""
    return random.Random(count).sample(range(10_000, 100_000), count)


async def readings(address: str, tags: Sequence[int]) -> Readings:
    """Sends all tags at once. Raises RuntimeError when a caller is not answered."""
    pictures = {tag: text_picture(str(tag), 40) for tag in tags}
    on_streams = max(_STREAMS, round(_ON_STREAMS * len(tags)))
    streams = [tags[start:on_streams:_STREAMS] for start in range(_STREAMS)]
    unary, leavers = tags[on_streams:], tags[: round(_LEAVERS * len(tags))]
    connections = ceil((len(unary) + len(leavers)) / _CALLS_A_CONNECTION)
    async with Caller(address, connections=connections) as caller, AsyncClient(address, timeout=_PATIENCE) as client:
        started = monotonic()
        async with asyncio.TaskGroup() as group:
            leaving = [group.create_task(_leave(caller, pictures[tag], tag)) for tag in leavers]
            by_stream = [group.create_task(_stream(client, {tag: pictures[tag] for tag in some})) for some in streams]
            by_call = [group.create_task(_read(caller, pictures[tag])) for tag in unary]
        seconds = monotonic() - started
        together = dict(zip(unary, (task.result() for task in by_call), strict=True))
        for task in by_stream:
            together |= task.result()
        wrong = [tag for tag, read in together.items() if read != str(tag)]
        alone = {tag: await _read(caller, pictures[tag]) for tag in wrong}
        return Readings(together, alone, sum(task.result() for task in leaving), seconds)


async def _read(caller: Caller, picture: bytes) -> str:
    answer = await caller.call(request(picture, LAYOUT_WORD), patience=_PATIENCE)
    if answer.retry_after:
        await asyncio.sleep(answer.retry_after)
        return await _read(caller, picture)
    if not answer.ok:
        raise RuntimeError(f"{answer.code}: {answer.details}")
    return RecognizeResponse.FromString(answer.body).result.recognition.text


async def _leave(caller: Caller, picture: bytes, seed: int) -> bool:
    """Calls, and hangs up soon. Returns whether that was before the answer."""
    answer = asyncio.create_task(caller.call(request(picture, LAYOUT_WORD)))
    await asyncio.wait([answer], timeout=random.Random(seed).uniform(0, 5))
    answer.cancel()
    await asyncio.wait([answer])
    return answer.cancelled() or answer.result().code is grpc.StatusCode.CANCELLED


async def _stream(client: AsyncClient, pictures: Mapping[int, bytes]) -> dict[int, str]:
    """The readings of one stream, by the names that its answers carry; what was refused goes over another one."""
    images = [(str(tag), picture) for tag, picture in pictures.items()]
    told: dict[int, str] = {}
    async for name, outcome in client.recognize_many(images, concurrency=8, timeout=_PATIENCE, layout="word"):
        if isinstance(outcome, Recognition):
            told[int(name)] = outcome.text
        elif not isinstance(outcome, Unavailable):
            raise RuntimeError(f"{name}: {outcome}")
    refused = {tag: picture for tag, picture in pictures.items() if tag not in told}
    return told | await _stream(client, refused) if refused else told


def checks_of(found: Readings, callers: int) -> list[Check]:
    """What must hold. That nearly all numbers are read shows that a stranger's answer would be noticed."""
    return [
        Check("answers of another caller", len(found.strange), "<=", 0),
        Check("callers who were answered", len(found.together), ">=", callers),
        Check("share of numbers read exactly", found.exact / callers, ">=", 0.9),
        Check("callers who left before their answer", found.left, ">=", 1),
    ]


async def measure(address: str, callers: int) -> None:
    """Publishes the table."""
    found = await readings(address, numbers(callers))
    row = {"callers at once": callers, "answers/s": callers / found.seconds, "read exactly": found.exact}
    checks = checks_of(found, callers)
    publish("tagged", [row | {"hung up": found.left, "another's answer": len(found.strange)}], checks=checks)


if __name__ == "__main__":
    count = 10_000 if full() else 2_000
    with server(*FLAGS) as one:
        asyncio.run(measure(one.address, count))
