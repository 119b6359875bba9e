"""What a store asks of a database, whichever it is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

T = TypeVar("T")

Work = Callable[[Connection], T]
"""What is done inside a transaction. It may be done again when the first time failed."""


class Database(Protocol):
    """SqliteDatabase or PostgresDatabase."""

    async def setup(self, work: Work[T]) -> T:
        """As `write`, with the tables of this version, and beside no other server's setup. Raises CannotOpen."""
        ...

    async def write(self, work: Work[T]) -> T:
        """Does work in a transaction, and returns what it does when that is on disk. Raises StoreUnreachable."""
        ...

    def read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction that sees everything as it was at its first statement, and holds up no writer.

        Raises StoreUnreachable.
        """
        ...

    async def erase(self) -> None:
        """Leaves no byte of deleted readings and feedback in the database's files.

        Raises StillRead or StoreUnreachable.
        """
        ...

    async def close(self) -> None:
        """Closes every connection."""
        ...


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT, which both databases write alike."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
