"""Watching: what it does when there is nothing to do, and from where it goes on."""

import asyncio
import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

import zorky_models
from zorky_server.registry import NoSuchVersion, Registry
from zorky_server.settings import Settings
from zorky_server.storage import opened_store
from zorky_server.store import Feedback, Promotion, ResultRecord, Store
from zorky_training import attempt as attempts
from zorky_training.__main__ import parser
from zorky_training.corrections.folder import DataSet
from zorky_training.watch import Place, _alone, _next_version, _reason, _running, _shipped, watch_once

SHIPPED = zorky_models.ROOT / "handwriting"
NEVER = 1 << 60
"""A moment that does not come."""
VERSION = json.loads((SHIPPED / "manifest.json").read_text())["version"]


async def made(settings: Settings) -> None:
    """A server has been here."""
    async with opened_store(settings):
        pass


@pytest.fixture
def place(tmp_path: Path, sources) -> Place:
    folder = tmp_path / "registry"
    folder.mkdir()
    settings = Settings(data_dir=tmp_path / "data", registry=str(folder))
    asyncio.run(made(settings))
    return Place(settings, Registry(str(folder), "handwriting"), [], sources, tmp_path / "work", keep=3)


@pytest.fixture
def publish(place: Place, tmp_path: Path):
    """Publishes the shipped model under another version."""

    def published(version: str) -> str:
        folder = Path(shutil.copytree(SHIPPED, tmp_path / version))
        manifest = json.loads((folder / "manifest.json").read_text()) | {"version": version}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return place.registry.publish(folder)

    return published


async def correct(store: Store, number: int) -> None:
    """A result, its rating and its correction, all with leave to train."""
    result_id = f"{number:032x}"
    await store.record(
        ResultRecord(result_id, "", "handwriting", "1", "ab" * 32, "c", b"", 9, 9, {"total": 0.1}, (), None, kept="{}")
    )
    await store.add_feedback(Feedback(f"rating {number}", result_id, rating="good", allow_training=True))
    await store.add_feedback(Feedback(f"text {number}", result_id, text="слово", allow_training=True))


def attempt(verdict: str, learnt_until: int) -> Promotion:
    return noted(verdict, {"learnt_until": learnt_until})


