"""The client for asyncio."""
# ruff: noqa: ASYNC109  a timeout here is the deadline that travels to the server with the call
# ruff: noqa: ASYNC110  the server's health lies in another process, which sets no event here

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import grpc
import grpc.aio

from zorky.v1.recognition_service_pb2 import RecognizeStreamRequest, RecognizeStreamResponse
from zorky_client import _calls, errors
from zorky_client._calls import Call, FeedbackOptions, Image, RecognitionOptions, Stubs
from zorky_client._channel import DEFAULT_TIMEOUT, Connection, Tls, default_server
from zorky_client._client import DEFAULT_CONCURRENCY, POLL_SECONDS
from zorky_client._stream import Flight, Images, Outcome
from zorky_client.errors import DeadlineExceeded
from zorky_client.reports import DeletedData, Report
from zorky_client.results import Feedback, ModelIdentity, Quad, Recognition, ServerInfo

T = TypeVar("T")


class AsyncClient:
    """Reads handwriting at a Zorky server, for asyncio: takes what Client takes and does what Client does.

    Make it where an event loop runs, and close it, or use `async with`. Files are read in a thread.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        tls: Tls | None = None,
        token: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        self._connection = Connection(server or default_server(), tls, token, timeout)
        self._channel: grpc.aio.Channel = self._connection.open(grpc.aio.insecure_channel, grpc.aio.secure_channel)
        self._stubs = Stubs(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """See Client.close."""
        await self._channel.close()

    async def recognize(
        self, image: Image, *, timeout: float | None = None, **options: Unpack[RecognitionOptions]
    ) -> Recognition:
        """See Client.recognize."""
        return await self._send(await asyncio.to_thread(_calls.recognize, image, options), timeout)

    def recognize_many(
        self,
        images: Images,
        *,
        concurrency: int = DEFAULT_CONCURRENCY,
        timeout: float | None = None,
        **options: Unpack[RecognitionOptions],
    ) -> AsyncIterator[tuple[str, Outcome]]:
        """See Client.recognize_many. `images` is iterated in a thread, so it may block."""
        return self._fly(Flight(images, options, concurrency), self._connection.limit(timeout))

    async def rate(
        self,
        result: Recognition | str,
        *,
        good: bool,
        timeout: float | None = None,
        **options: Unpack[FeedbackOptions],
    ) -> Feedback:
        """See Client.rate."""
        return await self._send(_calls.rate(result, good, options), timeout)

    async def correct_text(
        self, result: Recognition | str, text: str, *, timeout: float | None = None, **options: Unpack[FeedbackOptions]
    ) -> Feedback:
        """See Client.correct_text."""
        return await self._send(_calls.correct_text(result, text, options), timeout)

    async def correct_words(
        self,
        result: Recognition | str,
        words: Mapping[tuple[int, int], str],
        *,
        timeout: float | None = None,
        **options: Unpack[FeedbackOptions],
    ) -> Feedback:
        """See Client.correct_words."""
        return await self._send(_calls.correct_words(result, words, options), timeout)

    async def add_missed(
        self,
        result: Recognition | str,
        lines: Sequence[tuple[Quad, str]],
        *,
        timeout: float | None = None,
        **options: Unpack[FeedbackOptions],
    ) -> Feedback:
        """See Client.add_missed."""
        return await self._send(_calls.add_missed(result, lines, options), timeout)

    async def delete_user_data(self, user_key: str, *, timeout: float | None = None) -> DeletedData:
        """See Client.delete_user_data."""
        return await self._send(_calls.delete_user_data(user_key), timeout)

    async def report(
        self, *, start: datetime | None = None, end: datetime | None = None, timeout: float | None = None
    ) -> Report:
        """See Client.report."""
        return await self._send(_calls.report(start, end), timeout)

    async def reload_models(self, *, timeout: float | None = None) -> ModelIdentity:
        """See Client.reload_models."""
        return await self._send(_calls.reload_models(), timeout)

    async def info(self, *, timeout: float | None = None) -> ServerInfo:
        """See Client.info."""
        return await self._send(_calls.info(), timeout)

    async def health(self, service: str = "", *, timeout: float | None = None) -> bool:
        """See Client.health."""
        return await self._send(_calls.health(service), timeout)

    async def wait_ready(self, timeout: float | None = None) -> None:
        """See Client.wait_ready."""
        limit = self._connection.limit(timeout)
        end = time.monotonic() + limit
        try:
            while not await self._send(_calls.health(""), max(end - time.monotonic(), 0), wait_for_ready=True):
                await asyncio.sleep(POLL_SECONDS)
        except DeadlineExceeded as error:
            raise self._connection.not_ready(limit) from error

    async def _send(self, call: Call[T], timeout: float | None, **how: Any) -> T:
        """Makes a call; `how` goes to gRPC as it is."""
        limit = self._connection.limit(timeout, call.least_timeout)
        how.update(timeout=limit, metadata=self._connection.metadata)
        try:
            return call.convert(await call.method(self._stubs)(call.request, **how))
        except grpc.RpcError as error:
            raise errors.from_call(error, self._connection.server) from error

    async def _fly(self, flight: Flight, patience: float) -> AsyncIterator[tuple[str, Outcome]]:
        outbox: asyncio.Queue[RecognizeStreamRequest | None] = asyncio.Queue()
        send: Any = self._stubs.recognition.RecognizeStream
        call = send(_emptied(outbox), metadata=self._connection.metadata)
        try:
            while True:
                for request in await asyncio.to_thread(lambda: list(flight.requests())):
                    outbox.put_nowait(request)
                for outcome in flight.outcomes():
                    yield outcome
                if flight.over:
                    break
                if retry := flight.receive(await self._next(call, patience)):
                    asyncio.get_running_loop().call_later(retry.delay, outbox.put_nowait, retry.request)
            outbox.put_nowait(None)
            await self._next(call, patience)
        finally:
            call.cancel()

    async def _next(self, call: Any, patience: float) -> RecognizeStreamResponse | None:
        """The next answer of a stream, None at its end. Cancels the call when patience ends."""
        try:
            async with asyncio.timeout(patience):
                answer = await call.read()
        except TimeoutError as error:
            raise self._connection.no_answer(patience) from error
        except grpc.RpcError as error:
            raise errors.from_call(error, self._connection.server) from error
        return None if answer is grpc.aio.EOF else answer


async def _emptied(outbox: asyncio.Queue[RecognizeStreamRequest | None]) -> AsyncIterator[RecognizeStreamRequest]:
    while (request := await outbox.get()) is not None:
        yield request
