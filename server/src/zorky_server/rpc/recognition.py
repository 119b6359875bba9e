"""RecognitionService: one picture, or many over one call."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Mapping
from statistics import fmean
from time import monotonic
from typing import Protocol

from google.protobuf.json_format import MessageToJson

from zorky.v1 import recognition_pb2, recognition_service_pb2_grpc
from zorky.v1.recognition_service_pb2 import (
    RecognizeRequest,
    RecognizeResponse,
    RecognizeStreamRequest,
    RecognizeStreamResponse,
)

from ..runtime.cache import Cache
from ..runtime.engine import Engine, Outcome
from ..runtime.sessions import Session
from ..store import ResultRecord, Store
from ..tasks.handwriting.model import ModelIdentity
from ..tasks.handwriting.picture import Limits
from ..tasks.handwriting.scripts import language_of
from ..tasks.handwriting.values import Reading, ReadOptions, Steps
from .answers import recognition_of, result_of
from .calls import Context, client_of, deadline_of, metadata_of
from .errors import item_error_of
from .journal import Journal
from .requests import Wanted, checked_name, wanted_of

_STREAM = "/zorky.v1.RecognitionService/RecognizeStream"

Readings = Cache[tuple[str, Reading]]
"""Readings of pictures that may be kept, each with the last result that gave it."""


class Reader(Protocol):
    """The task, as far as this side knows it."""

    identity: ModelIdentity
    languages: tuple[str, ...]
    limits: Limits

    def read(self, file: bytes, options: ReadOptions) -> Steps:
        """Steps from the bytes of a picture file to its Reading."""
        ...


class Loaded(Protocol):
    """One model: how it reads, and the sessions that it calls."""

    @property
    def reader(self) -> Reader:
        """How it reads."""
        ...

    @property
    def sessions(self) -> Mapping[str, Session]:
        """By the names that the reader calls them."""
        ...


class Models(Protocol):
    """The model that serves now; another one may at any time."""

    @property
    def current(self) -> Loaded:
        """To be asked once a request, which then keeps it."""
        ...


class RecognitionServicer(recognition_service_pb2_grpc.RecognitionServiceServicer):
    """Reads pictures and remembers that it did."""

    def __init__(
        self,
        models: Models,
        engine: Engine,
        store: Store,
        journal: Journal,
        *,
        stream_items: int,
        readings: Readings | None = None,
    ) -> None:
        """stream_items: pictures of one RecognizeStream call that are worked on at once. readings: asked before the
        engine, and told what it answers."""
        self._models = models
        self._engine = engine
        self._store = store
        self._journal = journal
        self._stream_items = stream_items
        self._readings = readings

    async def Recognize(self, request: RecognizeRequest, context: Context) -> RecognizeResponse:  # noqa: N802 (gRPC's)
        """Reads one picture."""
        result = await self._result(request, client_of(metadata_of(context)), deadline_of(context))
        return RecognizeResponse(result=result)

    async def RecognizeStream(  # type: ignore[override]  # noqa: N802  (grpc.aio takes a coroutine that writes)
        self, requests: AsyncIterator[RecognizeStreamRequest], context: Context
    ) -> None:
        """Reads many pictures. Takes no more from the transport than is worked on: flow control holds back the rest."""
        slots, writing = asyncio.Semaphore(self._stream_items), asyncio.Lock()
        client = client_of(metadata_of(context))

        async def answer(request: RecognizeStreamRequest) -> None:
            try:
                response = await self._item(request, client, deadline_of(context))
                async with writing:
                    await context.write(response)
            finally:
                slots.release()

        async with asyncio.TaskGroup() as group:
            await slots.acquire()
            async for request in requests:
                group.create_task(answer(request))
                await slots.acquire()

    async def _item(self, request: RecognizeStreamRequest, client: str, deadline: float) -> RecognizeStreamResponse:
        """The answer to one item: a result, or what Recognize would have answered as its status."""
        with self._journal.item(_STREAM, client, deadline) as entry:
            try:
                checked_name(request.item_id, "item_id")
                result = await self._result(request, client, deadline)
            except Exception as error:
                return RecognizeStreamResponse(item_id=request.item_id, error=item_error_of(entry.failed(error)))
            entry.ended()
            return RecognizeStreamResponse(item_id=request.item_id, result=result)

    async def _result(
        self, request: RecognizeRequest | RecognizeStreamRequest, client: str, deadline: float
    ) -> recognition_pb2.RecognitionResult:
        image, model = request.image, self._models.current
        identity = model.reader.identity
        self._journal.describe(image_bytes=len(image), model=identity.version)
        wanted = wanted_of(request.options, identity.name, model.reader.languages)
        question = await self._question(image, wanted)
        outcome = await self._known(identity, question) or await self._engine.run(
            model.reader.read(image, wanted.read),
            model.sessions,
            kind=(wanted.read.layout, len(image).bit_length()),  # pictures of about one size cost about the same
            deadline=deadline,
            lane=wanted.lane,
        )
        recognition = recognition_of(outcome.value)
        result = result_of(uuid.uuid4().hex, recognition, identity, outcome)
        self._describe(result.result_id, outcome)
        kept = MessageToJson(recognition, indent=None) if wanted.keeps_picture else None
        await self._store.record(_record(result.result_id, identity, client, wanted.user_key, image, outcome, kept))
        if self._readings and question:
            self._readings.put(identity.sha256, question, (result.result_id, outcome.value))
        return result

    async def _question(self, image: bytes, wanted: Wanted) -> bytes:
        """What tells one reading from another. Empty where nothing may be remembered."""
        if self._readings is None or not wanted.keeps_picture:
            return b""
        return (await asyncio.to_thread(hashlib.sha256, image)).digest() + repr(wanted.read).encode()

    async def _known(self, model: ModelIdentity, question: bytes) -> Outcome[Reading] | None:
        """The reading from the cache, as long as the picture that it was made of is kept."""
        if self._readings is None or not question:
            return None
        arrived, found = monotonic(), self._readings.get(model.sha256, question)
        known = found is not None and await self._store.keeps(found[0])
        self._journal.looked_up(known)
        return Outcome(found[1], {}, 0.0, monotonic() - arrived, 0) if found and known else None

    def _describe(self, result_id: str, outcome: Outcome[Reading]) -> None:
        """Adds to the journal what may be known of a result: nothing of what the picture shows."""
        picture = f"{outcome.value.width}x{outcome.value.height}"
        self._journal.describe(result_id=result_id, picture=picture, batch=outcome.largest_batch)
        self._journal.staged(outcome.queue, outcome.stages)


def _record(
    result_id: str,
    model: ModelIdentity,
    client: str,
    user_key: str,
    image: bytes,
    outcome: Outcome[Reading],
    kept: str | None,
) -> ResultRecord:
    reading = outcome.value
    confidences = [word.confidence for line in reading.lines for word in line.words]
    return ResultRecord(
        result_id=result_id,
        user_key=user_key,
        model=model.name,
        model_version=model.version,
        model_sha256=model.sha256,
        calibration=model.calibration,
        image=image,
        width=reading.width,
        height=reading.height,
        timings={**outcome.stages, "queue": outcome.queue, "total": outcome.total},
        words_per_line=tuple(len(line.words) for line in reading.lines),
        confidence=fmean(confidences) if confidences else None,
        client=client,
        language=language_of(reading.text),
        kept=kept,
    )
