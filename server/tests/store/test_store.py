"""The store without a network, on each database: what survives, what is kept once, what is forgotten."""

import asyncio
import os
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from zorky_server.store import (
    Consented,
    Failure,
    Feedback,
    MissedLine,
    OutsidePicture,
    Promotion,
    RequestIdReused,
    UnknownResult,
    WordCorrection,
)

READING = '{"text": "два слова"}'


async def rows(store, statement: str) -> list[tuple]:
    async with store.snapshot() as connection:
        return [tuple(row) for row in await connection.execute(text(statement))]


def pictures(place) -> list[str]:
    return sorted(path.name for path in (place.folder / "pictures").iterdir())


async def test_feedback_survives_a_restart(place, open_at, result, praise):
    first = await open_at(place)
    await first.record(result())
    receipt = await first.add_feedback(praise("r"))
    await first.close()
    second = await open_at(place)
    assert await second.add_feedback(praise("r")) == receipt


async def test_the_same_feedback_sent_at_once_is_kept_once(store, result, praise):
    await store.record(result())
    receipts = await asyncio.gather(*(store.add_feedback(praise("r")) for _ in range(20)))
    assert len(set(receipts)) == 1


async def test_the_same_feedback_sent_at_once_to_two_servers_is_kept_once(place, open_at, result, praise):
    one, other = await open_at(place), await open_at(place)
    await one.record(result())
    for number in range(30):
        receipts = await asyncio.gather(*(server.add_feedback(praise(f"r{number}")) for server in (one, other)))
        assert len(set(receipts)) == 1
    assert await rows(one, "SELECT count(*) FROM feedback") == [(30,)]


async def test_two_servers_see_each_others_results(place, open_at, result, praise):
    one, other = await open_at(place), await open_at(place)
    await one.record(result())
    receipt = await other.add_feedback(praise("r"))
    assert await one.add_feedback(praise("r")) == receipt
    with pytest.raises(RequestIdReused):
        await one.add_feedback(praise("r", allow_training=True))
    await asyncio.gather(*(server.record(result(n + 2)) for n, server in enumerate([one, other] * 20)))
    assert await rows(other, "SELECT count(*) FROM results") == [(41,)]


async def test_a_write_is_finished_even_when_the_caller_leaves(store, result, praise):
    for number in range(2, 30):
        writing = asyncio.create_task(store.record(result(number)))
        await asyncio.sleep(0.0005 * (number % 7))
        writing.cancel()
    await store.record(result(1))
    await asyncio.sleep(0.2)
    assert (await store.add_feedback(praise("r", 29))).feedback_id


async def test_a_reader_that_leaves_half_way_takes_no_connection_along(store, result):
    await store.record(result())
    for number in range(40):
        reading = asyncio.create_task(rows(store, "SELECT * FROM results"))
        await asyncio.sleep(0.0002 * (number % 10))
        reading.cancel()
    async with asyncio.timeout(20):
        assert len(await asyncio.gather(*(rows(store, "SELECT * FROM results") for _ in range(8)))) == 8


async def test_a_group_of_results_that_cannot_be_written_fails_for_each_of_its_callers(store, result, praise):
    first = asyncio.create_task(store.record(result(1)))
    await first
    rest = [asyncio.create_task(store.record(result(number))) for number in (2, 1, 1)]  # an id used before
    outcomes = await asyncio.gather(*rest, return_exceptions=True)
    assert any(isinstance(outcome, IntegrityError) for outcome in outcomes), outcomes
    await store.record(result(4))
    assert (await store.add_feedback(praise("r", 4))).feedback_id


async def test_a_refusal_is_for_its_own_caller_alone(store, result, praise):
    await store.record(result())
    outcomes = await asyncio.gather(
        *(store.add_feedback(praise(f"r{number}", number)) for number in (1, 2, 1, 3, 1)), return_exceptions=True
    )
    assert [isinstance(outcome, UnknownResult) for outcome in outcomes] == [False, True, False, True, False]


