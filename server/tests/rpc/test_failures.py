"""What becomes of calls that were not answered with OK."""

import asyncio
from collections import Counter
from contextlib import suppress

import grpc

from zorky.v1.recognition_service_pb2 import RecognizeRequest, RecognizeStreamRequest
from zorky_server.rpc.failures import Failures
from zorky_server.store import Failure

READ = "RecognitionService/Recognize"


def test_counts_are_taken_once_and_can_be_given_back():
    failures = Failures(clock=lambda: 7200.0)
    busy = (READ, "a", "UNAVAILABLE", "OVERLOADED")
    failures.count(*busy)
    failures.count(*busy)
    taken = failures.take()
    assert taken == {Failure(2, *busy): 2}
    failures.count(*busy)
    failures.give_back(taken)
    assert failures.take() == {Failure(2, *busy): 3}
    assert not failures.take()


def test_a_failure_is_of_the_hour_in_which_it_ended_whenever_it_is_written():
    moments = iter([3599.9, 3600.0, 7199.9])
    failures = Failures(clock=lambda: next(moments))
    for _ in range(3):
        failures.count(READ, "a", "UNAVAILABLE", "")
    failures.give_back(failures.take())
    assert {one.hour: times for one, times in failures.take().items()} == {0: 1, 1: 2}


def test_callers_who_invent_names_add_no_rows_however_often_counts_are_written():
    failures = Failures(clock=lambda: 0.0)
    rows: Counter[Failure] = Counter()
    for number in range(5000):
        failures.count(READ, f"client-{number}", "UNAVAILABLE", "")
        rows.update(failures.take())
    failures.count(READ, "client-0", "UNAVAILABLE", "")
    rows.update(failures.take())
    assert len(rows) == 51
    assert rows[Failure(0, READ, "", "UNAVAILABLE", "")] == 4950
    assert rows[Failure(0, READ, "client-0", "UNAVAILABLE", "")] == 2


async def test_calls_and_items_that_fail_are_counted_with_client_status_and_reason(served, png):
    with suppress(grpc.aio.AioRpcError):
        await served.recognition.Recognize(RecognizeRequest(image=b"x"))
    await served.recognition.Recognize(RecognizeRequest(image=png))
    stream = served.recognition.RecognizeStream(iter([RecognizeStreamRequest(image=png[:60])]))
    assert [answer.error.reason async for answer in stream] == ["IMAGE_TRUNCATED"]
    counts = served.failures.take()
    assert {(one.method, one.status, one.reason): times for one, times in counts.items()} == {
        (READ, "INVALID_ARGUMENT", "IMAGE_UNREADABLE"): 1,
        ("RecognitionService/RecognizeStream.item", "INVALID_ARGUMENT", "IMAGE_TRUNCATED"): 1,
    }
    assert all(one.client.startswith("grpc-python-asyncio/") for one in counts)


async def test_a_caller_who_leaves_is_counted_as_cancelled(served, png):
    served.gate.is_open.clear()
    call = served.recognition.Recognize(RecognizeRequest(image=png))
    await served.gate.holds_a_run()
    call.cancel()
    served.gate.is_open.set()
    for _ in range(100):
        if counts := served.failures.take():
            break
        await asyncio.sleep(0.02)
    assert [(one.method, one.status, one.reason) for one in counts] == [(READ, "CANCELLED", "")]
