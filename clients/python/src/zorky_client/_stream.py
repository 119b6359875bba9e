"""The pictures of one stream: which to send next, which are on their way, what became of each.

Knows neither threads nor event loops: the two clients carry its requests out and bring it the answers.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from zorky.v1.recognition_service_pb2 import RecognizeStreamRequest, RecognizeStreamResponse
from zorky_client import errors, results
from zorky_client._calls import Image, RecognitionOptions, options_message, read
from zorky_client._channel import MAX_ATTEMPTS
from zorky_client.errors import ServerFault, Unavailable, ZorkyError
from zorky_client.results import Recognition

Outcome: TypeAlias = Recognition | ZorkyError | OSError
"""What became of one picture: its reading, or why there is none (OSError: its file could not be read)."""
Images: TypeAlias = Iterable[str | os.PathLike[str] | tuple[str, Image]]
"""Pictures by their paths, or pairs of a name of the caller's own and a picture."""


@dataclass(slots=True)
class _Flying:
    """A picture that was sent and not yet answered."""

    item_id: str
    request: RecognizeStreamRequest
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class Retry:
    """A request to send again after `delay` seconds."""

    delay: float
    request: RecognizeStreamRequest


class Flight:
    """The state of one stream. At most `concurrency` pictures are in memory and on their way at once.

    Raises:
        ValueError: concurrency is less than 1, or an option has a word that the contract does not have.
    """

    def __init__(self, images: Images, options: RecognitionOptions, concurrency: int) -> None:
        if concurrency < 1:
            raise ValueError(f"concurrency must be 1 or more, not {concurrency}")
        self._images = iter(images)
        self._options = options_message(options)
        self._concurrency = concurrency
        self._flying: dict[str, _Flying] = {}
        self._landed: deque[tuple[str, Outcome]] = deque()
        self._sent = 0

    @property
    def over(self) -> bool:
        """Whether everything that was sent has been answered; after `requests` that means: everything there is."""
        return not self._flying

    def requests(self) -> Iterator[RecognizeStreamRequest]:
        """The pictures to send now. Takes images and reads files, so it may block."""
        while len(self._flying) < self._concurrency:
            if (image := next(self._images, None)) is None:
                return
            item_id, source = image if isinstance(image, tuple) else (os.fspath(image), image)
            try:
                yield self._take_off(item_id, read(source))
            except OSError as error:
                self._landed.append((item_id, error))

    def outcomes(self) -> Iterator[tuple[str, Outcome]]:
        """What became of pictures since the last call."""
        while self._landed:
            yield self._landed.popleft()

    def receive(self, answer: RecognizeStreamResponse | None) -> Retry | None:
        """Takes an answer, or None for the end of the stream; returns what to send again, if anything.

        Raises:
            ServerFault: the stream ended too early, or the answer is to nothing that was asked.
        """
        if answer is None:
            raise ServerFault(f"the server ended the stream and left {len(self._flying)} pictures unanswered")
        if (flying := self._flying.get(answer.item_id)) is None:
            raise ServerFault("the server answered something that was not asked")
        outcome = _outcome(answer)
        if isinstance(outcome, Unavailable) and outcome.retry_after is not None and flying.attempts < MAX_ATTEMPTS:
            flying.attempts += 1
            return Retry(outcome.retry_after, flying.request)
        del self._flying[answer.item_id]
        self._landed.append((flying.item_id, outcome))
        return None

    def _take_off(self, item_id: str, image: bytes) -> RecognizeStreamRequest:
        # The caller's names may be longer than the contract allows and need not be unique: numbers travel.
        number = str(self._sent)
        self._sent += 1
        request = RecognizeStreamRequest(item_id=number, image=image, options=self._options)
        self._flying[number] = _Flying(item_id, request)
        return request


def _outcome(answer: RecognizeStreamResponse) -> Recognition | ZorkyError:
    match answer.WhichOneof("outcome"):
        case "result":
            return results.recognition(answer.result)
        case "error":
            return errors.from_item(answer.error)
        case _:
            return ServerFault("the server answered with neither a result nor an error")