async def test_a_record_has_the_facts_that_numbers_are_made_of_and_no_text(store, result):
    twice = result(1, client="zorky-cli/1", language="ru", words_per_line=(2, 3)), result(2, user_key="ключ")
    for record in (*twice, result(3, image=b"other", words_per_line=(), confidence=None)):
        await store.record(record)
    facts = "client, language, words, confidence, total_us, image_bytes"
    assert await rows(store, f"SELECT {facts} FROM results ORDER BY result_id") == [
        ("zorky-cli/1", "ru", 5, 0.5, 500_000, 3),
        ("", "", 2, 0.5, 500_000, 3),
        ("", "", 0, None, 500_000, 5),
    ]
    ((first, user), (second, _), (third, _)) = await rows(
        store, "SELECT image_digest, user_hash IS NULL FROM results ORDER BY result_id"
    )
    assert user
    assert first == second != third, "the same bytes have the same digest"


async def test_feedback_of_every_kind_comes_back_as_it_went_in(store, result):
    said = [
        Feedback("a", f"{1:032x}", rating="bad", comment="ы", allow_training=True),
        Feedback("b", f"{1:032x}", text="", allow_training=True),
        Feedback("c", f"{1:032x}", words=(WordCorrection(0, 1, "слово"),), allow_training=True),
        Feedback("d", f"{1:032x}", missed=(MissedLine((0, 0, 9.5, 0, 9.5, 5, 0, 5), "строка"),), allow_training=True),
        Feedback("e", f"{1:032x}", text="без согласия с \0 внутри"),
        Feedback("f", f"{2:032x}", text="без картинки", allow_training=True),
    ]
    await store.record(result(1, kept=READING, user_key="ключ"))
    await store.record(result(2))
    receipts = [await store.add_feedback(one) for one in said[:4]]
    known = await store.consented()
    for one in said[4:]:
        await store.add_feedback(one)
    assert [consented.feedback for consented in known] == said[:4]
    first = known[0]
    assert first == Consented(
        receipts[0].feedback_id,
        f"{1:032x}",
        first.user_hash,
        receipts[0].created_at,
        "1",
        READING,
        first.image_sha256,
        said[0],
    )
    assert len(first.user_hash) == len(first.image_sha256) == 64
    assert await store.consented(since=receipts[3].created_at + 1) == []
    assert await rows(store, "SELECT kind, rating FROM feedback ORDER BY request_id") == [
        ("rating", "bad"),
        ("text", None),
        ("words", None),
        ("missed", None),
        ("text", None),
        ("text", None),
    ]


async def test_consent_that_was_given_is_outdone_by_feedback_without_it(store, result, praise):
    await store.record(result(1, kept=READING))
    await store.add_feedback(praise("a", allow_training=True))
    assert await store.picture(f"{1:032x}") == b"png"
    await store.add_feedback(praise("b"))
    assert await store.consented() == []
    with pytest.raises(FileNotFoundError):
        await store.picture(f"{1:032x}")


@pytest.mark.parametrize("beyond", [-0.5, 200.5, float("nan"), float("inf")])
async def test_a_missed_line_outside_the_picture_is_refused(store, result, beyond):
    await store.record(result())
    inside = MissedLine((0, 0, 200, 0, 200, 100, 0, 100), "a")
    outside = MissedLine((0, 0, beyond, 0, 9, 9, 0, 9), "b")
    with pytest.raises(OutsidePicture) as refused:
        await store.add_feedback(Feedback("r", f"{1:032x}", missed=(inside, outside)))
    assert refused.value.index == 1
    assert await store.add_feedback(Feedback("r", f"{1:032x}", missed=(inside,)))


async def test_names_that_no_database_can_hold_are_unknown_results(store):
    for result_id in ("ы\0", "\0", "x" * 1000, "' OR 1=1 --"):
        with pytest.raises(UnknownResult):
            await store.add_feedback(Feedback("r", result_id, rating="good"))


