"""What every call of ours goes through: a request id, an entry in the journal, statuses from the error table."""

from __future__ import annotations

import asyncio
import math
import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from .errors import Undecodable, trailers_of
from .journal import Journal

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

REQUEST_ID = "x-request-id"
_SANE_CLIENT = re.compile(r"[A-Za-z0-9._/+-]{1,64}")
_SANE_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


class Calls(grpc.aio.ServerInterceptor):
    """Wraps the methods of our own services, and knows when none is running. Leaves health and reflection alone."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
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
        """One call: yields its request id, tells how it went and gives the caller the status of what it raised."""
        self._enter(context)
        metadata = metadata_of(context)
        request_id, client = _request_id(metadata), client_of(metadata)
        with self._journal.call(method, request_id, client, metadata, deadline_of(context)) as entry:
            try:
                yield request_id
            except Exception as error:
                fault = entry.failed(error)
            else:
                entry.ended()
                return
        await context.abort(fault.code, fault.message, (*trailers_of(fault), (REQUEST_ID, request_id)))

    def _enter(self, context: Context) -> None:
        self._running += 1
        self._none_running.clear()
        context.add_done_callback(self._leave)  # type: ignore[arg-type]  # the stubs name a class where any callable does

    def _leave(self, _: object) -> None:
        self._running -= 1
        if not self._running:
            self._none_running.set()


def metadata_of(context: Context) -> dict[str, str]:
    """The call's metadata, without what is binary."""
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}


def client_of(metadata: Mapping[str, str]) -> str:
    """Which program calls, as its user agent names itself first; empty where that is not fit for a log."""
    name = metadata.get("user-agent", "").partition(" ")[0]
    return name if _SANE_CLIENT.fullmatch(name) else ""


def deadline_of(context: Context) -> float:
    """The moment of time.monotonic() at which the caller stops waiting; infinity when never."""
    remaining: float | None = context.time_remaining()
    return math.inf if remaining is None else time.monotonic() + remaining


def _request_id(metadata: Mapping[str, str]) -> str:
    """The caller's, when it is fit for a log; else a new one."""
    sent = metadata.get(REQUEST_ID, "")
    return sent if _SANE_ID.fullmatch(sent) else uuid.uuid4().hex


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
