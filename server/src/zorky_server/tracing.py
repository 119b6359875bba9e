"""Traces of calls, sent to the collector that OpenTelemetry's own variables name. Where they name none nothing is
traced, and a caller's trace id still reaches the log."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from importlib.metadata import version

import grpc
from opentelemetry.context import Context
from opentelemetry.trace import NoOpTracer, Span, SpanKind, StatusCode, Tracer, format_trace_id, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""The variable that turns tracing on: where a collector takes OTLP over gRPC, as http://localhost:4317."""
_PARENT = "traceparent"
_FLUSH = 2.0
"""Seconds that the last spans have to leave when the server stops; a collector that is down must not hold it up."""
_OUR_FAULTS = {
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.UNKNOWN,
}
"""With which OpenTelemetry wants a server's span marked as failed."""

Field = str | int | float


class CannotTrace(Exception):
    """Raised when tracing is asked for and cannot be done; the message says what to do."""


class Tracing:
    """The spans of one server: one a call, one an item of a stream, one a stage. They hold what the log holds."""

    def __init__(self) -> None:
        """Reads the environment. Raises CannotTrace."""
        self._tracer, self._flush = _sending() if os.environ.get(ENDPOINT) else (NoOpTracer(), _nothing)

    def call(self, method: str, metadata: Mapping[str, str]) -> AbstractContextManager[Span]:
        """The span of a call, under the caller's own when its metadata names one. method: as in zorky.v1.X/Y."""
        parent = {_PARENT: metadata[_PARENT]} if _PARENT in metadata else {}
        return self._span(method, SpanKind.SERVER, TraceContextTextMapPropagator().extract(parent))

    def item(self, method: str) -> AbstractContextManager[Span]:
        """The span of one item of the stream that is being answered."""
        return self._span(method, SpanKind.INTERNAL, None)

    def draw(self, stages: Mapping[str, float]) -> None:
        """Spans of a picture's stages that end now, laid one after another. stages: seconds by name."""
        moment = time.time_ns() - round(sum(stages.values()) * 1e9)
        for stage, seconds in stages.items():
            span = self._tracer.start_span(stage, start_time=moment)
            moment += round(seconds * 1e9)
            span.end(moment)

    def close(self) -> None:
        """Sends what is left, within two seconds."""
        self._flush()

    def _span(self, name: str, kind: SpanKind, context: Context | None) -> AbstractContextManager[Span]:
        """Without exceptions: what they say may be what people wrote."""
        return self._tracer.start_as_current_span(
            name, context, kind, record_exception=False, set_status_on_exception=False
        )


def trace_id() -> str | None:
    """Of the current span, in hexadecimal digits; None when there is none."""
    context = get_current_span().get_span_context()
    return format_trace_id(context.trace_id) if context.is_valid else None


def describe(fields: Mapping[str, Field]) -> None:
    """Adds to the current span what the log says of it. Never a picture, a text or a user key."""
    get_current_span().set_attributes({f"zorky.{name}": value for name, value in fields.items()})


def ended(status: grpc.StatusCode) -> None:
    """How the call or item of the current span ended."""
    span = get_current_span()
    span.set_attribute("rpc.system", "grpc")
    span.set_attribute("rpc.grpc.status_code", status.value[0])
    if status in _OUR_FAULTS:
        span.set_status(StatusCode.ERROR)


def _sending() -> tuple[Tracer, Callable[[], None]]:
    """A tracer whose spans go to the collector, and how to send those that are left."""
    try:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise CannotTrace(
            f"{ENDPOINT} is set, and tracing is not installed: pip install 'zorky-server[otel]'"
        ) from error
    ours = Resource.create({"service.name": "zorky-server", "service.version": version("zorky-server")})
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
    exporter = OTLPSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))

    def flush() -> None:
        sending = threading.Thread(target=provider.shutdown, name="last spans", daemon=True)
        sending.start()
        sending.join(_FLUSH)
        if sending.is_alive():
            exporter.shutdown()

    return provider.get_tracer("zorky"), flush


def _nothing() -> None:
    """Where nothing is traced, nothing is left to send."""
