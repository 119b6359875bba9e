"""Writes that share commits: a commit waits for the disk, and what comes meanwhile goes into the next one together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection

from .database import Database, Work
from .values import StoreRefusal

T = TypeVar("T")


class Writer:
    """Runs writes in the order in which they come. For one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._running: set[asyncio.Task[Any]] = set()
        self._waiting: list[tuple[Work[Any], asyncio.Future[Any]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, work: Work[T]) -> T:
        """Returns what work returns when it is on disk. Raises what the database raises, or work.

        work: raises StoreRefusal before it writes anything, or not at all.
        """
        written: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return await written

    async def finish(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs work to its end even when the caller leaves: what waits for its turn to be written is not taken back."""
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
            outcomes = await self._database.write(partial(_outcomes, group=[work for work, _ in group]))
        except Exception as error:  # whatever it is, everyone in the group has to know
            outcomes = [error] * len(group)
        for (_, written), outcome in zip(group, outcomes, strict=True):
            if isinstance(outcome, Exception):
                written.set_exception(outcome)
            else:
                written.set_result(outcome)


def _outcomes(connection: Connection, group: Sequence[Work[Any]]) -> list[Any]:
    """What each of the group returns. A refusal is for its own caller alone."""
    outcomes = []
    for work in group:
        try:
            outcomes.append(work(connection))
        except StoreRefusal as refusal:
            outcomes.append(refusal)
    return outcomes
