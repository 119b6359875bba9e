"""The client that blocks."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import grpc

from zorky.v1.recognition_service_pb2 import RecognizeStreamRequest, RecognizeStreamResponse
from zorky_client import _calls, errors
from zorky_client._calls import Call, FeedbackOptions, Image, RecognitionOptions, Stubs
from zorky_client._channel import DEFAULT_TIMEOUT, Connection, Tls, default_server
from zorky_client._stream import Flight, Images, Outcome
from zorky_client.errors import DeadlineExceeded
from zorky_client.reports import DeletedData, Report
from zorky_client.results import Feedback, ModelIdentity, Quad, Recognition, ServerInfo

T = TypeVar("T")

POLL_SECONDS = 0.1
DEFAULT_CONCURRENCY = 4


class Client:
    """Reads handwriting at a Zorky server. May be used from several threads at once; close it, or use `with`.

    Args:
        server: "host:port". Default: what the environment variable ZORKY_SERVER says, or "localhost:50051".
        tls: how to encrypt; None for plain text.
        token: sent with every call; over plain text only to this machine itself.
        timeout: seconds that a call may take, retries included, when it says nothing else itself.

    Every method raises ZorkyError (see zorky_client.errors) when the server refuses or cannot be reached. Calls that
    the server is too busy for (UNAVAILABLE) are repeated by themselves, as long as the timeout allows.

    Raises:
        ValueError: the timeout is not positive, the token is none, or it would leave this machine unencrypted.
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
        self._channel: grpc.Channel = self._connection.open(grpc.insecure_channel, grpc.secure_channel)
        self._stubs = Stubs(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection; calls under way fail."""
        self._channel.close()

    def recognize(
        self, image: Image, *, timeout: float | None = None, **options: Unpack[RecognitionOptions]
    ) -> Recognition:
        """Reads one picture: the bytes of its file, or its path. The options are those of RecognitionOptions.

        Raises:
            OSError: the file cannot be read.
            ValueError: an option has a word that the contract does not have.
            InvalidRequest: the server cannot make sense of the picture or of an option.
        """
        return self._send(_calls.recognize(image, options), timeout)

    def recognize_many(
        self,
        images: Images,
        *,
        concurrency: int = DEFAULT_CONCURRENCY,
        timeout: float | None = None,
        **options: Unpack[RecognitionOptions],
    ) -> Iterator[tuple[str, Outcome]]:
        """Reads many pictures over one call; yields each one's name and outcome as soon as it is there, in any order.

        Args:
            images: paths, which are their own names, or pairs of a name and a picture. Taken as room is made.
            concurrency: pictures on their way at once.
            timeout: seconds to wait for the next answer.

        What is wrong with one picture is yielded (ZorkyError, or OSError for a file that cannot be read); what is wrong
        with the whole call is raised.
        """
        return self._fly(Flight(images, options, concurrency), self._connection.limit(timeout))

    def rate(
        self,
        result: Recognition | str,
        *,
        good: bool,
        timeout: float | None = None,
        **options: Unpack[FeedbackOptions],
    ) -> Feedback:
        """Says whether a result, given itself or by its result_id, was good enough to use."""
        return self._send(_calls.rate(result, good, options), timeout)

    def correct_text(
        self, result: Recognition | str, text: str, *, timeout: float | None = None, **options: Unpack[FeedbackOptions]
    ) -> Feedback:
        """Gives the whole text as it should have been read."""
        return self._send(_calls.correct_text(result, text, options), timeout)

    def correct_words(
        self,
        result: Recognition | str,
        words: Mapping[tuple[int, int], str],
        *,
        timeout: float | None = None,
        **options: Unpack[FeedbackOptions],
    ) -> Feedback:
        """Gives single words as they should have been read: {(line, word): text}, both counted from 0."""
        return self._send(_calls.correct_words(result, words, options), timeout)

    def add_missed(
        self,
        result: Recognition | str,
        lines: Sequence[tuple[Quad, str]],
        *,
        timeout: float | None = None,
        **options: Unpack[FeedbackOptions],
    ) -> Feedback:
        """Gives lines that were not found: where they stand in the picture, and what they say."""
        return self._send(_calls.add_missed(result, lines, options), timeout)

    def delete_user_data(self, user_key: str, *, timeout: float | None = None) -> DeletedData:
        """Deletes all that the server knows of one person. Needs the admin right.

        The server waits for those who still read what is deleted. So without a timeout this call is given 150 seconds,
        or the client's own timeout where that is longer.

        Raises:
            FailedPrecondition: all is deleted, but copies stay in the server's files as long as somebody reads them:
                call again later.
        """
        return self._send(_calls.delete_user_data(user_key), timeout)

    def report(
        self, *, start: datetime | None = None, end: datetime | None = None, timeout: float | None = None
    ) -> Report:
        """Figures of the use of the server, by default of the last 30 days. Needs the admin right."""
        return self._send(_calls.report(start, end), timeout)

    def reload_models(self, *, timeout: float | None = None) -> ModelIdentity:
        """Has the server look for new models now; returns the one that serves then. Needs the admin right.

        Raises:
            FailedPrecondition: the new ones cannot serve, and the one before goes on.
        """
        return self._send(_calls.reload_models(), timeout)

    def info(self, *, timeout: float | None = None) -> ServerInfo:
        """What the server is and what it accepts."""
        return self._send(_calls.info(), timeout)

    def health(self, service: str = "", *, timeout: float | None = None) -> bool:
        """Whether a service ("zorky.v1.RecognitionService"), or the whole server, is ready to work."""
        return self._send(_calls.health(service), timeout)

    def wait_ready(self, timeout: float | None = None) -> None:
        """Waits until the server is ready to work.

        Raises:
            DeadlineExceeded: it is not, after `timeout` seconds.
        """
        limit = self._connection.limit(timeout)
        end = time.monotonic() + limit
        try:
            while not self._send(_calls.health(""), max(end - time.monotonic(), 0), wait_for_ready=True):
                time.sleep(POLL_SECONDS)
        except DeadlineExceeded as error:
            raise self._connection.not_ready(limit) from error

    def _send(self, call: Call[T], timeout: float | None, **how: Any) -> T:
        """Makes a call; `how` goes to gRPC as it is."""
        limit = self._connection.limit(timeout, call.least_timeout)
        how.update(timeout=limit, metadata=self._connection.metadata)
        try:
            return call.convert(call.method(self._stubs)(call.request, **how))
        except grpc.RpcError as error:
            raise errors.from_call(error, self._connection.server) from error

    def _fly(self, flight: Flight, patience: float) -> Iterator[tuple[str, Outcome]]:
        outbox: SimpleQueue[RecognizeStreamRequest | None] = SimpleQueue()
        call = self._stubs.recognition.RecognizeStream(iter(outbox.get, None), metadata=self._connection.metadata)
        try:
            while True:
                for request in flight.requests():
                    outbox.put(request)
                yield from flight.outcomes()
                if flight.over:
                    break
                if retry := flight.receive(self._next(call, patience)):
                    _later(retry.delay, partial(outbox.put, retry.request))
            outbox.put(None)
            self._next(call, patience)
        finally:
            outbox.put(None)
            call.cancel()

    def _next(self, call: Any, patience: float) -> RecognizeStreamResponse | None:
        """The next answer of a stream, None at its end. Cancels the call when patience ends."""
        start = time.monotonic()
        watch = _later(patience, call.cancel)
        try:
            answer: RecognizeStreamResponse | None = next(call, None)
            return answer
        except grpc.RpcError as error:
            if time.monotonic() - start >= patience:
                raise self._connection.no_answer(patience) from error
            raise errors.from_call(error, self._connection.server) from error
        finally:
            watch.cancel()


def _later(seconds: float, action: Callable[[], object]) -> threading.Timer:
    """Does something later, unless cancelled or the program ends before."""
    timer = threading.Timer(seconds, action)
    timer.daemon = True
    timer.start()
    return timer
