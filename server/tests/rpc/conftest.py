"""A real server on a free port, around a task of the tests' own: no weights, and a model that does as told."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from zorky.v1.admin_service_pb2_grpc import AdminServiceStub
from zorky.v1.feedback_service_pb2_grpc import FeedbackServiceStub
from zorky.v1.recognition_service_pb2_grpc import RecognitionServiceStub
from zorky.v1.server_info_service_pb2_grpc import ServerInfoServiceStub
from zorky_server.logs import configure_logs
from zorky_server.metrics import Metrics
from zorky_server.rpc.failures import Failures
from zorky_server.rpc.journal import Journal
from zorky_server.rpc.recognition import Readings
from zorky_server.rpc.server import RpcServer
from zorky_server.runtime.cache import Cache
from zorky_server.runtime.engine import Engine
from zorky_server.store import Store, StorePlace, open_store
from zorky_server.tasks.handwriting.model import BadModel, ModelIdentity
from zorky_server.tasks.handwriting.picture import Limits, open_picture
from zorky_server.tasks.handwriting.values import (
    Alternative,
    Ask,
    Line,
    ModelCall,
    Notice,
    Reading,
    ReadOptions,
    Steps,
    WarningCode,
    Word,
)
from zorky_server.tracing import Tracing


class Gate:
    """A model that waits while it is shut, and fails while told to."""

    device = None

    def __init__(self) -> None:
        self.is_open = threading.Event()
        self.is_open.set()
        self.fails = False
        self._entered = threading.Event()

    async def holds_a_run(self) -> None:
        """Returns when a run has come as far as the gate."""
        assert await asyncio.to_thread(self._entered.wait, 10)

    def run(self, batch: NDArray[np.float32], alone: bool = False) -> NDArray[np.float32]:  # noqa: ARG002 (Session's)
        """Gives back what it gets."""
        self._entered.set()
        assert self.is_open.wait(10)
        if self.fails:
            raise RuntimeError("a model's own words")
        return batch


@dataclass
class FixedReader:
    """Opens the picture for real and reads the same two lines in each."""

    identity: ModelIdentity = field(default_factory=lambda: ModelIdentity("test", "1.0", "ab" * 32, "c1"))
    languages: tuple[str, ...] = ("ru", "en")
    limits: Limits = field(default_factory=Limits)
    asked: list[ReadOptions] = field(default_factory=list)

    def read(self, file: bytes, options: ReadOptions) -> Steps:
        """One run of the gate a picture."""
        self.asked.append(options)
        opened = open_picture(file, self.limits)
        yield Ask("decode")
        yield Ask("recognize", [ModelCall("gate", "any", 1, 1, np.zeros(1, np.float32))])
        quad = np.array([[1, 2], [30, 2], [30, 9], [1, 9]], np.float32)
        first = Word("Привет,", quad, 0.75, (Alternative("Привет.", 0.125),))
        lines = (Line(quad, 0.5, (first, Word("мир🌍", quad, 0.5))), Line(quad, 0.25, (Word("Hello", quad, 0.25),)))
        notice = Notice(WarningCode.LOW_RESOLUTION, "lines are 9 pixels high")
        return Reading(opened.width, opened.height, 90, 1.5, lines, (notice,))


@dataclass(frozen=True)
class FixedModel:
    reader: FixedReader
    sessions: dict[str, Gate]


@dataclass
class FixedModels:
    """What serves now; a test may put another one in its place."""

    current: FixedModel
    waiting: FixedModel | BadModel | None = None
    """What a reload finds."""

    async def reload(self) -> bool:
        if isinstance(self.waiting, BadModel):
            raise self.waiting
        if self.waiting is None:
            return False
        self.current, self.waiting = self.waiting, None
        return True


@dataclass
class Served:
    """A running server with its parts in reach, and stubs on a channel of its own."""

    server: RpcServer
    store: Store
    models: FixedModels
    reader: FixedReader
    gate: Gate
    metrics: Metrics
    failures: Failures
    journal: Journal
    port: int
    folder: Path
    channel: grpc.aio.Channel

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def recognition(self) -> RecognitionServiceStub:
        return RecognitionServiceStub(self.channel)

    @property
    def feedback(self) -> FeedbackServiceStub:
        return FeedbackServiceStub(self.channel)

    @property
    def admin(self) -> AdminServiceStub:
        return AdminServiceStub(self.channel)

    @property
    def info(self) -> ServerInfoServiceStub:
        return ServerInfoServiceStub(self.channel)


@asynccontextmanager
async def serve(
    folder: Path,
    *,
    workers: int = 2,
    max_pending: int = 8,
    lifetime: float = 3600,
    cache_bytes: int = 0,
    admin_token: str = "",
) -> AsyncIterator[Served]:
    reader, gate = FixedReader(), Gate()
    metrics = Metrics()
    engine = Engine(workers=workers, budget=1, max_pending=max_pending, metrics=metrics)
    store = await open_store(StorePlace(folder), lifetime)
    models = FixedModels(FixedModel(reader, {"gate": gate}))
    failures = Failures()
    journal = Journal(metrics, Tracing(), failures)
    readings: Readings | None = Cache(cache_bytes) if cache_bytes else None
    server = RpcServer(
        models,
        engine,
        store,
        journal,
        stream_items=3,
        result_lifetime=lifetime,
        readings=readings,
        admin_token=admin_token,
    )
    port = server.listen("127.0.0.1", 0)
    engine.start()
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Served(server, store, models, reader, gate, metrics, failures, journal, port, folder, channel)
    finally:
        gate.is_open.set()
        await server.abort()
        await engine.stop()
        await store.close()


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[dict[str, Any]]]:
    """Reads the lines logged so far."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logs("json", "info")
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A server that has announced itself."""
    async with serve(tmp_path) as one:
        await one.server.announce()
        yield one


@pytest.fixture
def serving(tmp_path: Path) -> Callable[..., object]:
    """Starts a server with other limits: `async with serving(max_pending=1) as served`."""
    return lambda **limits: serve(tmp_path, **limits)


@pytest.fixture
def png() -> bytes:
    """A small picture."""
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "white").save(file, "PNG")
    return file.getvalue()
