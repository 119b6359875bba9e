"""What every call of ours goes through: a request id, statuses from the error table, one line in the log."""

from __future__ import annotations

import asyncio
import re
import time
import traceback
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc
import structlog
from google.protobuf.message import DecodeError
from structlog.contextvars import bound_contextvars

from .errors import Fault, Undecodable, fault_of, trailers_of

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

REQUEST_ID = "x-request-id"
_SANE_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")

log = structlog.get_logger("zorky.calls")


class Calls(grpc.aio.ServerInterceptor):
    """Wraps the methods of our own services, and knows when none is running. Leaves health and reflection alone."""

    def __init__(self) -> None:
        self._running = 0
        self._none_running = asyncio.Event()
        self._none_running.set()

    async def finished(self) -> None:
        """Returns when no call of ours is running, its answer sent included."""
        await self._none_running.wait()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """The handler of a method of ours, wrapped."""
        handler, method = await continuation(handler_call_details), handler_call_details.method
        if handler is None or not method.startswith("/zorky."):
            return handler
        return self._stream(handler, method) if handler.request_streaming else self._unary(handler, method)

    def _unary(self, handler: Handler, method: str) -> Handler:
        behaviour: Any = handler.unary_unary

        async def answer(request: Any, context: Context) -> Any:
            try:
                async with self._call(method, context) as request_id:
                    response = await behaviour(_decoded(request), context)
                    # Only now: a call whose headers are out is never retried by the caller's retry policy.
                    await context.send_initial_metadata(((REQUEST_ID, request_id),))
                    return response
            finally:
                del request  # or else it stays with this frame in the AbortError, which its own context holds

        return grpc.unary_unary_rpc_method_handler(answer, _lenient(handler), handler.response_serializer)

    def _stream(self, handler: Handler, method: str) -> Handler:
        behaviour: Any = handler.stream_stream

        async def answer(requests: AsyncIterator[Any], context: Context) -> None:
            async with self._call(method, context) as request_id:
                await context.send_initial_metadata(((REQUEST_ID, request_id),))
                await behaviour((_decoded(request) async for request in requests), context)

        return grpc.stream_stream_rpc_method_handler(answer, _lenient(handler), handler.response_serializer)

    @asynccontextmanager
    async def _call(self, method: str, context: Context) -> AsyncIterator[str]:
        """One call: yields its request id, logs how it went and gives the caller the status of what it raised."""
        self._enter(context)
        started, request_id = time.monotonic(), _request_id(context)
        with bound_contextvars(request_id=request_id, method=method):
            try:
                yield request_id
            except asyncio.CancelledError:
                log_outcome("call", started, "CANCELLED")
                raise
            except Exception as error:
                fault = logged_fault("call", started, error)
                trailers = (*trailers_of(fault), (REQUEST_ID, request_id))
                await context.abort(fault.code, fault.message, trailers)
            log_outcome("call", started, "OK")

    def _enter(self, context: Context) -> None:
        self._running += 1
        self._none_running.clear()
        context.add_done_callback(self._leave)  # type: ignore[arg-type]  # the stubs name a class where any callable does

    def _leave(self, _: object) -> None:
        self._running -= 1
        if not self._running:
            self._none_running.set()


def log_outcome(event: str, started: float, status: str) -> None:
    """The log line of a call or an item that did not fail. started: moment of time.monotonic()."""
    log.info(event, status=status, seconds=round(time.monotonic() - started, 4))


def logged_fault(event: str, started: float, error: Exception) -> Fault:
    """What the caller is told of an exception; logs it, with the traceback when we are at fault."""
    fault = fault_of(error)
    fields = {"status": fault.code.name, "reason": fault.reason, "seconds": round(time.monotonic() - started, 4)}
    if fault.is_ours:
        log.error(event, message=fault.message, exc_info=error, **fields)
    else:
        log.info(event, **fields)
    # The frames hold the picture, and with the exception they form a cycle: do not wait for the garbage collector.
    traceback.clear_frames(error.__traceback__)
    return fault


def _request_id(context: Context) -> str:
    """The caller's, when it is fit for a log; else a new one."""
    sent = dict(context.invocation_metadata() or ()).get(REQUEST_ID, "")
    return sent if isinstance(sent, str) and _SANE_ID.fullmatch(sent) else uuid.uuid4().hex


def _lenient(handler: Handler) -> Callable[[bytes], Any]:
    """A deserialiser that returns what it would raise: what it raises reaches no interceptor and becomes UNKNOWN."""
    decode: Any = handler.request_deserializer

    def deserialize(raw: bytes) -> Any:
        try:
            return decode(raw)
        except DecodeError:
            return Undecodable("the request's bytes are not the message that this method takes")

    return deserialize


def _decoded(request: Any) -> Any:
    if isinstance(request, Undecodable):
        raise request
    return request