async def test_failures_of_the_same_kind_in_an_hour_are_added_up_over_all_servers(place, open_at):
    one, other = await open_at(place), await open_at(place)
    busy, wrong = Failure(7, "M", "c", "UNAVAILABLE", "OVERLOADED"), Failure(7, "M", "", "INVALID_ARGUMENT", "REQUIRED")
    await asyncio.gather(
        *(server.count_failures(counts) for server in (one, other) * 10 for counts in ({busy: 2, wrong: 1}, {wrong: 3}))
    )
    await one.count_failures({})
    counted = await rows(one, "SELECT reason, sum(count) FROM failures GROUP BY reason ORDER BY reason")
    assert [(reason, int(count)) for reason, count in counted] == [("OVERLOADED", 40), ("REQUIRED", 80)]


async def test_failures_of_hours_before_what_is_purged_go_with_it(store):
    now = int(time.time()) // 3600
    await store.count_failures({Failure(now - age, "M", "c", "UNAVAILABLE", ""): 1 for age in (0, 1, 2, 9)})
    await store.purge(older_than=2 * 3600)
    assert await rows(store, "SELECT hour FROM failures ORDER BY hour") == [(now - age,) for age in (2, 1, 0)]


async def test_promotions_come_back_the_oldest_first(store):
    promotions = [
        Promotion(moment, "handwriting", f"2-tuned.{moment}", "ab" * 32, "2", "refused", "хуже", {"cer": [0.1, None]})
        for moment in (1, 2, 3)
    ]
    for promotion in reversed(promotions):
        await store.add_promotion(promotion)
    assert await store.promotions() == promotions


async def test_a_snapshot_stays_as_it_was_while_others_write_and_cannot_write_itself(store, result):
    await store.record(result(1))
    count = text("SELECT count(*) FROM results")
    async with store.snapshot() as connection:
        assert await connection.scalar(count) == 1
        await store.record(result(2))
        assert await connection.scalar(count) == 1
    async with store.snapshot() as connection:
        assert await connection.scalar(count) == 2
    with pytest.raises(DBAPIError):
        await rows(store, "DELETE FROM results")


async def test_the_picture_of_an_expired_result_goes_and_its_facts_stay(place, open_at, result, praise):
    store = await open_at(place, lifetime=0.05)
    await store.record(result(1, kept=READING))
    assert len(pictures(place)) == 1
    await asyncio.sleep(0.06)
    await store.sweep()
    with pytest.raises(UnknownResult):
        await store.add_feedback(praise("r"))
    assert pictures(place) == []
    assert await rows(store, "SELECT count(*) FROM readings") == [(0,)]
    assert await rows(store, "SELECT count(*) FROM results") == [(1,)]


async def test_a_picture_given_for_training_outlives_its_result(place, open_at, result, praise):
    store = await open_at(place, lifetime=0.5)
    await store.record(result(1, kept=READING))
    await store.record(result(2, kept=READING))
    await store.add_feedback(praise("r", allow_training=True))
    await asyncio.sleep(0.5)
    await store.sweep()
    assert pictures(place) == [f"{1:032x}"]
    assert len(await store.consented()) == 1


async def test_a_sweep_leaves_what_has_not_expired(place, store, result, praise):
    await store.record(result(1, kept=READING))
    os.utime(place.folder / "pictures" / f"{1:032x}", times=(0, time.time() - 7200))
    await store.sweep()
    assert len(pictures(place)) == 1
    assert (await store.add_feedback(praise("r"))).feedback_id


async def test_only_settled_pictures_without_a_record_are_strays(place, store):
    folder: Path = place.folder / "pictures"
    old, new, foreign = f"{1:032x}", f"{2:032x}", "somebody-elses.txt"
    for name in (old, new, foreign):
        (folder / name).write_bytes(b"png")
    for name in (old, foreign):
        os.utime(folder / name, times=(0, time.time() - 7200))
    await store.sweep()
    assert pictures(place) == [new, foreign]
