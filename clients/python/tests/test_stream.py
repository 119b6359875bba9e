"""Many pictures over one call; every test with a client runs with each."""

import time

import grpc
import pytest

from zorky.v1.recognition_service_pb2 import RecognizeStreamResponse
from zorky_client import ConnectionFailed, DeadlineExceeded, InvalidRequest, Recognition, ServerFault, Unavailable
from zorky_client._stream import Flight

from .contract import item_error, overloaded, reading


async def collect(answers):
    """Names and outcomes of a stream."""
    return [answer async for answer in answers]


async def test_each_picture_is_answered_under_its_own_name(client, tmp_path):
    (tmp_path / "страница.jpg").write_text("файл")
    images = [tmp_path / "страница.jpg", ("x" * 500, b"long name"), ("same", b"1"), ("same", b"2")]
    answers = await collect(client.recognize_many(images))
    assert sorted((name, result.text) for name, result in answers) == sorted(
        [(str(tmp_path / "страница.jpg"), "файл"), ("x" * 500, "long name"), ("same", "1"), ("same", "2")]
    )


async def test_one_bad_picture_does_not_end_the_others(client, servicer, tmp_path):
    servicer.script = [item_error(grpc.StatusCode.INVALID_ARGUMENT, "IMAGE_TRUNCATED")]
    images = [("bad", b"bad"), tmp_path / "missing.jpg", ("good", b"good")]
    answers = dict(await collect(client.recognize_many(images)))
    assert isinstance(answers["bad"], InvalidRequest)
    assert (answers["bad"].reason, answers["bad"].field) == ("IMAGE_TRUNCATED", "image")
    assert isinstance(answers[str(tmp_path / "missing.jpg")], FileNotFoundError)
    assert answers["good"].text == "good"


async def test_pictures_refused_for_overload_are_sent_again(client, servicer):
    busy = item_error(grpc.StatusCode.UNAVAILABLE, "OVERLOADED", retry_in_seconds=0.05)
    servicer.script = [busy, busy]
    answers = await collect(client.recognize_many([("a", b"A"), ("b", b"B")]))
    assert sorted((name, result.text) for name, result in answers) == [("a", "A"), ("b", "B")]
    assert len(servicer.requests) == 4


async def test_a_picture_refused_again_and_again_is_given_up(client, servicer):
    servicer.script = [item_error(grpc.StatusCode.UNAVAILABLE, "OVERLOADED", retry_in_seconds=0.01)] * 4
    ((_, outcome),) = await collect(client.recognize_many([("a", b"A")]))
    assert isinstance(outcome, Unavailable)
    assert not isinstance(outcome, ConnectionFailed)


async def test_no_more_pictures_are_taken_than_may_be_on_their_way(client):
    taken = 0

    def images():
        nonlocal taken
        for number in range(9):
            taken += 1
            yield str(number), b"x"

    done = 0
    async for _ in client.recognize_many(images(), concurrency=2):
        done += 1
        assert taken <= done + 2
    assert (done, taken) == (9, 9)


async def test_no_pictures_make_no_answers(client):
    assert await collect(client.recognize_many([])) == []


async def test_a_silent_server_is_given_up_after_the_timeout(client, servicer):
    servicer.script = [lambda *_: time.sleep(2)]
    start = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"no further answer from .* within 0\.2 s"):
        await collect(client.recognize_many([("a", b"A")], timeout=0.2))
    assert time.monotonic() - start < 1.8


async def test_a_call_that_fails_as_a_whole_raises(connect):
    with pytest.raises(ConnectionFailed):
        await collect(connect("localhost:1").recognize_many([("a", b"A")]))


async def test_a_stream_refused_for_overload_is_repeated_as_a_whole(client, servicer):
    servicer.script = [overloaded(0.05)]
    ((_, outcome),) = await collect(client.recognize_many([("a", b"x" * 2_000_000)]))
    assert isinstance(outcome, Recognition)


async def test_leaving_early_ends_the_call(client, servicer):
    async for name, _ in client.recognize_many(((str(n), b"x") for n in range(1000)), concurrency=1):
        if name == "3":
            break
    sent = len(servicer.requests)
    assert sent < 10
    assert (await client.recognize(b"still there")).text == "still there"


def test_a_flight_refuses_to_carry_nothing_at_once():
    with pytest.raises(ValueError, match="concurrency must be 1 or more, not 0"):
        Flight([], {}, 0)


def test_answers_that_break_the_contract_are_the_servers_fault():
    flight = Flight([("a", b"A")], {}, 1)
    (request,) = flight.requests()
    with pytest.raises(ServerFault, match="left 1 pictures unanswered"):
        flight.receive(None)
    with pytest.raises(ServerFault, match="not asked"):
        flight.receive(RecognizeStreamResponse(item_id="other", result=reading("x")))
    flight.receive(RecognizeStreamResponse(item_id=request.item_id))
    ((_, outcome),) = flight.outcomes()
    assert isinstance(outcome, ServerFault)
    assert flight.over
