"""A store in PostgreSQL, for servers on several machines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

import asyncpg
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from .database import Work
from .migrating import upgrade
from .schema import feedback, readings
from .values import CannotOpen, StillRead, StoreUnreachable

T = TypeVar("T")

_CONNECTIONS = 8
"""At most: one writes, the others read."""
_CONNECT_WITHIN = 10.0
"""Seconds."""
_PATIENCE = 60.0
"""Seconds to wait for others to end."""
_SETUP_LOCK = 0x5A6F726B79  # "Zorky": of all that use this database we alone lock this number
_DEADLOCK, _LOCK_NOT_AVAILABLE = "40P01", "55P03"
_STILL_READ = (
    "the data is deleted, but copies stay in PostgreSQL's files as long as somebody reads the database as it was "
    "before: delete again when reports and backups have ended"
)
_NEXT = text("SELECT CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text)")
"""Number of the next transaction to write."""
# VACUUM keeps what the oldest snapshot may see, and a snapshot is as old as the oldest write that was open when it was
# taken, even one taken after the deletion. VACUUM's own is so, too: for it the writes of all databases count.
_OLD_SNAPSHOTS = text(
    "SELECT pg_snapshot_xmin(pg_current_snapshot()) < CAST(CAST(:deleted AS text) AS xid8) OR EXISTS ("
    "SELECT 1 FROM pg_stat_activity WHERE age(backend_xmin) > age(CAST(CAST(CAST(:deleted AS text) AS xid8) AS xid))"
    " AND datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid())"
)


class PostgresDatabase:
    """See Database."""

    def __init__(self, url: str) -> None:
        """url: as libpq takes it; what it does not tell, such as the password, comes from libpq's variables and
        files."""
        self._url = url
        self._writes = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connect,
            pool_size=_CONNECTIONS,
            max_overflow=0,
            pool_pre_ping=True,  # so that a restart of PostgreSQL is noticed before a statement is lost
            hide_parameters=True,  # error messages reach the log, and parameters are what people wrote
        )
        self._reads = self._writes.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    async def setup(self, work: Work[T]) -> T:
        """The transaction has an advisory lock."""

        def set_up(connection: Connection) -> T:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_SETUP_LOCK})"))
            upgrade(connection)
            return work(connection)

        return await self.write(set_up)

    async def write(self, work: Work[T]) -> T:
        """Tries again when another server's transaction and this one waited for each other."""
        while True:
            try:
                async with _transaction(self._writes) as connection:
                    return await connection.run_sync(work)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) != _DEADLOCK:
                    raise

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that cannot write."""
        async with _transaction(self._reads) as connection:
            yield connection

    async def erase(self) -> None:
        """VACUUM FULL writes the tables anew, locked against everyone else, with what older transactions still see."""
        autocommit = self._writes.execution_options(isolation_level="AUTOCOMMIT")
        with _connected():
            async with autocommit.connect() as connection:
                await self._wait_for_old_snapshots(connection)
                await self._vacuum(connection)

    async def close(self) -> None:
        """Closes every connection."""
        await self._writes.dispose()

    async def _wait_for_old_snapshots(self, connection: AsyncConnection) -> None:
        deleted = await connection.scalar(_NEXT)
        end = time.monotonic() + _PATIENCE
        while await connection.scalar(_OLD_SNAPSHOTS, {"deleted": deleted}):
            if time.monotonic() > end:
                raise StillRead(_STILL_READ)
            await asyncio.sleep(0.1)

    async def _vacuum(self, connection: AsyncConnection) -> None:
        await connection.execute(text(f"SET lock_timeout = '{_PATIENCE:.0f}s'"))
        try:
            await connection.execute(text(f"VACUUM (FULL) {readings.name}, {feedback.name}"))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
                raise StillRead(_STILL_READ) from error
            raise
        finally:
            if not connection.invalidated:
                await connection.execute(text("RESET lock_timeout"))

    async def _connect(self) -> asyncpg.Connection:
        try:
            return await asyncpg.connect(
                self._url, timeout=_CONNECT_WITHIN, server_settings={"application_name": "zorky-server"}
            )
        except ValueError:  # whose message may have a part of the password
            raise CannotOpen(
                "the URL set as `database` is none that PostgreSQL knows: write postgresql://USER@HOST:PORT/NAME, and "
                "in a password %2F and %40 for / and @"
            ) from None
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            raise StoreUnreachable(f"cannot connect to PostgreSQL: {error or type(error).__name__}") from error


@asynccontextmanager
async def _transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    with _connected():
        async with engine.begin() as connection:
            yield connection


@contextmanager
def _connected() -> Iterator[None]:
    """Raises StoreUnreachable when the connection is lost on the way."""
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated:
            raise StoreUnreachable("the connection to the database was lost") from error
        raise
