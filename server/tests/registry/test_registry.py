"""Registry: whole versions alone are taken, and the note of the current one is right whoever changes it."""

import hashlib
import json
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import fsspec
import pytest

from zorky_server.registry import BadVersion, Current, NoSuchVersion, Registry, VersionTaken
from zorky_server.registry.objects import Objects


def put(url: str, path: str, data: bytes) -> None:
    """Past the registry, as someone who tampers would."""
    files, root = fsspec.url_to_fs(url, use_listings_cache=False)
    files.makedirs(f"{root}/reading/{path}".rpartition("/")[0], exist_ok=True)
    files.pipe_file(f"{root}/reading/{path}", data)


def digest_of(folder: Path) -> str:
    return hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()


def test_an_empty_registry_has_no_versions_and_no_current_one(registry):
    assert registry.versions() == []
    assert registry.current() is None


def test_what_is_published_is_listed_and_does_not_serve_yet(registry, model):
    folder = model("2026.1", metrics={"cer": {"ru_pages": 0.08}})
    assert registry.publish(folder) == "2026.1"
    (one,) = registry.versions()
    assert (one.version, one.cer) == ("2026.1", {"ru_pages": 0.08})
    assert one.size == sum(file.stat().st_size for file in folder.iterdir())
    assert registry.current() is None


def test_promoted_it_is_the_current_one_and_knows_the_one_before(registry, model):
    first, second = model("2026.1"), model("2026.2")
    registry.publish(first)
    registry.publish(second)
    assert registry.promote("2026.1") == registry.current() == Current("2026.1", digest_of(first), None)
    assert registry.promote("2026.2") == registry.current() == Current("2026.2", digest_of(second), "2026.1")
    assert registry.promote("2026.2").before == "2026.1", "twice is as good as once"


def test_a_rollback_brings_the_one_before_and_a_second_one_not_the_bad_one(registry, model):
    for version in ("2026.1", "2026.2"):
        registry.publish(model(version))
        registry.promote(version)
    assert registry.rollback().version == registry.current().version == "2026.1"
    with pytest.raises(NoSuchVersion, match="models list"):
        registry.rollback()
    assert registry.current().version == "2026.1"


def test_a_rollback_to_a_named_version(registry, model):
    for version in ("2026.1", "2026.2", "2026.3"):
        registry.publish(model(version))
        registry.promote(version)
    assert registry.rollback("2026.1").version == registry.current().version == "2026.1"


def test_a_version_is_never_replaced_by_another_model(registry, model):
    registry.publish(model("2026.1"))
    with pytest.raises(VersionTaken, match="give this one a new version"):
        registry.publish(model("2026.1", b"other"))
    assert registry.promote("2026.1").sha256 == digest_of(model("2026.1"))


@pytest.mark.parametrize("version", ["2026.9", "../reading/2026.1", "", "current.json"])
def test_what_is_not_published_cannot_be_promoted(registry, model, version):
    registry.publish(model("2026.1"))
    with pytest.raises((NoSuchVersion, BadVersion)):
        registry.promote(version)
    assert registry.current() is None


def test_a_folder_that_is_not_what_its_manifest_says_is_not_published(registry, model):
    folder = model("2026.1")
    (folder / "one.onnx").write_bytes(b"other")
    with pytest.raises(BadVersion, match=r"one\.onnx is not the file that its manifest names"):
        registry.publish(folder)
    assert registry.versions() == []


def test_a_folder_without_a_model_is_not_published(registry, tmp_path):
    with pytest.raises(BadVersion, match="no folder of a model"):
        registry.publish(tmp_path / "none")


def test_a_damaged_upload_cannot_be_promoted_and_publishing_again_mends_it(url, registry, model):
    registry.publish(model("2026.1"))
    put(url, "2026.1/one.onnx", b"weight")
    with pytest.raises(BadVersion, match=r"one\.onnx of 2026\.1 is not the file that its manifest names"):
        registry.promote("2026.1")
    registry.publish(model("2026.1"))
    assert registry.promote("2026.1").version == "2026.1"


