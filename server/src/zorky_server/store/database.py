"""What a store asks of a database, whichever it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from .values import StoreUnreachable


class Database(Protocol):
    """SqliteDatabase or PostgresDatabase."""

    writes: AsyncEngine
    """Its transactions may write."""
    reads: AsyncEngine
    """Its transactions see everything as it was at their first statement, and hold up no writer."""

    def setup(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """A transaction with the tables of this version, which no other server's setup runs beside.

        Raises CannotOpen.
        """
        ...

    async def erase(self) -> None:
        """Leaves no byte of deleted readings and feedback in the database's files. Raises StillRead."""
        ...

    async def close(self) -> None:
        """Closes every connection."""
        ...


def insert_into(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that knows ON CONFLICT, which both databases write alike."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that ends with the block. Raises StoreUnreachable when the connection is lost on the way."""
    try:
        async with engine.begin() as connection:
            yield connection
    except DBAPIError as error:
        if error.connection_invalidated:
            raise StoreUnreachable("the connection to the database was lost") from error
        raise
