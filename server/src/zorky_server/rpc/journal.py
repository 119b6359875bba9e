"""What is told of each call and each item of a stream: a line in the log, counts, a span. Never a picture or a text."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import grpc
import structlog
from structlog.contextvars import bind_contextvars, bound_contextvars

from .. import tracing
from ..metrics import Metrics
from .errors import Fault, fault_of
from .failures import Failures

log = structlog.get_logger("zorky.calls")


class Journal:
    """Tells log, metrics and traces of one server the same."""

    def __init__(self, metrics: Metrics, traces: tracing.Tracing, failures: Failures) -> None:
        self._metrics = metrics
        self._traces = traces
        self._failures = failures

    @contextmanager
    def call(
        self, method: str, request_id: str, client: str, metadata: Mapping[str, str], deadline: float
    ) -> Iterator[Entry]:
        """The entry of a call. method: as in /zorky.v1.X/Y. client: which program calls. deadline: moment of
        time.monotonic()."""
        with (
            self._traces.call(method[1:], metadata),
            bound_contextvars(**_ids(request_id), method=method, client=client),
            self._entry("call", method, client, deadline) as entry,
        ):
            tracing.describe({"request_id": request_id})
            yield entry

    @contextmanager
    def item(self, method: str, client: str, deadline: float) -> Iterator[Entry]:
        """The entry of one item of a stream, within the entry of its call."""
        name = f"{method}.item"
        with self._traces.item(name[1:]), self._entry("item", name, client, deadline) as entry:
            yield entry

    def describe(self, **fields: tracing.Field) -> None:
        """Adds to the current entry. Nothing of what a picture shows."""
        bind_contextvars(**fields)
        tracing.describe(fields)

    def looked_up(self, hit: bool) -> None:
        """The current entry's picture was looked for in the cache."""
        self._metrics.looked_up(hit)
        self.describe(cached=hit)

    def staged(self, queue: float, stages: Mapping[str, float]) -> None:
        """Adds where a picture's time went until now: seconds of waiting, and of each stage."""
        bind_contextvars(queue=round(queue, 4), stages={stage: round(seconds, 4) for stage, seconds in stages.items()})
        self._traces.draw({"queue": queue, **stages})

    @contextmanager
    def _entry(self, event: str, method: str, client: str, deadline: float) -> Iterator[Entry]:
        entry = Entry(self._metrics, self._failures, event, method, client)
        try:
            yield entry
        except asyncio.CancelledError:  # the transport cancels those who left and those whose time is up
            gone = grpc.StatusCode.CANCELLED if time.monotonic() < deadline else grpc.StatusCode.DEADLINE_EXCEEDED
            entry.ended(gone)
            raise


class Entry:
    """One call or item. Ends once: `ended` or `failed`; when it is cancelled, by itself."""

    def __init__(self, metrics: Metrics, failures: Failures, event: str, method: str, client: str) -> None:
        self._metrics = metrics
        self._failures = failures
        self._event = event
        self._method = method.rpartition(".v1.")[2]
        self._client = client
        self._started = time.monotonic()

    def ended(self, status: grpc.StatusCode = grpc.StatusCode.OK) -> None:
        """It did not fail."""
        log.info(self._event, status=status.name, seconds=self._count(status))

    def failed(self, error: Exception) -> Fault:
        """What the caller is told of an exception. The log gets the traceback when we are at fault."""
        fault = fault_of(error)
        tracing.describe({"reason": fault.reason})
        fields = {"status": fault.code.name, "reason": fault.reason, "seconds": self._count(fault.code, fault.reason)}
        if fault.is_ours:
            log.error(self._event, message=fault.message, exc_info=error, **fields)
        else:
            log.info(self._event, **fields)
        # The frames hold the picture, and with the exception they form a cycle: do not wait for the garbage collector.
        traceback.clear_frames(error.__traceback__)
        return fault

    def _count(self, status: grpc.StatusCode, reason: str = "") -> float:
        """Returns the seconds that it took."""
        seconds = time.monotonic() - self._started
        self._metrics.called(self._method, status.name, seconds)
        if status is not grpc.StatusCode.OK:
            self._failures.count(self._method, self._client, status.name, reason)
        tracing.ended(status)
        return round(seconds, 4)


def _ids(request_id: str) -> dict[str, str]:
    trace_id = tracing.trace_id()
    return {"request_id": request_id} | ({"trace_id": trace_id} if trace_id else {})
