"""PostgreSQL alone: it may be restarted, and transactions that wait for each other end well."""

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest
from postgres import Postgres, postgres
from sqlalchemy import event, text

from zorky_server.store import StillRead, StorePlace, StoreUnreachable

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def mortal() -> Iterator[Postgres]:
    """A PostgreSQL that tests may stop, and leave running."""
    with postgres() as one:
        yield one


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGQUIT], ids=["in order", "at once"])
async def test_a_restarted_database_is_found_again_and_has_what_was_acknowledged(
    end, mortal, tmp_path, open_at, result, praise
):
    store = await open_at(StorePlace(tmp_path, mortal.create()))
    await store.record(result())
    receipt = await store.add_feedback(praise("r"))
    await asyncio.gather(*(store.keeps("") for _ in range(8)))  # every connection of the pool
    await asyncio.to_thread(mortal.restart, end)
    assert await store.add_feedback(praise("r")) == receipt
    assert not any(await asyncio.gather(*(store.keeps("") for _ in range(8))))


async def test_a_database_that_is_gone_is_told_and_comes_back(mortal, tmp_path, open_at, result, praise):
    store = await open_at(StorePlace(tmp_path, mortal.create()))
    await store.record(result())
    await asyncio.to_thread(mortal.stop, signal.SIGINT)
    for attempt in (store.add_feedback(praise("r")), store.keeps(""), store.record(result(2)), store.sweep()):
        with pytest.raises(StoreUnreachable):
            await attempt
    await asyncio.to_thread(mortal.start)
    assert (await store.add_feedback(praise("r"))).feedback_id


async def test_a_connection_lost_in_the_middle_is_told(tmp_path, open_at, postgres_server):
    store = await open_at(StorePlace(tmp_path, postgres_server.create()))
    with pytest.raises(StoreUnreachable):
        async with store.snapshot() as connection:
            await connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


async def test_of_two_writes_that_wait_for_each_other_both_are_done(tmp_path, open_at, postgres_server):
    store = await open_at(StorePlace(tmp_path, postgres_server.create()))
    pair = text("CREATE TABLE pair AS SELECT 1 AS name, 0 AS count UNION SELECT 2, 0")
    await store._database.write(lambda connection: connection.execute(pair))
    tries: Counter[int] = Counter()

    def add(connection, first: int) -> None:
        tries[first] += 1
        for name in (first, 3 - first):
            connection.execute(text(f"UPDATE pair SET count = count + 1 WHERE name = {name}"))
            if tries[first] == 1:
                connection.execute(text("SELECT pg_sleep(0.3)"))  # until the other one has its first row, too

    await asyncio.gather(*(store._database.write(partial(add, first=first)) for first in (1, 2)))
    async with store.snapshot() as connection:
        assert list(await connection.scalars(text("SELECT count FROM pair"))) == [2, 2]
    assert tries.total() > 2, "PostgreSQL ends one of them, or on a busy machine both, which is then done again"


async def test_a_reader_who_came_after_a_deletion_beside_an_older_write_is_waited_for(
    tmp_path, open_at, postgres_server, result, monkeypatch
):
    """Its snapshot is as old as that write, and makes VACUUM keep what was deleted."""
    monkeypatch.setattr("zorky_server.store.postgresql._PATIENCE", 1.5)
    store = await open_at(StorePlace(tmp_path, postgres_server.create()))
    await store.record(result(user_key="marigold", kept="{}"))
    async with store._database._writes.connect() as writer:
        await writer.execute(text("SELECT pg_current_xact_id()"))
        deleting = asyncio.create_task(store.delete_user("marigold"))
        await until(store, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%backend_xmin%'")
        async with store.snapshot() as reader:
            assert await reader.scalar(text("SELECT count(*) FROM results")) == 0
            await writer.rollback()
            with pytest.raises(StillRead):
                await deleting
    await store.delete_user("marigold")


@pytest.mark.parametrize(
    ("held", "doing"),
    [("SELECT pg_current_xact_id()", "%backend_xmin%"), ("LOCK TABLE readings IN ACCESS SHARE MODE", "VACUUM%")],
    ids=["waiting", "rewriting"],
)
async def test_a_connection_lost_while_erasing_is_told_and_deleting_again_finishes_it(
    held, doing, tmp_path, open_at, postgres_server, result
):
    store = await open_at(StorePlace(tmp_path, postgres_server.create()))
    await store.record(result(user_key="marigold"))
    async with store._database._writes.connect() as other:
        await other.execute(text(held))
        deleting = asyncio.create_task(store.delete_user("marigold"))
        await until(store, f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE '{doing}'")
        with pytest.raises(StoreUnreachable):
            await deleting
    async with store.snapshot() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM properties WHERE name = 'unerased'")) == 1
    await store.delete_user("marigold")
    async with store.snapshot() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM properties WHERE name = 'unerased'")) == 0


async def until(store, count: str) -> None:
    """Waits until there is one in this database, besides the one who asks."""
    asked = text(f"{count} AND datname = current_database() AND pid <> pg_backend_pid()")
    async with asyncio.timeout(20), store._database._writes.connect() as connection:
        while not await connection.scalar(asked):
            await connection.rollback()
            await asyncio.sleep(0.02)


async def test_feedback_whose_request_id_is_deleted_under_its_hands_is_written(
    tmp_path, open_at, postgres_server, result, praise
):
    url = postgres_server.create()
    store = await open_at(StorePlace(tmp_path, url))
    await asyncio.gather(store.record(result(1)), store.record(result(2)))
    await store.add_feedback(praise("r", 1))
    database = url.partition("@/")[2].partition("?")[0]

    def delete_the_other(_conn, _cursor, statement, *_) -> None:
        if statement.startswith("INSERT INTO feedback"):
            postgres_server.ask(database, f"DELETE FROM feedback WHERE result_id = '{1:032x}'")

    event.listen(store._database._writes.sync_engine, "after_cursor_execute", delete_the_other)
    receipt = await store.add_feedback(praise("r", 2))
    assert postgres_server.ask(database, "SELECT feedback_id FROM feedback") == receipt.feedback_id
