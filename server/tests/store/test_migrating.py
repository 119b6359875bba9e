"""Migrations: old stores keep all they had, newer ones are refused, and schema.py is what migrations make."""

import asyncio
import hashlib
import json
import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from zorky_server.store import CannotOpen, Feedback, RequestIdReused, StorePlace, WordCorrection, migrating, open_store
from zorky_server.store.schema import metadata

OLD_TABLES = """
CREATE TABLE results (
    result_id VARCHAR(32) NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, user_hash VARCHAR(64),
    model TEXT NOT NULL, model_version TEXT NOT NULL, model_sha256 VARCHAR(64) NOT NULL, calibration TEXT NOT NULL,
    image_bytes INTEGER NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, timings JSON NOT NULL,
    words_per_line JSON NOT NULL, image_sha256 VARCHAR(64), reading TEXT, PRIMARY KEY (result_id)
);
CREATE INDEX ix_results_expires_at ON results (expires_at);
CREATE INDEX ix_results_user_hash ON results (user_hash);
CREATE TABLE feedback (
    feedback_id VARCHAR(32) NOT NULL, request_id VARCHAR(128) NOT NULL, fingerprint VARCHAR(64) NOT NULL,
    result_id VARCHAR(32) NOT NULL, created_at BIGINT NOT NULL, content JSON NOT NULL, allow_training BOOLEAN NOT NULL,
    PRIMARY KEY (feedback_id), UNIQUE (request_id), FOREIGN KEY(result_id) REFERENCES results (result_id)
);
CREATE INDEX ix_feedback_result_id ON feedback (result_id);
"""
NEVER = 2**60
LONG_AGO = 1_700_000_000_000_000


@pytest.fixture
def correction() -> Feedback:
    return Feedback("r", f"{1:032x}", words=(WordCorrection(0, 1, "слово"),), comment="вот", allow_training=True)


