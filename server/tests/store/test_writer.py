"""Writes that share commits."""

import asyncio

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import create_async_engine

from zorky_server.store.writer import Writer


async def test_a_write_waits_for_its_own_commit_and_the_one_before(tmp_path):
    database = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'file'}")
    writer, commits, waited = Writer(database), list[int](), list[int]()
    event.listen(database.sync_engine, "commit", lambda _: commits.append(1))

    async def nothing(connection) -> None:
        await connection.execute(text("SELECT 1"))

    async def caller() -> None:
        for _ in range(10):
            before = len(commits)
            await writer.write(nothing)
            waited.append(len(commits) - before)

    await asyncio.gather(*(caller() for _ in range(16)))
    assert max(waited) <= 2
    assert len(commits) < len(waited) / 4
    await database.dispose()
