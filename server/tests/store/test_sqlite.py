"""SQLite alone: what the machine does to its file is told as such, and passes."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from zorky_server.store import StorePlace, StoreUnreachable


async def test_a_file_that_others_hold_for_too_long_is_told_and_comes_back(
    tmp_path, open_at, result, praise, monkeypatch
):
    monkeypatch.setattr("zorky_server.store.sqlite._PRAGMAS", ("busy_timeout=100", "journal_mode=WAL"))
    store = await open_at(StorePlace(tmp_path))
    with closing(sqlite3.connect(tmp_path / "zorky.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for attempt in (store.record(result()), store.add_feedback(praise("r")), store.delete_user("marigold")):
            with pytest.raises(StoreUnreachable, match="locked"):
                await attempt
    await store.record(result())


async def test_a_full_disk_is_told_without_what_was_to_be_written(tmp_path, open_at, result):
    store = await open_at(StorePlace(tmp_path))
    await store._database.write(lambda connection: connection.execute(text("PRAGMA max_page_count = 1")))
    with pytest.raises(StoreUnreachable) as told:
        await store.record(result(kept="gooseberry" * 10_000))
    assert str(told.value) == "the database cannot be used for now: database or disk is full"


async def test_a_file_that_cannot_be_opened_is_told_to_readers(tmp_path, open_at):
    store = await open_at(StorePlace(tmp_path))
    (tmp_path / "zorky.sqlite3").rename(tmp_path / "aside")
    (tmp_path / "zorky.sqlite3").mkdir()
    with pytest.raises(StoreUnreachable, match="unable to open"):
        await store.promotions()
    (tmp_path / "zorky.sqlite3").rmdir()
    (tmp_path / "aside").rename(tmp_path / "zorky.sqlite3")
    assert await store.promotions() == []


async def test_an_error_of_our_own_is_not_taken_for_the_machines(tmp_path, open_at):
    store = await open_at(StorePlace(tmp_path))
    with pytest.raises(OperationalError):
        async with store.snapshot() as connection:
            await connection.execute(text("SELECT 1 FROM nowhere"))