@pytest.mark.parametrize("writes", range(4))
def test_a_publisher_that_dies_on_the_way_leaves_no_version(registry, model, monkeypatch, writes):
    write, left = Objects.write, [None] * writes

    def write_or_die(*arguments: Any) -> None:
        left.pop()
        write(*arguments)

    monkeypatch.setattr(Objects, "write", write_or_die)
    with pytest.raises(IndexError):
        registry.publish(model("2026.1"))
    assert registry.versions() == []
    with pytest.raises(NoSuchVersion):
        registry.promote("2026.1")


def test_an_upload_that_was_killed_is_no_version_and_can_be_done_again(url, registry, model):
    put(url, "2026.1/one.onnx", b"weights")
    assert registry.versions() == []
    with pytest.raises(NoSuchVersion):
        registry.promote("2026.1")
    registry.publish(model("2026.1"))
    assert registry.promote("2026.1").version == "2026.1"


def test_a_manifest_that_says_another_version_than_its_folder_is_refused(url, registry, model):
    put(url, "2026.2/manifest.json", (model("2026.1") / "manifest.json").read_bytes())
    with pytest.raises(BadVersion, match=r"says that it is 2026\.1"):
        registry.promote("2026.2")


def test_a_damaged_version_is_listed_so_that_one_sees_it(url, registry):
    put(url, "2026.1/manifest.json", b"{")
    put(url, "notes/manifest.json", b"{}")
    assert [(one.version, one.cer) for one in registry.versions()] == [("2026.1", {})]


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"[]",
        b"{}",
        b'{"version": "../2026.1", "sha256": "%s", "before": null}' % (b"0" * 64),
        b'{"version": "2026.1", "sha256": "0", "before": null}',
        b'{"version": "2026.1", "sha256": "%s", "before": "../../etc"}' % (b"0" * 64),
    ],
)
def test_a_damaged_note_is_told_and_mended_by_a_promotion(url, registry, model, note):
    registry.publish(model("2026.1"))
    put(url, "current.json", note)
    with pytest.raises(BadVersion, match=r"current\.json is damaged, promote a version anew"):
        registry.current()
    assert registry.promote("2026.1").before is None
    assert registry.current().version == "2026.1"


def test_pruning_keeps_the_newest_the_current_one_and_the_one_before(registry, model):
    versions = [f"2026.{number}" for number in range(1, 7)]
    for version in versions:
        registry.publish(model(version))
    registry.promote("2026.1")
    registry.promote("2026.2")
    assert sorted(registry.prune(keep=2)) == ["2026.3", "2026.4"]
    assert sorted(one.version for one in registry.versions()) == ["2026.1", "2026.2", "2026.5", "2026.6"]
    assert registry.rollback().version == "2026.1"


def test_what_is_fetched_is_what_was_published(registry, model, tmp_path):
    folder = model("2026.1")
    registry.publish(folder)
    fetched = registry.fetch("2026.1", tmp_path / "kept", digest_of(folder))
    assert fetched == tmp_path / "kept" / "2026.1"
    names = {path.name for path in fetched.iterdir()}
    assert names == {"manifest.json", "CARD.md", "one.onnx", "two.onnx"}
    assert all((fetched / name).read_bytes() == (folder / name).read_bytes() for name in names)


def test_what_was_fetched_before_is_verified_mended_and_else_left_alone(registry, model, tmp_path):
    registry.publish(model("2026.1"))
    fetched = registry.fetch("2026.1", tmp_path)
    (fetched / "one.onnx").write_bytes(b"weight")
    untouched = (fetched / "two.onnx").stat().st_ino
    registry.fetch("2026.1", tmp_path)
    assert (fetched / "one.onnx").read_bytes() == b"weights"
    assert (fetched / "two.onnx").stat().st_ino == untouched


