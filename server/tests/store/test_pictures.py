"""Pictures in a folder and in S3: kept whole, listed afresh, deleted when they are strays."""

import asyncio
import os
import socket
import uuid
from datetime import timedelta
from pathlib import Path

import fsspec
import pytest
from s3fs import S3FileSystem

from zorky_server.store import CannotOpen, StorePlace, StoreUnreachable
from zorky_server.store.pictures import Pictures


@pytest.fixture(params=["folder", "s3"])
def where(request, tmp_path) -> str:
    """A place for pictures: its URL."""
    if request.param == "folder":
        return str(tmp_path / "kept here" / "pictures")
    return f"{request.getfixturevalue('s3_bucket')}/kept/pictures"


def name() -> str:
    return uuid.uuid4().hex


def test_a_picture_comes_back_as_it_was_kept(where):
    pictures, kept = Pictures(where), name()
    for image in (b"", bytes(range(256)) * 20_000):
        pictures.keep(kept, image)
        assert pictures.read(kept) == image
    assert pictures.result_ids() == [kept]


def test_a_picture_that_is_not_there_is_not_found_and_not_missed(where):
    pictures, kept = Pictures(where), name()
    assert pictures.result_ids() == []
    pictures.delete([name()])
    pictures.keep(kept, b"png")
    pictures.delete([name(), kept, kept])
    with pytest.raises(FileNotFoundError):
        pictures.read(kept)


def test_servers_see_what_others_keep_and_delete(where):
    one, other, kept = Pictures(where), Pictures(where), name()
    assert one.result_ids() == other.result_ids() == []
    other.keep(kept, b"png")
    assert one.result_ids() == [kept]
    one.delete([kept])
    assert other.result_ids() == []


def test_files_of_others_are_neither_listed_nor_deleted(where):
    pictures = Pictures(where)
    files, root = fsspec.core.url_to_fs(where, use_listings_cache=False)
    for other in ("readme.txt", f"{name()}.png", "0" * 31):
        files.pipe_file(f"{root}/{other}", b"theirs")
    files.makedirs(f"{root}/{name()}x", exist_ok=True)
    assert pictures.result_ids() == []


def test_what_was_written_a_moment_ago_is_no_stray_yet(where, monkeypatch):
    pictures, kept = Pictures(where), name()
    pictures.keep(kept, b"png")
    pictures.delete_settled([kept, name()])
    assert pictures.result_ids() == [kept]
    monkeypatch.setattr("zorky_server.store.pictures._SETTLING", timedelta(hours=-1))
    pictures.delete_settled([kept, name()])
    assert pictures.result_ids() == []


def test_a_place_where_nothing_can_be_written_is_told_at_start(s3_bucket, tmp_path):
    (tmp_path / "file").write_text("")
    for where in (f"{s3_bucket}-that-is-not-there/kept", str(tmp_path / "file"), "gopher://host/kept"):
        with pytest.raises(CannotOpen, match="pictures"):
            Pictures(where)


def test_a_place_that_does_not_answer_is_told(monkeypatch, s3_bucket):
    pictures = Pictures(s3_bucket)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    pictures._files.connect(refresh=True)
    with pytest.raises(StoreUnreachable):
        pictures.read(name())
    pictures._files.clear_instance_cache()  # fsspec gives the same connection to whoever asks for the same place


def test_a_place_that_takes_calls_and_says_nothing_is_not_waited_for_for_ever(s3_bucket, monkeypatch):
    S3FileSystem.clear_instance_cache()
    monkeypatch.setattr("zorky_server.buckets.LONGEST", 1)
    pictures = Pictures(s3_bucket)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{mute.getsockname()[1]}")
        pictures._files.connect(refresh=True)
        for use in (lambda: pictures.keep(name(), b"png"), lambda: pictures.read(name()), pictures.result_ids):
            with pytest.raises(StoreUnreachable, match="did not answer"):
                use()
    S3FileSystem.clear_instance_cache()


async def test_results_without_a_kept_picture_do_not_wait_for_a_place_that_hangs(tmp_path, open_at, result):
    store = await open_at(StorePlace(tmp_path))
    pipes = [tmp_path / "pictures" / f"{number:032x}" for number in range(40)]
    for pipe in pipes:
        os.mkfifo(pipe)  # whoever opens it to write waits until somebody reads
    kept = [asyncio.create_task(store.record(result(number, kept="{}"))) for number in range(len(pipes))]
    await asyncio.sleep(0.2)
    try:
        async with asyncio.timeout(5):
            await store.record(result(len(pipes)))
        assert not any(one.done() for one in kept)
    finally:
        readers = [os.open(pipe, os.O_RDONLY | os.O_NONBLOCK) for pipe in pipes]
        await asyncio.gather(*kept)
        for reader in readers:
            os.close(reader)


async def test_a_store_keeps_its_pictures_in_s3(s3_bucket, tmp_path, open_at, result, praise):
    store = await open_at(StorePlace(tmp_path, pictures=f"{s3_bucket}/kept"))
    for number in range(3):
        await store.record(result(number, user_key="marigold" if number else "", image=b"%d" % number, kept="{}"))
    assert [await store.picture(f"{number:032x}") for number in range(3)] == [b"0", b"1", b"2"]
    await store.add_feedback(praise("r", 1, allow_training=True))
    await store.add_feedback(praise("s", 2))
    assert (await store.delete_user("marigold")).pictures == 1
    await store.sweep()
    files, root = fsspec.core.url_to_fs(f"{s3_bucket}/kept", use_listings_cache=False)
    assert [Path(path).name for path in files.ls(root, detail=False)] == [f"{0:032x}"]
    assert not (tmp_path / "pictures").exists()
