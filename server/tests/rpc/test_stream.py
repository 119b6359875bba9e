"""RecognizeStream: answers as they are ready, errors of single items, bounded work."""

import asyncio
import time

import grpc
import pytest

from zorky.v1 import recognition_pb2 as messages
from zorky.v1.recognition_service_pb2 import RecognizeStreamRequest
from zorky.v1.server_info_service_pb2 import GetServerInfoRequest


def item(name: str, image: bytes, **options: object) -> RecognizeStreamRequest:
    return RecognizeStreamRequest(item_id=name, image=image, options=messages.RecognitionOptions(**options))


async def test_two_hundred_items_are_answered_with_few_in_flight(served, png):
    inside, most = 0, 0
    read = served.reader.read

    def counted(file, options):
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        reading = yield from read(file, options)
        inside -= 1
        return reading

    served.reader.read = counted
    served.gate.is_open.clear()
    asyncio.get_running_loop().call_later(0.2, served.gate.is_open.set)
    call = served.recognition.RecognizeStream(item(str(i), png) for i in range(200))
    answers = [answer async for answer in call]
    assert sorted(int(answer.item_id) for answer in answers) == list(range(200))
    assert {answer.WhichOneof("outcome") for answer in answers} == {"result"}
    assert len({answer.result.result_id for answer in answers}) == 200
    assert 2 <= most <= 3


async def test_flow_control_holds_back_what_is_not_worked_on(served, png):
    served.gate.is_open.clear()
    call = served.recognition.RecognizeStream()
    sent: list[str] = []

    async def send() -> None:
        while True:
            await call.write(item(str(len(sent)), png + bytes(2**20)))
            sent.append("one MiB")

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(send(), 1.0)
    assert 3 <= len(sent) < 40, "a server that read ahead would have taken more"
    assert len(served.reader.asked) <= 3
    call.cancel()


async def test_answers_come_as_they_are_ready_not_in_order(served, png):
    served.gate.is_open.clear()
    call = served.recognition.RecognizeStream()
    await call.write(item("slow", png))
    await call.write(item("bad", b"no picture"))
    assert (await call.read()).item_id == "bad"
    served.gate.is_open.set()
    assert (await call.read()).item_id == "slow"
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF


async def test_a_bad_item_has_an_error_of_its_own_and_the_others_are_read(served, png):
    requests = [
        item("empty", b""),
        item("good", png),
        item("option", png, max_alternatives=11),
        item("ы" * 65, png),
        item("", png),
    ]
    answers = {answer.item_id: answer async for answer in served.recognition.RecognizeStream(iter(requests))}
    assert answers["good"].result.recognition.text
    assert answers[""].result.recognition.text
    empty = answers["empty"].error
    assert (empty.code, empty.reason, empty.field) == (3, "IMAGE_EMPTY", "image")
    assert empty.message
    assert not empty.HasField("retry_delay")
    assert answers["option"].error.field == "options.max_alternatives"
    assert answers["ы" * 65].error.field == "item_id"


async def test_an_item_that_comes_too_many_says_when_to_send_it_again(serving, png):
    async with serving(max_pending=1) as served:
        served.gate.is_open.clear()
        call = served.recognition.RecognizeStream()
        await call.write(item("first", png))
        await served.gate.holds_a_run()
        await call.write(item("second", png))
        refused = await call.read()
        served.gate.is_open.set()
        assert (refused.item_id, refused.error.code, refused.error.reason) == ("second", 14, "OVERLOADED")
        assert refused.error.retry_delay.ToMilliseconds() > 0
        assert (await call.read()).item_id == "first"
        await call.done_writing()


async def test_our_fault_with_an_item_does_not_end_the_call(served, png):
    served.gate.fails = True
    call = served.recognition.RecognizeStream()
    await call.write(item("a", png))
    answer = await call.read()
    assert (answer.error.code, answer.error.reason) == (13, "MODEL_FAILED")
    served.gate.fails = False
    await call.write(item("b", png))
    assert (await call.read()).result.result_id
    await call.done_writing()


async def test_cancelling_the_call_cancels_what_is_in_flight(served, png, log):
    served.gate.is_open.clear()
    call = served.recognition.RecognizeStream()
    for name in "abc":
        await call.write(item(name, png))
    await served.gate.holds_a_run()
    call.cancel()
    await served.info.GetServerInfo(GetServerInfoRequest())  # the cancellation has arrived before this
    served.gate.is_open.set()
    await asyncio.sleep(0.2)
    told = [(line["event"], line["status"]) for line in log() if "Stream" in line["method"]]
    assert told == [("item", "CANCELLED")] * 3 + [("call", "CANCELLED")], "no item was answered"


async def test_a_call_without_items_ends_well(served):
    assert [answer async for answer in served.recognition.RecognizeStream(iter(()))] == []


async def test_the_deadline_of_the_call_counts_for_its_items(served, png):
    served.gate.is_open.clear()
    started = time.monotonic()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in served.recognition.RecognizeStream(iter([item("a", png)]), timeout=0.3):
            pass
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - started < 2
