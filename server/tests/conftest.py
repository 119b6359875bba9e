"""The server as people run it: a process of its own, with the installed models, on a free port."""

from __future__ import annotations

import io
import json
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import fsspec
import grpc
import pytest
from moto.server import ThreadedMotoServer
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from PIL import Image, ImageDraw, ImageFont
from postgres import Postgres, postgres

import zorky_models
from zorky_server.registry import Registry
from zorky_server.store import StorePlace
from zorky_server.tracing import ENDPOINT

_PATIENCE = 180.0
"""Seconds: starting takes two on a machine with nothing else to do, and much more on a busy one."""


class ServerProcess:
    """A running `zorky-server serve`."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.folder = folder
        self.log_path = folder / "log"
        self._port_file = folder / "port"
        self._port_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "zorky_server", "serve", "--port", "0", "--port-file", str(self._port_file)]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--data-dir", str(folder / "data"), *flags], stdout=subprocess.PIPE, stderr=log, text=True
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait_until_serving(self) -> ServerProcess:
        patience = time.monotonic() + _PATIENCE
        while not self._port_file.exists():
            assert self.process.poll() is None, self.log_path.read_text()
            assert time.monotonic() < patience, self.log_path.read_text()
            time.sleep(0.02)
        return self

    @property
    def address(self) -> str:
        return f"127.0.0.1:{int(self._port_file.read_text())}"

    @property
    def metrics_url(self) -> str:
        """Of a server that was started with --metrics-port."""
        return f"http://127.0.0.1:{int(self._port_file.with_name('port.metrics').read_text())}/metrics"

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log_path.read_text().splitlines()]

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Sends a signal and returns the exit status."""
        self.process.send_signal(number)
        return self.wait()

    def kill(self) -> None:
        """Ends it if it still runs."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def wait(self) -> int:
        return self.process.wait(_PATIENCE)


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Takes OTLP as a real one does, and keeps it."""

    def __init__(self) -> None:
        self.requests: list[trace_service_pb2.ExportTraceServiceRequest] = []

    def Export(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802 (gRPC's)
        self.requests.append(request)
        return trace_service_pb2.ExportTraceServiceResponse()

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    def span(self, name: str) -> Span:
        (found,) = self.named(name)
        return found


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Starts servers of one test, one after the other on the same data, and ends what is left of them."""
    started: list[ServerProcess] = []

    def start(*flags: str) -> ServerProcess:
        started.append(ServerProcess(tmp_path, *flags))
        return started[-1]

    yield start
    for one in started:
        one.kill()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """One server for all tests that do not stop it."""
    one = ServerProcess(tmp_path_factory.mktemp("server"), "--metrics-port", "0")
    try:
        yield one.wait_until_serving()
        assert one.stop() == 0
    finally:
        one.kill()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector of the test's own, which servers and Tracing of the test send to."""
    one, server = Collector(), grpc.server(futures.ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(one, server)
    monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}")
    server.start()
    yield one
    server.stop(None).wait()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL for all tests that do not stop it."""
    with postgres() as one:
        yield one


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> StorePlace:
    """Where a store of the test's own will be, on each of the databases."""
    if request.param == "sqlite":
        return StorePlace(tmp_path / "data")
    server: Postgres = request.getfixturevalue("postgres_server")
    return StorePlace(tmp_path / "data", database=server.create())


@pytest.fixture(scope="session")
def s3_server() -> Iterator[ThreadedMotoServer]:
    """Speaks S3 over HTTP."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def s3_bucket(s3_server: ThreadedMotoServer, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty bucket. Where it is and who may use it stands in the environment, as for real ones."""
    host, port = s3_server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = f"zorky-{uuid.uuid4().hex}"
    fsspec.filesystem("s3").mkdir(bucket)
    return f"s3://{bucket}"


class Publisher:
    """Publishes copies of the installed model under other versions into a registry that it makes."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "registry"
        self.place.mkdir()
        self.url = str(self.place)
        self.registry = Registry(self.url, "handwriting")
        self._folder = folder

    def publish(self, version: str) -> str:
        made = Path(shutil.copytree(zorky_models.ROOT / "handwriting", self._folder / version))
        manifest = json.loads((made / "manifest.json").read_text())
        (made / "manifest.json").write_text(json.dumps(manifest | {"version": version}))
        return self.registry.publish(made)

    def promote(self, version: str) -> None:
        self.registry.promote(self.publish(version))

    def damage(self, version: str) -> None:
        """Changes a byte of what is published."""
        file = self.place / "handwriting" / version / "recognizer.onnx"
        file.write_bytes(file.read_bytes()[:-1] + b"?")

    def hide(self) -> None:
        """As where the disk of the registry is not mounted."""
        self.place.rename(self.place.with_name("away"))

    def show(self) -> None:
        self.place.with_name("away").rename(self.place)


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path)


@pytest.fixture(scope="session")
def line_picture() -> Image.Image:
    """One printed line, 320 x 64."""
    picture = Image.new("RGB", (320, 64), "white")
    ImageDraw.Draw(picture).text((10, 10), "Zorky 2026", fill=(30, 30, 90), font=ImageFont.load_default(36))
    return picture


@pytest.fixture(scope="session")
def line_png(line_picture: Image.Image) -> bytes:
    """The printed line as a file."""
    file = io.BytesIO()
    line_picture.save(file, "PNG")
    return file.getvalue()
