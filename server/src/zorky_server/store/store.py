"""Keeps result records and feedback. What a method has returned from is on disk."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncConnection

from . import deletion, ledger, logbook
from .database import Database
from .pictures import Pictures
from .schema import results
from .secret import keyed_digest, keyed_hash
from .values import Consented, Deleted, Failure, Feedback, Promotion, Receipt, ResultRecord
from .writer import Writer

T = TypeVar("T")

_PICTURES_AT_ONCE = 16
"""Written, read or deleted."""
_NOT_IN_RESULTS = ("user_key", "image", "kept")


class Store:
    """Records, feedback and kept pictures. Opened by `opening.open_store`."""

    def __init__(self, database: Database, pictures: Pictures, secret: bytes, lifetime: float) -> None:
        """lifetime: seconds for which feedback for a result is accepted."""
        self._database = database
        self._writer = Writer(database)
        self._pictures = pictures
        # Of its own: a place that does not answer must hold up nobody but those whose picture is kept.
        self._threads = ThreadPoolExecutor(_PICTURES_AT_ONCE, "pictures")
        self._secret = secret
        self._lifetime = round(lifetime * 1e6)

    async def record(self, record: ResultRecord) -> None:
        """Keeps that a result was given, and its picture when that is allowed."""
        await self._writer.finish(self._record(record))

    async def keeps(self, result_id: str) -> bool:
        """Whether the picture and the reading of a result are kept."""
        async with self.snapshot() as connection:
            return await connection.run_sync(ledger.keeps, result_id, _now())

    async def add_feedback(self, feedback: Feedback) -> Receipt:
        """Keeps feedback once, however often it comes.

        Raises UnknownResult, RequestIdReused, NoSuchWord or OutsidePicture.
        """
        return await self._writer.finish(self._add_feedback(feedback))

    async def consented(self, since: int = 0) -> list[Consented]:
        """Feedback from the moment `since` on that may be used for training and whose picture is kept, the oldest
        first."""
        async with self.snapshot() as connection:
            return await connection.run_sync(ledger.consented, since)

    async def picture(self, result_id: str) -> bytes:
        """The picture of a result as it was uploaded. Raises FileNotFoundError when it is not kept."""
        return await self._reach(self._pictures.read, result_id)

    async def delete_user(self, user_key: str) -> Deleted:
        """Deletes all that is known of one person."""
        return await self._writer.finish(self._delete(results.c.user_hash == keyed_hash(self._secret, user_key)))

    async def purge(self, older_than: float) -> Deleted:
        """Deletes results given more than `older_than` seconds ago, with all that was said of them, and the counts of
        failures of hours that ended before."""
        return await self._writer.finish(self._purge(max(0, _now() - round(older_than * 1e6))))

    async def count_failures(self, counts: Mapping[Failure, int]) -> None:
        """Adds to the counts of calls that were not answered with OK."""
        await self._writer.finish(self._writer.write(partial(logbook.count_failures, counts=dict(counts))))

    async def add_promotion(self, promotion: Promotion) -> None:
        """Keeps what became of a model."""
        await self._writer.finish(self._writer.write(partial(logbook.add_promotion, promotion=promotion)))

    async def promotions(self) -> list[Promotion]:
        """What became of models, the oldest first."""
        async with self.snapshot() as connection:
            return await connection.run_sync(logbook.all_promotions)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A connection that reads alone, and sees everything as it was at its first statement."""
        async with self._database.read() as connection:
            yield connection

    async def sweep(self) -> None:
        """Forgets expired results, but for what feedback refers to and what it gave for training."""
        await self._writer.finish(self._sweep())

    async def close(self) -> None:
        """Finishes what is being written and closes the database."""
        await self._writer.finished()
        self._threads.shutdown(wait=False)
        await self._database.close()

    async def _record(self, record: ResultRecord) -> None:
        row = {name: value for name, value in asdict(record).items() if name not in _NOT_IN_RESULTS}
        now = _now()
        row |= {"created_at": now, "expires_at": now + self._lifetime, "image_bytes": len(record.image)}
        row |= {"words": sum(record.words_per_line), "total_us": round(record.timings["total"] * 1e6)}
        row["user_hash"] = keyed_hash(self._secret, record.user_key) if record.user_key else None
        row["image_digest"] = await asyncio.to_thread(keyed_digest, self._secret, record.image)
        reading = None if record.kept is None else await self._reach(self._keep, record, record.kept)
        await self._writer.write(partial(ledger.add_result, result=row, reading=reading))

    def _keep(self, record: ResultRecord, reading: str) -> dict[str, Any]:
        """The row for `readings`, once the picture is kept."""
        self._pictures.keep(record.result_id, record.image)
        sha256 = hashlib.sha256(record.image).hexdigest()
        return {"result_id": record.result_id, "image_sha256": sha256, "reading": reading}

    async def _reach(self, call: Callable[..., T], *arguments: object) -> T:
        """What a call that reaches the place of pictures returns."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)

    async def _add_feedback(self, feedback: Feedback) -> Receipt:
        fresh = Receipt(uuid.uuid4().hex, _now())
        receipt, picture_goes = await self._writer.write(partial(ledger.add_feedback, feedback=feedback, receipt=fresh))
        if picture_goes:
            await self._reach(self._pictures.delete, [feedback.result_id])
        return receipt

    async def _purge(self, before: int) -> Deleted:
        await self._writer.write(partial(logbook.forget_failures, before=before))
        return await self._delete(results.c.created_at < before)

    async def _delete(self, which: ColumnElement[bool]) -> Deleted:
        """Pictures go before their records: when their place does not answer, deleting again still finds them."""
        total = Deleted()
        while True:
            ids, pictures = await self._writer.write(partial(deletion.some_of, which=which))
            if not ids:
                break
            await self._reach(self._pictures.delete, pictures)
            total += await self._writer.write(partial(deletion.delete_results, ids=ids))
        await self._erase()
        return total

    async def _erase(self) -> None:
        """Where anything was deleted since the last time, by whomever: it holds up everyone who writes."""
        async with self.snapshot() as connection:
            deletion_id = await connection.run_sync(deletion.unerased)
        if deletion_id:
            await self._database.erase()
            await self._writer.write(partial(deletion.note_erased, deletion=deletion_id))

    async def _sweep(self) -> None:
        spent = await self._writer.write(partial(ledger.forget_expired, now=_now()))
        await self._reach(self._pictures.delete, spent)
        found = await self._reach(self._pictures.result_ids)
        async with self.snapshot() as connection:
            known = await connection.run_sync(ledger.with_picture, found)
        await self._reach(self._pictures.delete_settled, set(found) - known)


def _now() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000