def noted(verdict: str, figures: dict[str, int]) -> Promotion:
    return Promotion(time.time_ns() // 1000, "handwriting", "1", "ab" * 32, "0", verdict, "", figures)


def tried(place: Place, verdict: str, before: str = VERSION) -> Promotion:
    """An attempt that was judged and then stopped; its model lies in the folder of work."""
    place.work.mkdir()
    version = f"{VERSION}-tuned.1"
    folder = Path(shutil.copytree(SHIPPED, place.work / version))
    manifest = json.loads((folder / "manifest.json").read_text()) | {"version": version}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (place.work / f"{version}.run-0").mkdir()
    made = Promotion(time.time_ns() // 1000, "handwriting", version, "ab" * 32, before, verdict, "why", {"x": 0.5})
    attempts.keep(place.work, made)
    return made


def noted_in(place: Place) -> list[Promotion]:
    async def all_of_them() -> list[Promotion]:
        async with opened_store(place.settings) as store:
            return await store.promotions()

    return asyncio.run(all_of_them())


def test_without_corrections_nothing_is_done_and_nothing_is_kept(place):
    assert watch_once(place, enough=1) == "nothing to do"
    assert not place.work.exists()
    assert place.registry.current() is None


def test_what_people_took_back_goes_though_nothing_is_due(place):
    place.work.mkdir()
    DataSet(place.work / "corrections").add("train", "crop.png", np.zeros((8, 8, 3), np.uint8))
    assert watch_once(place, enough=1) == "nothing to do"
    assert not list(place.work.rglob("*.png"))


def test_a_promotion_that_was_stopped_is_finished_once(place, monkeypatch):
    made = tried(place, "promoted")
    promote = type(place.registry).promote
    monkeypatch.setattr(type(place.registry), "promote", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        watch_once(place, enough=1)
    monkeypatch.setattr(type(place.registry), "promote", promote)
    assert watch_once(place, enough=1) == "promoted"
    assert place.registry.current().version == made.version
    assert {one.version for one in place.registry.versions()} == {VERSION, made.version}, "and what it comes from"
    assert noted_in(place) == [made]
    assert not list(place.work.iterdir())
    assert watch_once(place, enough=1) == "nothing to do"


def test_a_promotion_whose_note_was_stopped_is_noted_once(place, monkeypatch):
    made = tried(place, "promoted")
    monkeypatch.setattr(attempts, "end", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        watch_once(place, enough=1)
    monkeypatch.undo()
    assert watch_once(place, enough=1) == "promoted"
    assert noted_in(place) == [made]


def test_a_refusal_that_was_stopped_stays_one(place):
    made = tried(place, "refused")
    assert watch_once(place, enough=1) == "refused"
    assert place.registry.current() is None
    assert noted_in(place) == [made]


def test_what_an_operator_did_meanwhile_holds(place, publish):
    tried(place, "promoted")
    place.registry.promote(publish("2030.1"))
    assert watch_once(place, enough=1) == "refused"
    assert place.registry.current().version == "2030.1"
    (note,) = noted_in(place)
    assert note.reason == f"2030.1 serves meanwhile, and {VERSION}-tuned.1 was judged against {VERSION}"
    assert note.figures == {}, "what people said is learnt anew"


def test_what_an_attempt_has_learnt_from_is_not_new_to_the_next(place):
    async def reasons() -> list[str | None]:
        found = []
        async with opened_store(place.settings) as store:
            for number in range(3):
                await correct(store, number)
            for one in (
                attempt("refused", 0),
                noted("rolled back", {}),
                noted("promoted", {}),
                attempt("refused", NEVER),
            ):
                await store.add_promotion(one)
                found.append(await _reason(place.settings, enough=3))
        return found

    enough = "3 new corrections, 3 are enough"
    assert asyncio.run(reasons()) == [enough, enough, enough, None], "those by hand have learnt from nothing"


def test_the_model_of_the_settings_is_tuned_where_none_was_promoted(place):
    assert _running(place) == SHIPPED
    assert _next_version(place, VERSION) == f"{VERSION}-tuned.1"


def test_versions_that_were_published_before_are_not_used_again(place, publish):
    for number in (1, 2):
        publish(f"{VERSION}-tuned.{number}")
    place.registry.promote(f"{VERSION}-tuned.1")
    assert json.loads((_running(place) / "manifest.json").read_text())["version"] == f"{VERSION}-tuned.1"
    assert _next_version(place, f"{VERSION}-tuned.1") == f"{VERSION}-tuned.3"


def test_a_tuned_model_is_held_against_the_one_that_it_comes_from_in_the_end(place, publish):
    with pytest.raises(NoSuchVersion, match=r"2030\.1, which 2030\.1-tuned\.4 was tuned from, is gone"):
        _shipped(place, "2030.1-tuned.4")
    assert _shipped(place, f"{VERSION}-tuned.4") == SHIPPED
    publish("2030.1")
    found = _shipped(place, "2030.1-tuned.4")
    assert json.loads((found / "manifest.json").read_text())["version"] == "2030.1"


def test_two_do_not_watch_in_one_folder(place, tmp_path):
    settings = tmp_path / "zorky.toml"
    settings.write_text(f'data_dir = "{place.settings.data_dir}"\nregistry = "{place.settings.registry}"\n')
    command = ["watch", "--once", "--settings", str(settings), "--fonts", str(place.sources.fonts)]
    arguments = parser().parse_args([*command, "--work", str(place.work)])
    with _alone(place.work), pytest.raises(SystemExit, match="another `zorky-train watch` works in"):
        arguments.run(arguments)
    arguments.run(arguments)


def test_without_a_registry_it_says_what_to_set(tmp_path, monkeypatch):
    monkeypatch.delenv("ZORKY_SETTINGS", raising=False)
    arguments = parser().parse_args(["watch", "--once", "--work", str(tmp_path / "work")])
    with pytest.raises(SystemExit, match="set registry in the settings"):
        arguments.run(arguments)
