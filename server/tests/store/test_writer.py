"""Writes that share commits."""

import asyncio

from sqlalchemy import event, text

from zorky_server.store.sqlite import SqliteDatabase
from zorky_server.store.writer import Writer


async def test_a_write_waits_for_its_own_commit_and_the_one_before(tmp_path):
    database = SqliteDatabase(tmp_path / "file")
    writer, commits, waited = Writer(database), list[int](), list[int]()
    event.listen(database._writes, "commit", lambda _: commits.append(1))

    async def caller() -> None:
        for _ in range(10):
            before = len(commits)
            await writer.write(lambda connection: connection.scalar(text("SELECT 1")))
            waited.append(len(commits) - before)

    await asyncio.gather(*(caller() for _ in range(16)))
    assert max(waited) <= 2
    assert len(commits) < len(waited) / 4
    await database.close()
