"""Callers that weigh little: bytes go out, bytes come back, and each answer knows when it was wanted."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from time import monotonic, process_time
from typing import TypeAlias

import grpc
import numpy as np
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # .pyi, no py.typed
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # .pyi, no py.typed

RECOGNIZE = "/zorky.v1.RecognitionService/Recognize"
HEALTH = "/grpc.health.v1.Health/Check"
_SERVING = b"\x08\x01"  # HealthCheckResponse(status=SERVING)
_OPTIONS = (
    ("grpc.use_local_subchannel_pool", 1),  # or else channels to one address share one connection
    ("grpc.enable_http_proxy", 0),
    ("grpc.max_receive_message_length", -1),
)


_Method: TypeAlias = "grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one call. Moments are those of time.monotonic()."""

    code: grpc.StatusCode
    intended: float
    """When the caller wanted to send."""
    sent: float
    done: float
    body: bytes
    """Of the response; empty when there is none."""
    retry_after: float | None
    """Seconds that a refusal's RetryInfo asks for; None when there is none."""
    details: str

    @property
    def seconds(self) -> float:
        """From the moment the caller wanted to send: what a late generator adds counts too."""
        return self.done - self.intended

    @property
    def ok(self) -> bool:
        return self.code is grpc.StatusCode.OK

    @property
    def refused(self) -> bool:
        return self.code is grpc.StatusCode.UNAVAILABLE


class Caller:
    """Calls one method over a few connections of its own, without retries. Use `async with`."""

    def __init__(self, address: str, method: str = RECOGNIZE, connections: int = 1) -> None:
        """A server takes at most 100 calls of one connection at once; further ones wait at the caller's side."""
        self._channels = [grpc.aio.insecure_channel(address, _OPTIONS) for _ in range(connections)]
        self._methods: Iterator[_Method] = cycle([channel.unary_unary(method) for channel in self._channels])

    async def __aenter__(self) -> Caller:
        await asyncio.gather(*(channel.channel_ready() for channel in self._channels))
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(channel.close() for channel in self._channels))

    async def call(self, request: bytes, *, patience: float | None = None, intended: float | None = None) -> Answer:
        """Sends a request. patience: seconds from the intended moment until the deadline."""
        sent = monotonic()
        intended = sent if intended is None else intended
        timeout = None if patience is None else max(0.0, intended + patience - sent)
        try:
            body = await next(self._methods)(request, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            return Answer(error.code(), intended, sent, monotonic(), b"", _retry_after(error), error.details() or "")
        return Answer(grpc.StatusCode.OK, intended, sent, monotonic(), body, None, "")


def _retry_after(error: grpc.aio.AioRpcError) -> float | None:
    raw = dict(error.trailing_metadata()).get("grpc-status-details-bin")
    for detail in Status.FromString(raw).details if isinstance(raw, bytes) else ():
        info = RetryInfo()
        if detail.Unpack(info):
            return float(info.retry_delay.ToTimedelta().total_seconds())
    return None


async def closed_loop(call: Callable[[], Awaitable[Answer]], concurrency: int, seconds: float) -> list[Answer]:
    """That many callers, each of whom calls again when answered."""
    answers: list[Answer] = []
    end = monotonic() + seconds

    async def caller() -> None:
        while monotonic() < end:
            answers.append(await call())

    async with asyncio.TaskGroup() as group:
        for _ in range(concurrency):
            group.create_task(caller())
    return answers


async def open_loop(
    call: Callable[[float], Awaitable[Answer]], rate: float, seconds: float, rng: random.Random
) -> list[Answer]:
    """Calls that come whether or not others were answered: a Poisson process of exactly rate x seconds arrivals.
    `call` is given the moment at which it was to be sent."""
    start = monotonic()
    async with asyncio.TaskGroup() as group:
        tasks = []
        for moment in sorted(start + rng.uniform(0, seconds) for _ in range(round(rate * seconds))):
            await asyncio.sleep(max(0.0, moment - monotonic()))
            tasks.append(group.create_task(_awaited(call(moment))))
    return [task.result() for task in tasks]


async def _awaited(answer: Awaitable[Answer]) -> Answer:
    return await answer


@asynccontextmanager
async def probed(address: str, every: float = 0.1) -> AsyncIterator[list[Answer]]:
    """Asks for the server's health all along, on a connection of its own. One that says anything but SERVING, or says
    it only after a second, has failed."""
    answers: list[Answer] = []
    async with Caller(address, HEALTH) as caller:

        async def probe(moment: float) -> None:
            answers.append(await caller.call(b"", patience=1.0, intended=moment))

        async def probe_on() -> None:
            async with asyncio.TaskGroup() as group:
                moment = monotonic()
                while True:
                    group.create_task(probe(moment))
                    moment += every
                    await asyncio.sleep(max(0.0, moment - monotonic()))

        probing = asyncio.create_task(probe_on())
        try:
            yield answers
        finally:
            probing.cancel()
            await asyncio.wait([probing])


def is_serving(answer: Answer) -> bool:
    """Whether a probe of health was answered with SERVING."""
    return answer.ok and answer.body == _SERVING


def percentile(values: Sequence[float], share: float) -> float:
    """share: 0 to 100. NaN when there are no values."""
    return float(np.percentile(values, share)) if values else float("nan")


class Effort:
    """The processor time of this process since it was made, as a share of one core."""

    def __init__(self) -> None:
        self._wall, self._spent = monotonic(), process_time()

    def share(self) -> float:
        """1.0 is one core busy all the time."""
        return (process_time() - self._spent) / (monotonic() - self._wall)
