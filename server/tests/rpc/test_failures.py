"""What becomes of calls that were not answered with OK."""

import asyncio
from contextlib import suppress

import grpc

from zorky.v1.recognition_service_pb2 import RecognizeRequest, RecognizeStreamRequest
from zorky_server.rpc.failures import Failures
from zorky_server.store import Failure

READ = "RecognitionService/Recognize"


def busy(client: str = "a") -> Failure:
    return Failure(READ, client, "UNAVAILABLE", "OVERLOADED")


def test_counts_are_taken_once_and_can_be_given_back():
    failures = Failures()
    failures.count(busy())
    failures.count(busy())
    taken = failures.take()
    assert taken == {busy(): 2}
    failures.count(busy())
    failures.give_back(taken)
    assert failures.take() == {busy(): 3}
    assert not failures.take()


def test_callers_who_invent_names_cannot_fill_the_memory():
    failures = Failures()
    for number in range(5000):
        failures.count(busy(f"client-{number}"))
    taken = failures.take()
    assert len(taken) <= 1001
    assert sum(taken.values()) == 5000
    assert taken[busy("")] == 4000


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
