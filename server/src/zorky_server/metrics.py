"""What the server counts and times of itself, and the page on which Prometheus reads it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from functools import partial
from socketserver import ThreadingTCPServer
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    MetricsHandler,
    ProcessCollector,
    disable_created_metrics,
)

_CALLS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 0.8, 1.0, 1.5, 2.5, 4.0, 6.0, 10.0)
"""Seconds. A crop takes some hundredths, a page some tenths; nobody waits longer than ten."""
_PARTS = (0.001, 0.0025, 0.005, *_CALLS)
"""Seconds: parts of a call are shorter."""
_ITEMS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)
_LOOK = 0.1
"""Seconds within which the page notices that it is to close."""
_LANES = ("interactive", "bulk")

Reason = Literal["full", "late"]
"""Why a request was refused: too much is inside, or it could not be done by its deadline."""
Reloaded = Literal["switched", "refused"]
"""How a reload of the models ended."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # a time of creation beside every count would double the page

log = structlog.get_logger("zorky.metrics")


class CannotExpose(OSError):
    """Raised when the address for metrics cannot be had; the message says what to do."""


class Identity(Protocol):
    """What tells one model from another."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def calibration(self) -> str: ...


class Metrics:
    """One server's counts, all from zero. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._page: _Page | None = None
        ProcessCollector(registry=self._registry)
        self._requests = self._counter("zorky_requests", "Calls and items of streams", "method", "status")
        self._request_seconds = self._histogram(
            "zorky_request_seconds", "Time of a call or an item", _CALLS, "method", "status"
        )
        self._stage_seconds = self._histogram("zorky_stage_seconds", "A picture's time in a stage", _PARTS, "stage")
        self._wait_seconds = self._histogram("zorky_wait_seconds", "A job's wait for a worker", _PARTS, "lane")
        self._batch_items = self._histogram("zorky_batch_items", "Model calls run as one batch", _ITEMS, "model")
        self._model_seconds = self._histogram("zorky_model_seconds", "Wall time of a batch", _PARTS, "model")
        self._model_cpu = self._counter("zorky_model_cpu_seconds", "Processor time of the calling thread", "model")
        self._pixels = self._counter("zorky_pixels", "Pixels of pictures that models were given", "model")
        self._padding = self._counter("zorky_padding_pixels", "Pixels added to fill batches", "model")
        self._shed = self._counter("zorky_shed", "Requests refused before any work", "reason", known=("full", "late"))
        self._cancelled = Counter("zorky_cancelled", "Requests whose caller left", registry=self._registry)
        self._expired = Counter("zorky_expired", "Requests whose deadline passed inside", registry=self._registry)
        self._reloads = self._counter(
            "zorky_reloads", "Reloads of the models", "outcome", known=("switched", "refused")
        )
        self._lookups = self._counter(
            "zorky_cache_lookups", "Pictures looked for in the cache", "outcome", known=("hit", "miss")
        )
        self._model = Info("zorky_model", "The model that reads", registry=self._registry)
        for lane in _LANES:
            self._wait_seconds.labels(lane)

    def called(self, method: str, status: str, seconds: float) -> None:
        """A call ended, or an item of a stream. status: a gRPC status code's name."""
        self._requests.labels(method, status).inc()
        self._request_seconds.labels(method, status).observe(seconds)

    def staged(self, stages: Mapping[str, float]) -> None:
        """A picture was read. stages: seconds by name, `queue` among them."""
        for stage, seconds in stages.items():
            self._stage_seconds.labels(stage).observe(seconds)

    def ran(self, model: str, items: int, seconds: float, cpu_seconds: float, used: int, padding: int) -> None:
        """A session ran one batch of `items` calls. used, padding: pixels of content, and to fill the batch."""
        self._batch_items.labels(model).observe(items)
        self._model_seconds.labels(model).observe(seconds)
        self._model_cpu.labels(model).inc(cpu_seconds)
        self._pixels.labels(model).inc(used)
        self._padding.labels(model).inc(padding)

    def waited(self, lane: str, seconds: float) -> None:
        """A job waited this long until a worker took it."""
        self._wait_seconds.labels(lane).observe(seconds)

    def shed(self, reason: Reason) -> None:
        """A request was refused before any work."""
        self._shed.labels(reason).inc()

    def cancelled(self) -> None:
        """A caller left before the answer."""
        self._cancelled.inc()

    def expired(self) -> None:
        """A deadline passed before the answer."""
        self._expired.inc()

    def looked_up(self, hit: bool) -> None:
        """A picture was looked for in the cache, and found or not."""
        self._lookups.labels("hit" if hit else "miss").inc()

    def reloaded(self, outcome: Reloaded) -> None:
        """A reload of the models ended."""
        self._reloads.labels(outcome).inc()

    def model(self, identity: Identity) -> None:
        """From now on this model reads, instead of the one before."""
        labels = {"version": identity.version, "sha256": identity.sha256, "calibration": identity.calibration}
        self._model.info({"name": identity.name, **labels})

    def watch(self, inside: Callable[[], int], pending: Callable[[], Mapping[str, int]]) -> None:
        """What to ask at each scrape, on its thread. inside: requests; pending: waiting jobs of every lane."""
        Gauge("zorky_inside", "Requests inside", registry=self._registry).set_function(inside)
        waiting = Gauge("zorky_pending", "Jobs that wait for a worker", ["lane"], registry=self._registry)
        for lane in _LANES:
            waiting.labels(lane).set_function(partial(_of, pending, lane))

    def serve(self, host: str, port: int) -> int:
        """Takes the port, or a free one for 0, and answers GET /metrics on threads of its own until `close`.

        Returns the port. Raises CannotExpose.
        """
        self._page = _Page(host, port, self._registry)
        threading.Thread(target=self._page.serve_forever, args=(_LOOK,), name="metrics", daemon=True).start()
        return int(self._page.server_address[1])

    def close(self) -> None:
        """Gives the port back, when there is one."""
        if self._page:
            self._page.shutdown()
            self._page.server_close()
            self._page = None

    def _counter(self, name: str, about: str, *labels: str, known: tuple[str, ...] = ()) -> Counter:
        """known: values of its label, which begin at 0: a rate misses the first event of a series that begins late."""
        counter = Counter(name, about, labels, registry=self._registry)
        for value in known:
            counter.labels(value)
        return counter

    def _histogram(self, name: str, about: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(name, about, labels, registry=self._registry, buckets=buckets)


def _of(pending: Callable[[], Mapping[str, int]], lane: str) -> int:
    return pending()[lane]


class _Page(ThreadingTCPServer):
    """Not http.server's: that one asks the name service who we are before it listens."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), _Answer.factory(registry))
        except OSError as error:
            raise CannotExpose(f"cannot serve metrics on {host}:{port}: {error.strerror}") from error

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (socketserver's)
        """One line, where the library would write a traceback of its own between ours."""
        log.warning("scrape failed", exc_info=True)


class _Answer(MetricsHandler):
    timeout = 10.0
    """Seconds for which one who asks may be silent."""

    def do_GET(self) -> None:  # noqa: N802 (http.server's)
        if urlsplit(self.path).path == "/metrics":
            super().do_GET()
        else:
            self.send_error(404)
