"""`zorky-server purge` as people run it, beside servers that write."""

import asyncio
import os

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from zorky_server.__main__ import main
from zorky_server.purging import seconds_of
from zorky_server.store import ResultRecord, Store, StorePlace, open_store

KEY = "marigold"


def purge(place: StorePlace, *flags: str, said: str = "") -> Result:
    database = ("--database", place.database) if place.database else ()
    return CliRunner().invoke(main, ["purge", "--data-dir", str(place.folder), *database, *flags], input=said)


def record(number: int, user_key: str) -> ResultRecord:
    return ResultRecord(
        f"{number:032x}", user_key, "m", "1", "ab" * 32, "c1", b"png", 2, 1, {"total": 1.0}, (), None, kept="{}"
    )


async def fill(store: Store) -> None:
    for number, user_key in enumerate((KEY, KEY, "hyacinth", "")):
        await store.record(record(number, user_key))


def beside(place: StorePlace, *flags: str, said: str = "") -> tuple[Result, int]:
    """Runs the command beside an open store with four results, and counts what is left and can still be added to."""

    async def run() -> tuple[Result, int]:
        store = await open_store(place, 3600)
        await fill(store)
        told = await asyncio.to_thread(purge, place, *flags, said=said)
        await store.record(record(9, ""))
        async with store.snapshot() as connection:
            left = await connection.scalar(text("SELECT count(*) FROM results"))
        await store.close()
        return told, left - 1

    return asyncio.run(run())


@pytest.mark.parametrize("how", ["a file", "standard input"])
def test_one_user_is_deleted(place, tmp_path, how):
    (tmp_path / "key").write_text(f"{KEY}\n")
    flag, said = (str(tmp_path / "key"), "") if how == "a file" else ("-", f"{KEY}\n")
    told, left = beside(place, "--user-key-file", flag, said=said)
    assert (told.exit_code, told.output) == (0, "deleted 2 results, 2 pictures, 0 pieces of feedback\n")
    assert left == 2


def test_what_is_old_is_deleted(place):
    assert beside(place, "--older-than", "1h")[1] == 4
    told = purge(place, "--older-than", "0s")
    assert told.output == "deleted 5 results, 5 pictures, 0 pieces of feedback\n"


def test_nothing_is_older_than_a_span_longer_than_time(place):
    assert beside(place, "--older-than", "999999999d")[1] == 4


@pytest.mark.parametrize(("span", "seconds"), [("90d", 90 * 86400), ("12h", 43200), ("2w", 14 * 86400), ("1m", 60)])
def test_spans_are_numbers_with_a_unit(span, seconds):
    assert seconds_of(span) == seconds


@pytest.mark.parametrize("span", ["", "90", "d", "-1d", "1.5d", "1y", "٣d"])
def test_other_spans_are_refused_with_an_example(tmp_path, span):
    told = purge(StorePlace(tmp_path), f"--older-than={span}")
    assert told.exit_code == 1
    assert "for example 90d" in told.output


@pytest.mark.parametrize("said", ["", "\n", f"{KEY}\nhyacinth\n"])
def test_what_is_no_user_key_is_refused_and_not_told(tmp_path, said):
    told = purge(StorePlace(tmp_path), "--user-key-file", "-", said=said)
    assert told.exit_code == 1
    assert "one line" in told.output
    assert KEY not in told.output


def test_one_thing_is_deleted_at_a_time(tmp_path):
    for flags in ((), ("--older-than", "1d", "--user-key-file", os.devnull)):
        assert purge(StorePlace(tmp_path), *flags).exit_code == 2


@pytest.mark.parametrize("where", ["a folder that is not there", "a folder without a store"])
def test_a_store_in_the_wrong_place_is_told_and_not_made(tmp_path, where):
    folder = tmp_path / "typo"
    if where == "a folder without a store":
        folder.mkdir()
    told = purge(StorePlace(folder), "--older-than", "1d")
    assert (told.exit_code, [*folder.rglob("*")]) == (1, [])
    assert f"there is no {folder}/zorky.sqlite3: set data_dir as for the server" in told.output


@pytest.mark.postgres
def test_a_database_without_a_store_is_told_and_nothing_made_in_it(postgres_server, tmp_path):
    place = StorePlace(tmp_path, database=postgres_server.create())
    for _ in range(2):
        told = purge(place, "--older-than", "1d")
        assert told.exit_code == 1
        assert "set database as for the server" in told.output
    assert not (tmp_path / "secret").exists()
