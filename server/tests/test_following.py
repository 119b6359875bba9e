"""Following a registry: what is promoted serves soon, and whatever goes wrong, something goes on serving."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

import zorky_models
from zorky_server.following import Followed
from zorky_server.metrics import Metrics
from zorky_server.models import Models
from zorky_server.registry import Current, RegistryUnreachable
from zorky_server.settings import Settings
from zorky_server.tasks.handwriting.model import BadModel

POLL = 0.1
"""Seconds."""
INSTALLED = json.loads((zorky_models.ROOT / "handwriting" / "manifest.json").read_text())["version"]


@pytest.fixture
def followers(publisher, tmp_path) -> Callable[..., Models]:
    """Starts servers on one data folder, as far as their models go."""

    def start(metrics: Metrics | None = None) -> Models:
        settings = Settings(registry=publisher.url, registry_poll=POLL, data_dir=tmp_path / "data", workers=1)
        return Models(settings, metrics or Metrics())

    return start


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The versions that were fetched, in their order."""
    versions: list[str] = []
    fetch = Followed.fetch

    def noted(followed: Followed, current: Current) -> Path:
        versions.append(current.version)
        return fetch(followed, current)

    monkeypatch.setattr(Followed, "fetch", noted)
    return versions


@contextlib.asynccontextmanager
async def following(one: Models) -> AsyncIterator[None]:
    task = asyncio.create_task(one.follow())
    try:
        yield
    finally:
        task.cancel()


def version_of(one: Models) -> str:
    return one.current.reader.identity.version


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110  (nobody else would set an event)
            await asyncio.sleep(0.02)


def test_the_current_version_of_the_registry_serves(publisher, followers) -> None:
    publisher.promote("2099.1")
    publisher.publish("2099.2")
    assert version_of(followers()) == "2099.1"


def test_while_the_registry_has_none_models_dir_serves(followers) -> None:
    with capture_logs() as told:
        assert version_of(followers()) == INSTALLED
    assert told == [], "nothing is wrong"


async def test_what_is_promoted_serves_soon_and_what_is_rolled_back_does_not(publisher, followers) -> None:
    one = followers()
    async with following(one):
        for version in ("2099.1", "2099.2"):
            publisher.promote(version)
            await until(lambda version=version: version_of(one) == version)
        publisher.registry.rollback()
        await until(lambda: version_of(one) == "2099.1")


async def test_who_asks_gets_what_was_promoted_at_once(publisher, followers) -> None:
    one = followers()
    publisher.promote("2099.1")
    assert await one.reload()
    assert version_of(one) == "2099.1"
    assert not await one.reload()


async def test_what_serves_already_is_not_loaded_again(publisher, followers) -> None:
    publisher.promote("2099.1")
    one = followers()
    before = one.current
    async with following(one):
        await asyncio.sleep(10 * POLL)
    assert one.current is before


async def test_a_refused_version_is_told_once_and_the_next_one_is_taken(publisher, followers, fetched) -> None:
    metrics, outcomes = Metrics(), []
    metrics.reloaded = outcomes.append
    one = followers(metrics)
    for version in ("2099.1", "2099.2"):
        publisher.promote(version)
    publisher.damage("2099.2")
    with capture_logs() as told:
        async with following(one):
            await until(lambda: bool(told))
            await asyncio.sleep(10 * POLL)
            assert [line["event"] for line in told] == ["the new model is refused, the one before goes on"]
            assert "recognizer.onnx of 2099.2 is not the file that its manifest names" in told[0]["reason"]
            assert version_of(one) == INSTALLED
            assert fetched == ["2099.2"]
            with pytest.raises(BadModel, match="not the file that its manifest names"):
                await one.reload()
            publisher.promote("2099.3")
            await until(lambda: version_of(one) == "2099.3")
    assert outcomes == ["refused", "refused", "switched"]


async def test_a_version_that_verifies_but_cannot_read_is_not_tried_again(
    publisher, followers, fetched, tmp_path
) -> None:
    one = followers()
    made = Path(shutil.copytree(zorky_models.ROOT / "handwriting", tmp_path / "blind"))
    manifest = json.loads((made / "manifest.json").read_text()) | {"version": "2099.1"}
    manifest["weights"]["recognizer"] = manifest["weights"]["detector"]
    (made / "manifest.json").write_text(json.dumps(manifest))
    publisher.registry.promote(publisher.registry.publish(made))
    with capture_logs() as told:
        async with following(one):
            await until(lambda: bool(told))
            await asyncio.sleep(10 * POLL)
    assert [line["log_level"] for line in told] == ["error"]
    assert "fails at its warm-up" in told[0]["reason"]
    assert fetched == ["2099.1"]
    assert version_of(one) == INSTALLED


async def test_a_registry_that_goes_away_is_told_once_and_followed_again_when_it_is_back(publisher, followers) -> None:
    one = followers()
    with capture_logs() as told:
        async with following(one):
            publisher.hide()
            await until(lambda: bool(told))
            await asyncio.sleep(5 * POLL)
            assert [line["event"] for line in told] == ["the registry cannot be used, the model before goes on"]
            with pytest.raises(BadModel, match="make or mount it"):
                await one.reload()
            publisher.show()
            publisher.promote("2099.1")
            await until(lambda: version_of(one) == "2099.1")


def test_without_the_registry_a_server_starts_with_what_served_last(publisher, followers) -> None:
    publisher.promote("2099.1")
    followers()
    publisher.hide()
    with capture_logs() as told:
        assert version_of(followers()) == "2099.1"
    assert [line["log_level"] for line in told] == ["warning"]


def test_without_the_registry_and_what_served_last_models_dir_serves(publisher, followers, tmp_path) -> None:
    publisher.promote("2099.1")
    followers()
    publisher.hide()
    kept = tmp_path / "data" / "models" / "handwriting" / "2099.1" / "recognizer.onnx"
    kept.write_bytes(kept.read_bytes()[:-1] + b"?")
    with capture_logs() as told:
        assert version_of(followers()) == INSTALLED
    assert [line["log_level"] for line in told] == ["warning", "warning"]


async def test_a_server_that_started_without_the_registry_takes_what_it_missed(publisher, followers) -> None:
    publisher.promote("2099.1")
    followers()
    publisher.promote("2099.2")
    publisher.hide()
    one = followers()
    assert version_of(one) == "2099.1"
    publisher.show()
    async with following(one):
        await until(lambda: version_of(one) == "2099.2")


def test_a_refused_version_does_not_keep_a_server_from_starting(publisher, followers) -> None:
    publisher.promote("2099.1")
    followers()
    publisher.promote("2099.2")
    publisher.damage("2099.2")
    outcomes, metrics = [], Metrics()
    metrics.reloaded = outcomes.append
    with capture_logs() as told:
        assert version_of(followers(metrics)) == "2099.1"
    assert "recognizer.onnx of 2099.2" in told[0]["reason"]
    assert outcomes == ["refused"], "an alert looks at these"


async def test_no_more_than_two_versions_stay_on_the_machine(publisher, followers, tmp_path) -> None:
    one = followers()
    for version in ("2099.1", "2099.2", "2099.3"):
        publisher.promote(version)
        await one.reload()
    kept = {path.name for path in (tmp_path / "data" / "models" / "handwriting").iterdir() if path.is_dir()}
    assert kept == {"2099.2", "2099.3"}


def test_a_registry_that_can_never_be_used_is_told_at_start(tmp_path) -> None:
    with pytest.raises(RegistryUnreachable, match="Protocol not known"):
        Models(Settings(registry="nosuch://place", data_dir=tmp_path), Metrics())
