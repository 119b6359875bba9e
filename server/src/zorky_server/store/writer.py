"""Writes that share commits: a commit waits for the disk, and what comes meanwhile goes into the next one together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from .database import transaction
from .values import StoreRefusal

T = TypeVar("T")

Statements = Callable[[AsyncConnection], Awaitable[T]]
"""What is run inside a transaction. It raises StoreRefusal before it writes anything, or not at all."""


_DEADLOCK = "40P01"
"""What PostgreSQL says to one of two transactions that wait for each other; the other one goes on."""


class Writer:
    """Runs writes in the order in which they come. For one event loop."""

    def __init__(self, database: AsyncEngine) -> None:
        self._database = database
        self._running: set[asyncio.Task[Any]] = set()
        self._waiting: list[tuple[Statements[Any], asyncio.Future[Any]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, statements: Statements[T]) -> T:
        """Returns what `statements` returns when it is on disk. Raises what it raises, or the database."""
        written: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((statements, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return await written

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs work to its end even when the caller leaves: a cancelled write would break the connection."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def finished(self) -> None:
        """Returns when nothing is being written."""
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _write_all(self) -> None:
        """Of its own, so that a caller waits for the commit of its group and for no other."""
        while self._waiting:
            await self._write_group()

    async def _write_group(self) -> None:
        group, self._waiting = self._waiting, []
        try:
            outcomes = await self._outcomes([statements for statements, _ in group])
        except Exception as error:  # whatever it is, everyone in the group has to know
            outcomes = [error] * len(group)
        for (_, written), outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, Exception):
                written.set_exception(outcome)
            else:
                written.set_result(outcome)

    async def _outcomes(self, group: list[Statements[Any]]) -> list[Any]:
        """Tries again when another server's transaction and this one waited for each other."""
        while True:
            try:
                async with transaction(self._database) as connection:
                    return [await _outcome(statements(connection)) for statements in group]
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) != _DEADLOCK:
                    raise


async def _outcome(running: Awaitable[T]) -> T | StoreRefusal:
    """A refusal is for its own caller alone."""
    try:
        return await running
    except StoreRefusal as refusal:
        return refusal
