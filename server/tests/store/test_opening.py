"""Opening: what is made on first use, who may see it, and what is refused with a sentence."""

import asyncio
import re
import stat
import sys

import pytest

from zorky_server.store import CannotOpen, StorePlace, open_store
from zorky_server.store.secret import keyed_digest, keyed_hash, load_secret


async def refusal(place) -> str:
    with pytest.raises(CannotOpen) as refused:
        await open_store(place, 3600)
    return str(refused.value)


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path):
    secret = load_secret(tmp_path / "secret")
    assert load_secret(tmp_path / "secret") == secret
    assert len(secret) == 32
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize(("hashed", "what"), [(keyed_hash, "ключ"), (keyed_digest, b"png")])
def test_a_hash_needs_the_secret(hashed, what):
    assert hashed(b"a" * 32, what) == hashed(b"a" * 32, what) != hashed(b"b" * 32, what)


async def test_only_the_owner_may_enter_the_folders(place, open_at):
    await open_at(place)
    for folder in (place.folder, place.folder / "pictures"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_server_with_another_secret_is_refused(place, open_at, tmp_path):
    await open_at(place)
    other = StorePlace(place.folder, place.database, secret_file=tmp_path / "other")
    assert "there is no" in await refusal(other)
    assert not (tmp_path / "other").exists(), "a new secret would be of no use"
    (tmp_path / "other").write_bytes(bytes(32))
    said = await refusal(other)
    assert "not the one that the store was made with" in said
    assert "secret_file" in said


async def test_servers_that_open_an_empty_store_at_once_all_open_it(place):
    stores = await asyncio.gather(*(open_store(place, 3600) for _ in range(8)))
    for store in stores:
        await store.close()


async def test_processes_that_open_an_empty_store_at_once_all_open_it(place):
    code = (
        "import asyncio; from pathlib import Path; from zorky_server.store import StorePlace, open_store\n"
        f"place = StorePlace(Path({str(place.folder)!r}), {place.database!r})\n"
        "async def main(): await (await open_store(place, 1)).close()\n"
        "asyncio.run(main())"
    )
    processes = [await asyncio.create_subprocess_exec(sys.executable, "-c", code) for _ in range(4)]
    assert [await process.wait() for process in processes] == [0] * 4


@pytest.mark.postgres
async def test_a_database_that_does_not_answer_is_told_without_the_password(tmp_path):
    said = await refusal(StorePlace(tmp_path, "postgresql://zorky:gooseberry@127.0.0.1:1/zorky"))
    assert "cannot connect to PostgreSQL" in said
    assert "gooseberry" not in said


@pytest.mark.postgres
@pytest.mark.parametrize(
    "url", ["postgresql://zorky:goose/berry@host/zorky", "postgresql://zorky:gooseberry@[::1/zorky"]
)
async def test_a_url_that_cannot_be_read_is_told_without_the_password(tmp_path, url):
    said = await refusal(StorePlace(tmp_path, url))
    assert "postgresql://USER@HOST:PORT/NAME" in said
    assert "goose" not in said


async def test_another_database_is_refused_without_the_password(tmp_path):
    said = await refusal(StorePlace(tmp_path, "mysql://zorky:gooseberry@host/zorky"))
    assert "postgresql://" in said
    assert "gooseberry" not in said


@pytest.mark.parametrize(
    ("library", "place", "extra"),
    [
        ("asyncpg", "database='postgresql://zorky@host/zorky'", "postgres"),
        ("s3fs", "pictures='s3://bucket/kept'", "s3"),
    ],
)
async def test_a_missing_library_is_told_with_the_extra_that_brings_it(tmp_path, library, place, extra):
    code = (
        f"import asyncio, sys; from pathlib import Path; sys.modules[{library!r}] = None\n"
        "from zorky_server.store import StorePlace, open_store\n"
        f"asyncio.run(open_store(StorePlace(Path({str(tmp_path)!r}), {place}), 1))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert f"CannotOpen: {'the driver' if extra == 'postgres' else 'what reaches'}" in said.decode()
    assert said.decode().rstrip().endswith(f"pip install 'zorky-server[{extra}]'")


async def test_a_folder_that_cannot_be_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    assert re.match("cannot keep results in .*/file", await refusal(StorePlace(tmp_path / "file")))


def test_where_a_store_is_can_be_logged_without_the_password(tmp_path):
    assert "gooseberry" not in repr(StorePlace(tmp_path, "postgresql://zorky:gooseberry@host/zorky"))
