"""Servers of the same reader and the same models, started for a measurement and asked for pages in the same way."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import aiohttp
import grpc
from drawn import pages
from load import Answer, Caller
from running import METERED, process, server

HERE = Path(__file__).parent
CORES = 2
"""Of the machine that every system is given."""
_PATIENCE = 120.0
"""Seconds that starting may take: Ray's takes ten and more."""


@dataclass(frozen=True)
class Running:
    """A system that answers. in_models: processor seconds inside the models' sessions so far, where it tells."""

    call: Callable[[bytes], Awaitable[Answer]]
    pid: int
    in_models: Callable[[], float] | None = None


System = Callable[[], AbstractAsyncContextManager[Running]]


@asynccontextmanager
async def zorky() -> AsyncIterator[Running]:
    """The server with its default settings."""
    with server(*METERED) as serving:
        async with Caller(serving.address) as caller:
            yield Running(caller.call, serving.pid, lambda: serving.metric("zorky_model_cpu_seconds_total"))


@asynccontextmanager
async def rival(script: str, *arguments: object) -> AsyncIterator[Running]:
    """A gRPC server of ours, told its port before its other arguments."""
    port = _free_port()
    with process([sys.executable, HERE / script, port, *arguments], RAY_USAGE_STATS_ENABLED="0") as started:
        async with Caller(f"127.0.0.1:{port}") as caller:
            await _ready(caller.call, started)
            yield Running(caller.call, started.pid)


@asynccontextmanager
async def mosec(batch: int) -> AsyncIterator[Running]:
    """serve_mosec.py, over HTTP."""
    port = _free_port()
    command = [sys.executable, HERE / "serve_mosec.py", "--port", port, "--timeout", 600_000, "--log-level", "error"]
    with process(command, BATCH=str(batch)) as started:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def call(request: bytes) -> Answer:
                sent = monotonic()
                try:
                    async with session.post(f"http://127.0.0.1:{port}/inference", data=request) as response:
                        body, good = await response.read(), response.status == 200
                except aiohttp.ClientError:
                    body, good = b"", False
                status = grpc.StatusCode.OK if good else grpc.StatusCode.UNAVAILABLE
                return Answer(status, sent, sent, monotonic(), body, False, "")

            await _ready(call, started)
            yield Running(call, started.pid)


async def _ready(call: Callable[[bytes], Awaitable[Answer]], started: subprocess.Popen[bytes]) -> None:
    """Asks until two workers have answered once. Raises RuntimeError when the process ends or takes too long."""
    end = monotonic() + _PATIENCE
    requests = [*pages(1280), *pages(1280)]
    while not all(answer.ok for answer in await asyncio.gather(*(call(request) for request in requests))):
        if started.poll() is not None or monotonic() > end:
            raise RuntimeError(f"{started.args!r} does not answer")
        await asyncio.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def take_cores() -> None:
    """Leaves this process, and all that it starts from now on, CORES cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])


ZORKY = "Zorky"
SYSTEMS: dict[str, System] = {
    ZORKY: zorky,
    "unbatched, 2 threads": lambda: rival("serve_unbatched.py", 2, 1),
    "unbatched, 1 thread": lambda: rival("serve_unbatched.py", 1, CORES),
    "mosec": lambda: mosec(1),
    "Ray Serve": lambda: rival("serve_ray.py", 1),
}
"""Systems by name."""