def test_a_damaged_version_is_not_fetched_and_leaves_no_model(url, registry, model, tmp_path):
    registry.publish(model("2026.1"))
    put(url, "2026.1/two.onnx", b"other")
    with pytest.raises(BadVersion, match=r"two\.onnx of 2026\.1"):
        registry.fetch("2026.1", tmp_path)
    assert not (tmp_path / "2026.1" / "manifest.json").exists()


def test_a_version_replaced_behind_the_note_is_not_fetched(url, registry, model, tmp_path):
    """Weights and manifest fit each other, but are not those that were promoted."""
    registry.publish(model("2026.1"))
    current = registry.promote("2026.1")
    for path in model("2026.1", b"other").iterdir():
        put(url, f"2026.1/{path.name}", path.read_bytes())
    with pytest.raises(BadVersion, match="not the one that was promoted"):
        registry.fetch("2026.1", tmp_path, current.sha256)
    assert list(tmp_path.glob("2026.1/*")) == []


def test_no_file_leaves_the_folder_whatever_a_manifest_names(url, registry, model, tmp_path):
    manifest = json.loads((model("2026.1") / "manifest.json").read_text())
    manifest["weights"]["one"] = {"file": "../escaped", "sha256": hashlib.sha256(b"evil").hexdigest()}
    put(url, "2026.1/manifest.json", json.dumps(manifest).encode())
    put(url, "escaped", b"evil")
    with pytest.raises(BadVersion, match="is not the name of a file"):
        registry.fetch("2026.1", tmp_path / "kept")
    assert not list((tmp_path / "kept").rglob("escaped"))


def test_servers_that_fetch_into_one_folder_all_get_a_whole_model(registry, model, tmp_path):
    folder = model("2026.1", b"weights" * 50_000)
    registry.publish(folder)
    wrong: list[str] = []

    def fetch() -> None:
        fetched = registry.fetch("2026.1", tmp_path / "kept")
        wrong.extend(
            path.name for path in fetched.glob("*.onnx") if path.read_bytes() != (folder / path.name).read_bytes()
        )

    servers = [threading.Thread(target=fetch) for _ in range(8)]
    for server in servers:
        server.start()
    for server in servers:
        server.join()
    assert wrong == []
    assert len(list((tmp_path / "kept" / "2026.1").iterdir())) == 4, "no drafts are left"


def test_two_who_promote_at_once_leave_one_of_both_and_a_way_back(url, registry, model):
    for version in ("2026.1", "2026.2", "2026.3"):
        registry.publish(model(version))
    registry.promote("2026.1")
    barrier = threading.Barrier(2)

    def promote(version: str) -> None:
        mine = Registry(url, "reading")
        barrier.wait()
        for _ in range(5):
            mine.promote(version)

    both = [threading.Thread(target=promote, args=(version,)) for version in ("2026.2", "2026.3")]
    for one in both:
        one.start()
    while any(one.is_alive() for one in both):
        assert registry.current().version in ("2026.1", "2026.2", "2026.3"), "never half a note"
    current = registry.current()
    assert current.version in ("2026.2", "2026.3")
    assert current.before in {"2026.1", "2026.2", "2026.3"} - {current.version}
    assert registry.rollback().version == current.before


def test_of_two_who_publish_one_version_at_once_no_mixture_can_be_promoted(url, model, tmp_path):
    folders = [model("2026.1", fill * 200_000) for fill in (b"a", b"b")]

    def publish(folder: Path) -> None:
        with suppress(VersionTaken):
            Registry(url, "reading").publish(folder)

    both = [threading.Thread(target=publish, args=(folder,)) for folder in folders]
    for one in both:
        one.start()
    for one in both:
        one.join()
    with suppress(BadVersion):  # a mixture
        promoted = Registry(url, "reading").promote("2026.1")
        fetched = Registry(url, "reading").fetch("2026.1", tmp_path, promoted.sha256)
        wholes = [{path.name: path.read_bytes() for path in folder.glob("*.onnx")} for folder in folders]
        assert {path.name: path.read_bytes() for path in fetched.glob("*.onnx")} in wholes
