"""A store in one file, for one machine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from .database import transaction
from .migrating import upgrade
from .schema import feedback, readings
from .values import StillRead

_PATIENCE = 60.0
"""Seconds to wait for a lock: what holds one longest is the rewriting of tables in `erase`."""
_PRAGMAS = (
    f"busy_timeout={_PATIENCE * 1000:.0f}",
    "journal_mode=WAL",
    "synchronous=FULL",
    "secure_delete=ON",
    "foreign_keys=ON",
)


class SqliteDatabase:
    """See Database."""

    def __init__(self, file: Path) -> None:
        self._file = file
        # One connection: SQLite writes one transaction at a time anyway, and so nobody waits for a lock of ours.
        self.writes = _engine(file, "BEGIN IMMEDIATE", _PRAGMAS, pool_size=1, max_overflow=0)
        self.reads = _engine(file, "BEGIN", (*_PRAGMAS, "query_only=ON"), pool_size=4)

    @asynccontextmanager
    async def setup(self) -> AsyncIterator[AsyncConnection]:
        """The transaction has SQLite's write lock."""
        async with transaction(self.writes) as connection:
            before = await connection.run_sync(upgrade)
            yield connection
        if before == "0001":  # whose texts were deleted without being overwritten
            await self._run("VACUUM")
            await self._truncate_log()

    async def erase(self) -> None:
        """secure_delete alone would leave copies behind: when rows beside a row are deleted SQLite moves it to another
        page, and does not overwrite the old place. So the tables are written anew."""
        async with transaction(self.writes) as connection:
            for table in (readings.name, feedback.name):
                await connection.exec_driver_sql(f"CREATE TABLE copied AS SELECT * FROM {table}")
                await connection.exec_driver_sql(f"DELETE FROM {table}")
                await connection.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM copied")
                await connection.exec_driver_sql("DROP TABLE copied")
        await self._truncate_log()

    async def close(self) -> None:
        """Closes every connection."""
        await self.reads.dispose()
        await self.writes.dispose()

    async def _truncate_log(self) -> None:
        """Empties the write-ahead log, which holds pages as they were; whoever still reads them is waited for."""
        end = time.monotonic() + _PATIENCE
        while await self._run("PRAGMA wal_checkpoint(TRUNCATE)") != 0:
            if time.monotonic() > end:
                raise StillRead(
                    "the data is deleted, but copies stay in zorky.sqlite3-wal as long as somebody reads the database "
                    "as it was before: delete again when reports and backups have ended"
                )
            await asyncio.sleep(0.1)

    async def _run(self, statement: str) -> object:
        """The first value that a statement gives, outside of any transaction."""
        async with aiosqlite.connect(self._file, timeout=1.0, isolation_level=None) as connection:
            rows = list(await connection.execute_fetchall(statement))
        return rows[0][0] if rows else None


def _engine(file: Path, begin: str, pragmas: tuple[str, ...], **pool: int) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{file}",
        hide_parameters=True,  # error messages reach the log, and parameters are what people wrote
        pool_timeout=_PATIENCE,
        **pool,
    )

    def configure(connection: Any, _record: object) -> None:
        """Leaves transactions to us, so that one that writes takes the lock at its start, not half way."""
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    event.listen(engine.sync_engine, "connect", configure)
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine
