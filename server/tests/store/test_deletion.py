"""Deleting people's data: nothing of it is left in any file, nothing of others is missing, nobody is stopped."""

import asyncio
import random
from pathlib import Path

import pytest
from sqlalchemy import bindparam, delete, insert, select, text

from zorky_server.store import Deleted, Feedback, StillRead, UnknownResult
from zorky_server.store.schema import readings, results

USER, OTHER = "marigold", "hyacinth"
LONG = 250 * 86400.0


def words(*facts: object) -> str:
    """Letters that stand nowhere else, and that no database can compress."""
    seed = random.Random(repr(facts))
    return "".join(seed.choices("abcdefghijklmnopqrstuvwxyz", k=60))


@pytest.fixture
def files(place, request):
    """Reads all files that the store's data can be in."""

    def read() -> bytes:
        folders: list[Path] = [place.folder]
        if place.database:
            server = request.getfixturevalue("postgres_server")
            server.ask("postgres", "CHECKPOINT")
            name = place.database.partition("@/")[2].partition("?")[0]
            oid = server.ask("postgres", f"SELECT oid FROM pg_database WHERE datname = '{name}'")
            folders.append(server.data / "base" / oid)
        paths = (path for folder in folders for path in folder.rglob("*") if path.is_file())
        return b"".join(path.read_bytes() for path in paths)

    return read


def privates(user: str, number: int) -> list[bytes]:
    """Picture, reading, correction and comment of one result."""
    return [words(user, number, what).encode() for what in ("picture", "reading", "correction", "comment")]


async def tell(store, result, user: str, number: int, *, allow_training: bool = True) -> None:
    """A kept result of a user, with feedback."""
    picture, reading, correction, comment = (private.decode() for private in privates(user, number))
    await store.record(result(number, user_key=user, image=picture.encode(), kept=reading))
    await store.add_feedback(
        Feedback(f"r{number}", f"{number:032x}", text=correction, comment=comment, allow_training=allow_training)
    )


async def count(store, table: str) -> int:
    async with store.snapshot() as connection:
        return await connection.scalar(text(f"SELECT count(*) FROM {table}"))


async def test_nothing_of_a_deleted_user_is_left_and_everything_of_others_is(store, result, files):
    for number in range(1, 41):
        await tell(store, result, USER if number % 2 else OTHER, number)
    mine = [private for number in range(1, 41, 2) for private in privates(USER, number)]
    others = [private for number in range(2, 41, 2) for private in privates(OTHER, number)]
    before = files()
    assert all(private in before for private in mine + others)
    assert await store.delete_user(USER) == Deleted(results=20, pictures=20, feedbacks=20)
    after = files()
    assert [private for private in mine if private in after] == []
    assert all(private in after for private in others)
    assert len(await store.consented()) == 20
    assert await store.delete_user(USER) == Deleted()


async def test_nothing_is_left_where_rows_were_moved_to_other_pages(store, result, files):
    """SQLite moves a row when those beside it go, and overwrites the last place alone that a row had."""
    await store.record(result(0, user_key=USER))
    drawn = random.Random(4)  # under which it happens to four rows
    mine = {number: drawn.random() < 0.2 for number in range(1, 3001)}

    def fill(connection) -> None:
        (first,) = connection.execute(select(results)).mappings()
        users = {number: first["user_hash"] if mine[number] else "" for number in mine}
        rows = [{"result_id": f"{number:032x}", "user_hash": users[number]} for number in mine]
        connection.execute(insert(results), [dict(first) | row for row in rows])
        texts = [words(number) + "x" * drawn.randint(0, 900) for number in mine]
        kept = [(row["result_id"], "", text) for row, text in zip(rows, texts, strict=True)]
        connection.execute(insert(readings), [dict(zip(readings.c.keys(), row, strict=True)) for row in kept])
        others = [row for row in rows if not row["user_hash"]]
        drawn.shuffle(others)
        gone = delete(readings).where(readings.c.result_id == bindparam("gone"))
        connection.execute(gone, [{"gone": row["result_id"]} for row in others[: len(others) * 7 // 10]])

    await store._database.write(fill)
    assert (await store.delete_user(USER)).pictures == sum(mine.values())
    left = files()
    assert [number for number in mine if mine[number] and words(number).encode() in left] == []


async def test_a_purge_takes_what_is_old_and_leaves_what_is_new(store, result, files):
    await tell(store, result, USER, 1)
    age = text(f"UPDATE results SET created_at = created_at - {round(LONG * 1e6)}")
    await store._database.write(lambda connection: connection.execute(age))
    await tell(store, result, USER, 2)
    assert await store.purge(LONG + 60) == Deleted()
    assert await store.purge(LONG - 60) == Deleted(results=1, pictures=1, feedbacks=1)
    left = files()
    assert not any(private in left for private in privates(USER, 1))
    assert all(private in left for private in privates(USER, 2))


async def test_more_than_fits_into_one_transaction_is_deleted(store, result):
    await asyncio.gather(*(store.record(result(number, user_key=USER)) for number in range(1201)))
    assert await store.delete_user(USER) == Deleted(results=1201)
    assert await count(store, "results") == 0


async def test_results_written_while_their_user_is_deleted_are_deleted_or_whole(place, open_at, result):
    writer, deleter = await open_at(place), await open_at(place)
    done = asyncio.Event()

    async def write(start: int) -> int:
        refused = 0
        for number in range(start, start + 60):
            await writer.record(result(number, user_key=USER, kept="{}"))
            try:
                await writer.add_feedback(
                    Feedback(f"r{number}", f"{number:032x}", rating="good", allow_training=bool(number % 3))
                )
            except UnknownResult:
                refused += 1
        return refused

    async def delete() -> int:
        deleted = 0
        while not done.is_set():
            deleted += (await deleter.delete_user(USER)).results
            await asyncio.sleep(0.01)
        return deleted

    deleting = asyncio.create_task(delete())
    await asyncio.gather(*(write(start) for start in range(0, 400, 100)))
    done.set()
    deleted = await deleting
    assert deleted + await count(writer, "results") == 240
    assert deleted > 0
    async with writer.snapshot() as connection:
        kept = set(await connection.scalars(text("SELECT result_id FROM readings")))
        lost = text("SELECT count(*) FROM feedback WHERE result_id NOT IN (SELECT result_id FROM results)")
        assert await connection.scalar(lost) == 0
    assert {path.name for path in (place.folder / "pictures").iterdir()} == kept


async def test_who_still_reads_the_database_as_it_was_is_told_of_and_deleting_again_finishes_it(
    place, store, open_at, result, files, monkeypatch
):
    monkeypatch.setattr("zorky_server.store.sqlite._PATIENCE", 0.3)
    monkeypatch.setattr("zorky_server.store.postgresql._PATIENCE", 0.3)
    await tell(store, result, USER, 1)
    reader = await open_at(place)
    async with reader.snapshot() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM feedback")) == 1
        with pytest.raises(StillRead, match="delete again"):
            await store.delete_user(USER)
        assert await connection.scalar(text("SELECT count(*) FROM feedback")) == 1
        assert await count(store, "feedback") == 0
    assert await store.delete_user(USER) == Deleted()
    left = files()
    assert not any(private in left for private in privates(USER, 1))


async def test_a_deleted_picture_is_not_said_to_be_kept(place, store, result):
    await store.record(result(1, user_key=USER, kept="{}"))
    assert await store.keeps(f"{1:032x}")
    await store.delete_user(USER)
    assert not await store.keeps(f"{1:032x}")
    assert not list((place.folder / "pictures").iterdir())


async def test_a_deletion_that_did_not_reach_the_pictures_is_not_done_and_deleting_again_finishes_it(
    place, store, result, files
):
    for number in (1, 2):
        await tell(store, result, USER, number)
    picture = place.folder / "pictures" / f"{2:032x}"
    aside = picture.rename(place.folder / "aside")
    picture.mkdir()  # which cannot be deleted as a file is
    with pytest.raises(OSError, match=picture.name):
        await store.delete_user(USER)
    picture.rmdir()
    aside.rename(picture)
    assert await store.delete_user(USER) == Deleted(results=2, pictures=2, feedbacks=2)
    left = files()
    assert not any(private in left for number in (1, 2) for private in privates(USER, number))


async def test_two_who_delete_the_same_count_it_once(place, open_at, result):
    stores = [await open_at(place) for _ in range(2)]
    await asyncio.gather(*(stores[0].record(result(number, user_key=USER, kept="{}")) for number in range(600)))
    one, other = await asyncio.gather(*(store.delete_user(USER) for store in stores))
    assert one + other == Deleted(results=600, pictures=600)


async def test_tables_are_written_anew_only_when_something_was_deleted(store, result, monkeypatch):
    erased = 0
    erase = store._database.erase

    async def counted() -> None:
        nonlocal erased
        erased += 1
        await erase()

    monkeypatch.setattr(store._database, "erase", counted)
    await tell(store, result, USER, 1)
    assert await store.delete_user(OTHER) == Deleted()
    assert await store.purge(LONG) == Deleted()
    assert erased == 0
    await store.delete_user(USER)
    await store.delete_user(USER)
    assert erased == 1