def old_fingerprint(feedback: Feedback) -> str:
    """As the version before migrations made it."""
    content = {
        "result_id": feedback.result_id,
        "rating": feedback.rating,
        "text": feedback.text,
        "words": [{"line": word.line, "word": word.word, "text": word.text} for word in feedback.words or ()],
        "comment": feedback.comment,
        "allow_training": feedback.allow_training,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@pytest.fixture
def old_place(tmp_path, correction) -> StorePlace:
    """A store of the version before migrations: a kept result with a correction, and one with a rating."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / f"{1:032x}").write_bytes(b"png")
    (tmp_path / "secret").write_bytes(bytes(32))
    facts = ("u" * 64, "handwriting", "2026.11", "ab" * 32, "c1", 3, 200, 100)
    words = {"rating": None, "text": None, "words": [{"line": 0, "word": 1, "text": "слово"}], "comment": "вот"}
    rating = {"rating": "good", "text": None, "words": None, "comment": ""}
    with sqlite3.connect(tmp_path / "zorky.sqlite3") as old:
        old.executescript(OLD_TABLES)
        old.execute("PRAGMA journal_mode=WAL")
        old.executemany(
            "INSERT INTO results VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            [
                (f"{1:032x}", LONG_AGO, NEVER, *facts, '{"total": 0.25}', "[2, 3]", "cd" * 32, '{"text": "прочтено"}'),
                (f"{2:032x}", LONG_AGO, NEVER, *facts, '{"total": 1.5}', "[]", None, None),
            ],
        )
        old.executemany(
            "INSERT INTO feedback VALUES (?,?,?,?,?,?,?)",
            [
                ("f1", "r", old_fingerprint(correction), f"{1:032x}", LONG_AGO + 1, json.dumps(words), True),
                ("f2", "s", "?", f"{2:032x}", LONG_AGO + 2, json.dumps(rating), False),
            ],
        )
    return StorePlace(tmp_path)


async def test_an_old_store_keeps_its_feedback_readings_and_pictures(old_place, open_at, correction):
    store = await open_at(old_place)
    (consented,) = await store.consented()
    assert consented.feedback == correction
    assert (consented.reading, consented.image_sha256) == ('{"text": "прочтено"}', "cd" * 32)
    assert (consented.user_hash, consented.created_at) == ("u" * 64, LONG_AGO + 1)
    assert await store.picture(f"{1:032x}") == b"png"
    async with store.snapshot() as connection:
        results = await connection.execute(sa.text("SELECT words, total_us, client, language FROM results"))
        assert [tuple(row) for row in results] == [(5, 250_000, "", ""), (0, 1_500_000, "", "")]
        kinds = await connection.execute(sa.text("SELECT kind, rating FROM feedback ORDER BY feedback_id"))
        assert [tuple(row) for row in kinds] == [("words", None), ("rating", "good")]


async def test_feedback_given_before_a_migration_is_known_after_it(old_place, open_at, correction):
    store = await open_at(old_place)
    assert (await store.add_feedback(correction)).feedback_id == "f1"
    with pytest.raises(RequestIdReused):
        await store.add_feedback(Feedback("r", f"{1:032x}", rating="good"))


async def test_an_old_store_opens_again(old_place, open_at):
    for _ in range(2):
        store = await open_at(old_place)
        assert len(await store.consented()) == 1


async def test_servers_that_open_an_old_store_at_once_all_open_it(old_place, open_at):
    stores = await asyncio.gather(*(open_at(old_place) for _ in range(4)))
    assert [len(await store.consented()) for store in stores] == [1] * 4


async def test_the_tables_are_those_that_migrations_make(store):
    def differences(connection: sa.Connection) -> list[object]:
        # On SQLite Alembic takes '' for another default than ''.
        options = {"compare_type": True, "compare_server_default": connection.dialect.name == "postgresql"}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    async with store.snapshot() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_tables_of_an_old_store_become_those_of_a_new_one(old_place, tmp_path, open_at):
    await open_at(old_place)
    await open_at(StorePlace(tmp_path / "new"))
    listed = "SELECT type, tbl_name, name FROM sqlite_master ORDER BY 1, 2, 3"
    with (
        sqlite3.connect(tmp_path / "zorky.sqlite3") as old,
        sqlite3.connect(tmp_path / "new" / "zorky.sqlite3") as new,
    ):
        assert old.execute(listed).fetchall() == new.execute(listed).fetchall()


@pytest.fixture
def forgetful_place(old_place) -> StorePlace:
    """An old store that has deleted readings, all of gooseberries."""
    with sqlite3.connect(old_place.folder / "zorky.sqlite3") as old:
        old.execute("PRAGMA secure_delete=OFF")  # Debian's SQLite has it on, others have not
        row = "SELECT '{}', created_at, expires_at, user_hash, model, model_version, model_sha256, calibration,"
        row += " image_bytes, width, height, timings, words_per_line, 'x', 'gooseberry' FROM results LIMIT 1"
        for number in range(50):
            old.execute(f"INSERT INTO results {row.format(f'gone{number}')}")
        old.commit()
        old.execute("UPDATE results SET image_sha256 = NULL, reading = NULL WHERE result_id LIKE 'gone%'")
        old.commit()
        old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert gooseberries(old_place)
    return old_place


def gooseberries(place: StorePlace) -> list[str]:
    """The files that have some."""
    return [path.name for path in place.folder.iterdir() if path.is_file() and b"gooseberry" in path.read_bytes()]


async def test_texts_that_an_old_store_had_deleted_are_in_no_file_of_it_afterwards(forgetful_place, open_at):
    await open_at(forgetful_place)
    assert gooseberries(forgetful_place) == []


@pytest.mark.parametrize("chance", ["start", "deletion"])
async def test_texts_that_an_old_store_had_deleted_go_at_the_next_chance_when_they_could_not_at_first(
    chance, forgetful_place, open_at, result, monkeypatch
):
    monkeypatch.setattr("zorky_server.store.sqlite._PATIENCE", 0.3)
    with closing(sqlite3.connect(forgetful_place.folder / "zorky.sqlite3", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM feedback").fetchone()
        store = await open_at(forgetful_place)
        assert len(await store.consented()) == 1
    assert gooseberries(forgetful_place) != []
    if chance == "start":
        await open_at(forgetful_place)
    else:
        await store.record(result(3, user_key="marigold"))
        await store.delete_user("marigold")
    assert gooseberries(forgetful_place) == []
    async with store.snapshot() as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM properties WHERE name <> 'secret'")) == 0


async def test_a_store_of_a_newer_version_is_refused(place):
    store = await open_store(place, 3600)
    newer = sa.text("UPDATE alembic_version SET version_num = '9999'")
    await store._database.write(lambda connection: connection.execute(newer))
    await store.close()
    with pytest.raises(CannotOpen, match="newer zorky-server"):
        await open_store(place, 3600)


def test_the_revision_of_the_tables_is_the_newest_migration():
    assert ScriptDirectory(str(migrating._FOLDER)).get_heads() == [migrating.REVISION]
