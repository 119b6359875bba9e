"""Objects: the same in a folder and in a bucket, and whole whoever looks."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from s3fs import S3FileSystem

from zorky_server.registry import RegistryUnreachable
from zorky_server.registry.objects import Objects, replace_file


def test_what_was_written_is_read_listed_and_deleted(url):
    objects = Objects(url)
    before = time.time()
    objects.write("a/b/one", b"1" * 10)
    objects.write("a/two", b"22")
    assert (objects.read("a/b/one"), objects.read("a/two"), objects.read("a/three")) == (b"1" * 10, b"22", None)
    assert {(one.name, one.is_folder) for one in objects.list("a")} == {("b", True), ("two", False)}
    assert [(one.name, one.size) for one in objects.list("a/b")] == [("one", 10)]
    assert abs(objects.written_at("a/two").timestamp() - before) < 60
    objects.delete("a/two")
    objects.delete("a/b")
    objects.delete("a/b")
    assert objects.read("a/two") is objects.read("a/b/one") is None
    assert objects.list("a/b") == []


def test_an_object_is_replaced(url):
    objects = Objects(url)
    objects.write("one", b"old")
    objects.write("one", b"new")
    assert objects.read("one") == Objects(url).read("one") == b"new"


def test_a_place_that_is_not_there_does_not_pass_for_an_empty_one(url):
    objects = Objects(f"{url}-gone" if "://" not in url else url.replace("s3://", "s3://gone-"))
    for use in (lambda: objects.read("a"), lambda: objects.list("a"), lambda: objects.write("a", b"")):
        with pytest.raises(RegistryUnreachable, match=r"make or mount it|does not exist"):
            use()


@pytest.fixture
def moved_bucket(s3_bucket: str) -> Iterator[str]:
    """A bucket whose endpoint the test changes: nothing that was connected before is used, nor is it afterwards."""
    S3FileSystem.clear_instance_cache()
    yield s3_bucket
    S3FileSystem.clear_instance_cache()


def test_a_server_that_does_not_answer_is_told_within_seconds(moved_bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    began = time.monotonic()
    with pytest.raises(RegistryUnreachable, match=r"s3://zorky-.* cannot be used: Could not connect"):
        Objects(moved_bucket).read("a")
    assert time.monotonic() - began < 20


def test_a_server_that_takes_calls_and_says_nothing_is_not_waited_for_for_ever(moved_bucket, monkeypatch):
    monkeypatch.setattr("zorky_server.buckets.LONGEST", 1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{mute.getsockname()[1]}")
        with pytest.raises(RegistryUnreachable, match="FSTimeoutError"):
            Objects(moved_bucket).read("a")


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("nosuch://place", "Protocol not known: nosuch"),
        ("sftp://owner:marigold@host/models", "has a password in it"),
        ("s3://owner:mari/gold+marigold@bucket", "has a password in it"),
        ("sftp://host/models?password=marigold", "has a password in it"),
        ("simplecache::sftp://owner:marigold@host/models", "has a password in it"),
    ],
)
def test_a_url_that_never_works_is_refused_and_its_password_not_told(url, problem):
    with pytest.raises(RegistryUnreachable, match=problem) as caught:
        Objects(url)
    assert "marigold" not in str(caught.value)


def test_without_the_package_for_a_storage_the_line_that_installs_it_is_told(monkeypatch):
    def missing(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("zorky_server.buckets.url_to_fs", missing)
    with pytest.raises(RegistryUnreachable, match=r"pip install 'zorky-server\[s3\]'"):
        Objects("s3://bucket")


def test_who_reads_while_a_file_is_replaced_sees_all_of_the_one_or_the_other(tmp_path: Path):
    path, contents = tmp_path / "file", [bytes([fill]) * 300_000 for fill in range(4)]
    replace_file(path, contents[0])
    writers = [
        threading.Thread(target=lambda one=one: [replace_file(path, one) for _ in range(20)]) for one in contents
    ]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        seen.add(path.read_bytes())
    assert seen <= set(contents)
    assert os.listdir(tmp_path) == ["file"], "no draft is left"  # noqa: PTH208 (pathlib has no names alone)


def test_a_draft_that_could_not_be_put_in_place_is_taken_away(tmp_path: Path):
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="directory"):
        replace_file(tmp_path / "file", b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_another_program_sees_plain_objects(url):
    Objects(url).write("a/one", b"data")
    files, root = fsspec.url_to_fs(url, use_listings_cache=False)
    assert files.cat_file(f"{root}/a/one") == b"data"
