"""A store in one file, for one machine."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, delete, event, insert, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from .database import Work
from .migrating import upgrade
from .schema import feedback, properties, readings
from .values import StillRead, StoreUnreachable

T = TypeVar("T")

_PATIENCE = 60.0
"""Seconds to wait for a lock: what holds one longest is the rewriting of tables in `erase`."""
_GLANCE = 1.0
"""Seconds to wait for a lock before it is looked at anew who holds it."""
_VACUUM_OWED = properties.c.name == "vacuum owed"
_FOR_NOW = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL
}  # fmt: skip
"""Errors that are the machine's, and may pass."""
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
        # One connection: SQLite writes one transaction at a time anyway. On one thread of its own, because to hop to
        # another one with every statement takes several times as long as the statement.
        self._writing = ThreadPoolExecutor(1, "store")
        self._writes = create_engine(f"sqlite:///{file}", pool_size=1, max_overflow=0, hide_parameters=True)
        self._reads = create_async_engine(f"sqlite+aiosqlite:///{file}", pool_size=4, hide_parameters=True)
        _configure(self._writes, "BEGIN IMMEDIATE", _PRAGMAS)
        _configure(self._reads.sync_engine, "BEGIN", (*_PRAGMAS, "query_only=ON"))

    async def setup(self, work: Work[T]) -> T:
        """The transaction has SQLite's write lock."""
        owed, done = await self.write(lambda connection: (_migrate(connection), work(connection)))
        if owed:
            with suppress(StillRead, StoreUnreachable):  # then it is left for the next deletion, or the next start
                await self._vacuum()
        return done

    async def write(self, work: Work[T]) -> T:
        """The transaction takes the write lock at its start, and so never fails half way for it."""

        def write() -> T:
            with _reaching(), self._writes.begin() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._writing, write)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction of its own connection."""
        with _reaching():
            async with self._reads.begin() as connection:
                yield connection

    async def erase(self) -> None:
        """secure_delete alone would leave copies behind: when rows beside a row are deleted SQLite moves it to another
        page, and does not overwrite the old place. So the tables are written anew."""
        if await self.write(_is_vacuum_owed):
            await self._vacuum()
        await self.write(_rewrite)
        await self._truncate_log()

    async def close(self) -> None:
        """Closes every connection."""
        await self._reads.dispose()
        self._writing.shutdown()
        await asyncio.to_thread(self._writes.dispose)

    async def _vacuum(self) -> None:
        await asyncio.to_thread(self._run, "VACUUM", _PATIENCE)
        await self._truncate_log()
        await self.write(lambda connection: connection.execute(delete(properties).where(_VACUUM_OWED)))

    async def _truncate_log(self) -> None:
        """Empties the write-ahead log, which holds pages as they were; whoever still reads them is waited for."""
        end = time.monotonic() + _PATIENCE
        while await asyncio.to_thread(self._run, "PRAGMA wal_checkpoint(TRUNCATE)", _GLANCE) != 0:
            if time.monotonic() > end:
                raise StillRead(
                    "the data is deleted, but copies stay in zorky.sqlite3-wal as long as somebody reads the database "
                    "as it was before: delete again when reports and backups have ended"
                )
            await asyncio.sleep(0.1)

    def _run(self, statement: str, patience: float) -> object:
        """The first value that a statement gives, outside of any transaction. patience: seconds to wait for locks."""
        connect = partial(sqlite3.connect, self._file, timeout=patience, isolation_level=None)
        with _reaching(), closing(connect()) as connection:
            row = connection.execute(statement).fetchone()
        return row[0] if row else None


def _migrate(connection: Connection) -> bool:
    """Returns whether the file must be vacuumed: versions of revision 0001 deleted texts without overwriting them."""
    if upgrade(connection) == "0001":
        connection.execute(insert(properties).values(name="vacuum owed", value=""))
    return _is_vacuum_owed(connection)


def _is_vacuum_owed(connection: Connection) -> bool:
    return connection.scalar(select(properties.c.name).where(_VACUUM_OWED)) is not None


def _rewrite(connection: Connection) -> None:
    for table in (readings.name, feedback.name):
        connection.exec_driver_sql(f"CREATE TABLE copied AS SELECT * FROM {table}")
        connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM copied")
        connection.exec_driver_sql("DROP TABLE copied")


def _configure(engine: Engine, begin: str, pragmas: tuple[str, ...]) -> None:
    """Leaves transactions to us, instead of to Python's driver, which begins them late."""

    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in pragmas:
            _set(connection, pragma)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))


def _set(connection: Any, pragma: str) -> None:
    """Tries again while others hold a new file's lock: for a change of its journal SQLite itself does not wait."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute(f"PRAGMA {pragma}").close()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)


@contextmanager
def _reaching() -> Iterator[None]:
    """Raises StoreUnreachable when others hold the file for too long, or the disk fails or is full."""
    try:
        yield
    except (OperationalError, sqlite3.OperationalError) as error:
        cause = error.orig if isinstance(error, OperationalError) else error
        if getattr(cause, "sqlite_errorcode", 0) & 0xFF in _FOR_NOW:  # the rest of the bits tell details
            raise StoreUnreachable(f"the database cannot be used for now: {cause}") from error
        raise
