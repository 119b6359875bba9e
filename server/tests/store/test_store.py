"""The store without a network: what survives, what is forgotten, what is hidden."""

import asyncio
import os
import stat
import time

import pytest
from sqlalchemy.exc import IntegrityError

from zorky_server.store import Feedback, RequestIdReused, ResultRecord, StorePlace, UnknownResult, open_store
from zorky_server.store.pictures import PictureFolder
from zorky_server.store.secret import keyed_hash, load_secret


def result(number: int = 1, kept: str | None = None) -> ResultRecord:
    return ResultRecord(
        result_id=f"{number:032x}",
        user_key="",
        model="test",
        model_version="1",
        model_sha256="ab" * 32,
        calibration="c1",
        image=b"png",
        width=2,
        height=1,
        timings={"decode": 0.01, "total": 0.5},
        words_per_line=(2,),
        confidence=0.5,
        kept=kept,
    )


def praise(request_id: str, number: int = 1, *, allow_training: bool = False) -> Feedback:
    return Feedback(request_id, f"{number:032x}", rating="good", allow_training=allow_training)


@pytest.fixture
async def store(tmp_path):
    opened = await open_store(StorePlace(tmp_path), lifetime=3600)
    yield opened
    await opened.close()


async def test_feedback_survives_a_restart(tmp_path):
    first = await open_store(StorePlace(tmp_path), lifetime=3600)
    await first.record(result())
    receipt = await first.add_feedback(praise("r"))
    await first.close()
    second = await open_store(StorePlace(tmp_path), lifetime=3600)
    assert await second.add_feedback(praise("r")) == receipt
    await second.close()


async def test_the_same_feedback_sent_at_once_is_kept_once(store):
    await store.record(result())
    receipts = await asyncio.gather(*(store.add_feedback(praise("r")) for _ in range(20)))
    assert len(set(receipts)) == 1


async def test_two_servers_that_share_a_folder_see_each_others_results(tmp_path, store):
    other = await open_store(StorePlace(tmp_path), lifetime=3600)
    await store.record(result())
    receipt = await other.add_feedback(praise("r"))
    assert await store.add_feedback(praise("r")) == receipt
    with pytest.raises(RequestIdReused):
        await store.add_feedback(praise("r", allow_training=True))
    await asyncio.gather(*(one.record(result(n + 2)) for n, one in enumerate([store, other] * 20)))
    await other.close()


async def test_a_write_is_finished_even_when_the_caller_leaves(store):
    for number in range(2, 30):
        writing = asyncio.create_task(store.record(result(number)))
        await asyncio.sleep(0.0005 * (number % 7))
        writing.cancel()
    await store.record(result(1))
    await asyncio.sleep(0.2)
    assert (await store.add_feedback(praise("r", 29))).feedback_id


async def test_a_group_of_results_that_cannot_be_written_fails_for_each_of_its_callers(store):
    first = asyncio.create_task(store.record(result(1)))
    rest = [asyncio.create_task(store.record(result(number))) for number in (2, 3, 3)]  # an id used twice
    outcomes = await asyncio.gather(*rest, return_exceptions=True)
    await first
    assert all(isinstance(outcome, IntegrityError) for outcome in outcomes), outcomes
    await store.record(result(4))
    assert (await store.add_feedback(praise("r", 4))).feedback_id


async def test_an_expired_result_is_forgotten_with_its_picture(tmp_path):
    store = await open_store(StorePlace(tmp_path), lifetime=0.05)
    await store.record(result(1, "{}"))
    await asyncio.sleep(0.06)
    await store.sweep()
    with pytest.raises(UnknownResult):
        await store.add_feedback(praise("r"))
    assert not list((tmp_path / "pictures").iterdir())
    await store.close()


async def test_a_picture_given_for_training_outlives_its_result(tmp_path):
    store = await open_store(StorePlace(tmp_path), lifetime=0.2)
    await store.record(result(1, "{}"))
    await store.record(result(2, "{}"))
    await store.add_feedback(praise("r", allow_training=True))
    await asyncio.sleep(0.2)
    await store.sweep()
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == [f"{1:032x}"]
    await store.close()


async def test_a_sweep_leaves_what_has_not_expired(tmp_path, store):
    await store.record(result(1, "{}"))
    await store.sweep()
    assert len(list((tmp_path / "pictures").iterdir())) == 1
    assert (await store.add_feedback(praise("r"))).feedback_id


async def test_a_picture_whose_record_was_never_written_is_deleted_when_it_has_settled(tmp_path, store):
    pictures = PictureFolder(tmp_path / "pictures")
    pictures.keep("old", b"png")
    pictures.keep("new", b"png")
    os.utime(tmp_path / "pictures" / "old", times=(0, time.time() - 7200))
    await store.sweep()
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["new"]


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path):
    secret = load_secret(tmp_path / "secret")
    assert load_secret(tmp_path / "secret") == secret
    assert len(secret) == 32
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_hash_needs_the_secret():
    assert keyed_hash(b"a" * 32, "ключ") == keyed_hash(b"a" * 32, "ключ") != keyed_hash(b"b" * 32, "ключ")


async def test_only_the_owner_may_enter_the_folders(tmp_path):
    store = await open_store(StorePlace(tmp_path / "data"), lifetime=1)
    for folder in (tmp_path / "data", tmp_path / "data" / "pictures"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    await store.close()
