"""The databases that a store can be in, and how each is told to be durable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON")


def sqlite_writer(file: Path) -> AsyncEngine:
    """One connection: SQLite writes one transaction at a time anyway, and so nobody waits for a lock of ours."""
    return _sqlite(file, "BEGIN IMMEDIATE", _PRAGMAS, pool_size=1, max_overflow=0)


def sqlite_reader(file: Path) -> AsyncEngine:
    """Connections that see what was committed when they began, and hold up no writer."""
    return _sqlite(file, "BEGIN", (*_PRAGMAS, "query_only=ON"), pool_size=4)


def _sqlite(file: Path, begin: str, pragmas: tuple[str, ...], **pool: int) -> AsyncEngine:
    database = create_async_engine(
        f"sqlite+aiosqlite:///{file}",
        hide_parameters=True,  # error messages reach the log, and parameters are what people wrote
        **pool,
    )

    def configure(connection: Any, _record: object) -> None:
        """Leaves transactions to us, so that one that writes takes the lock at its start, not half way."""
        connection.isolation_level = None
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    event.listen(database.sync_engine, "connect", configure)
    event.listen(database.sync_engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return database
