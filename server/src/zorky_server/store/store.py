"""Keeps result records and feedback in SQLite. What a method has returned from is on disk."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from collections.abc import Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import event, insert
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from . import ledger
from .pictures import PictureFolder
from .schema import metadata, results
from .secret import keyed_hash, load_secret
from .values import Feedback, Receipt, ResultRecord

T = TypeVar("T")

_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON")


class Store:
    """Records, feedback and kept pictures in one folder. Opened by `open_store`."""

    def __init__(self, database: AsyncEngine, pictures: PictureFolder, secret: bytes, lifetime: float) -> None:
        """lifetime: seconds for which feedback for a result is accepted."""
        self._database = database
        self._pictures = pictures
        self._secret = secret
        self._lifetime = round(lifetime * 1e6)
        self._writes: set[asyncio.Task[Any]] = set()
        self._unwritten: list[tuple[dict[str, Any], asyncio.Future[None]]] = []
        self._writing = asyncio.Lock()

    async def record(self, record: ResultRecord) -> None:
        """Keeps that a result was given, and its picture when that is allowed."""
        await self._finish(self._record(record))

    async def keeps(self, result_id: str) -> bool:
        """Whether the picture and the reading of a result are kept."""
        return await self._finish(self._keeps(result_id))

    async def add_feedback(self, feedback: Feedback) -> Receipt:
        """Keeps feedback once, however often it comes. Raises UnknownResult, RequestIdReused or NoSuchWord."""
        return await self._finish(self._add_feedback(feedback))

    async def sweep(self) -> None:
        """Forgets expired results, but for what feedback refers to and what it gave for training."""
        await self._finish(self._sweep())

    async def close(self) -> None:
        """Finishes what is being written and closes the database."""
        await asyncio.gather(*self._writes, return_exceptions=True)
        await self._database.dispose()

    async def _finish(self, write: Coroutine[Any, Any, T]) -> T:
        """Runs a write to its end even when the caller leaves: a cancelled one would break the connection."""
        task = asyncio.create_task(write)
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        return await asyncio.shield(task)

    async def _record(self, record: ResultRecord) -> None:
        row = asdict(record)
        user_key, kept, now = row.pop("user_key"), record.kept, _now()
        del row["kept"]
        row |= {"created_at": now, "expires_at": now + self._lifetime, "image_sha256": None, "reading": None}
        row["user_hash"] = keyed_hash(self._secret, user_key) if user_key else None
        if kept:
            row |= {"image_sha256": hashlib.sha256(kept.image).hexdigest(), "reading": kept.reading}
            await asyncio.to_thread(self._pictures.keep, record.result_id, kept.image)
        written = asyncio.get_running_loop().create_future()
        self._unwritten.append((row, written))
        async with self._writing:
            await self._write_rows()
        await written

    async def _write_rows(self) -> None:
        """One transaction for all that came while the one before was written: a commit waits for the disk."""
        group, self._unwritten = self._unwritten, []
        if not group:
            return
        try:
            async with self._database.begin() as connection:
                await connection.execute(insert(results), [row for row, _ in group])
        except Exception as error:  # whatever it is, everyone in the group has to know
            for _, written in group:
                written.set_exception(error)
        else:
            for _, written in group:
                written.set_result(None)

    async def _keeps(self, result_id: str) -> bool:
        async with self._database.begin() as connection:
            return await ledger.keeps(connection, result_id, _now())

    async def _add_feedback(self, feedback: Feedback) -> Receipt:
        receipt = Receipt(uuid.uuid4().hex, _now())
        async with self._database.begin() as connection:
            receipt = await ledger.add(connection, feedback, receipt)
        if not feedback.allow_training:
            await asyncio.to_thread(self._pictures.delete, [feedback.result_id])
        return receipt

    async def _sweep(self) -> None:
        async with self._database.begin() as connection:
            spent = await ledger.forget_expired(connection, _now())
            kept = await ledger.with_picture(connection)
        await asyncio.to_thread(self._pictures.delete, spent)
        await asyncio.to_thread(self._pictures.delete_strays, kept)


async def open_store(folder: Path, lifetime: float) -> Store:
    """Opens the store in `folder`, making folder, tables and secret on first use. See Store.

    Raises OSError or sqlalchemy.exc.SQLAlchemyError.
    """
    database = _connect(folder)
    async with database.begin() as connection:
        await connection.run_sync(metadata.create_all)
    return Store(database, PictureFolder(folder / "pictures"), load_secret(folder / "secret"), lifetime)


def _connect(folder: Path) -> AsyncEngine:
    """One connection: SQLite writes one transaction at a time anyway, and so nobody waits for a lock of ours."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = create_async_engine(
        f"sqlite+aiosqlite:///{folder / 'zorky.sqlite3'}",
        pool_size=1,
        max_overflow=0,
        hide_parameters=True,  # error messages reach the log, and parameters are what people wrote
    )
    event.listen(database.sync_engine, "connect", _configure)
    event.listen(database.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return database


def _configure(connection: Any, _record: object) -> None:
    """Leaves transactions to us, so that each takes the write lock at its start and never fails half way for it."""
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _now() -> int:
    """Microseconds since 1970, UTC."""
    return time.time_ns() // 1000
