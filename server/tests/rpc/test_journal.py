"""What is told of every call: its line in the log, its counts, its trace, and nothing of what people wrote."""

import asyncio
import json
import urllib.request
from collections.abc import Callable
from contextlib import suppress

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from zorky.v1 import recognition_pb2 as messages
from zorky.v1.feedback_pb2 import TextCorrection
from zorky.v1.feedback_service_pb2 import FeedbackRequest
from zorky.v1.recognition_service_pb2 import RecognizeRequest, RecognizeStreamRequest
from zorky.v1.server_info_service_pb2 import GetServerInfoRequest


async def test_one_line_a_call_says_what_happened(served, png, log):
    result = (
        await served.recognition.Recognize(RecognizeRequest(image=png), metadata=(("x-request-id", "r7"),))
    ).result
    (line,) = log()
    assert line["event"] == "call"
    assert line["method"] == "/zorky.v1.RecognitionService/Recognize"
    assert line["status"] == "OK"
    assert line["request_id"] == "r7"
    assert line["result_id"] == result.result_id
    assert line["image_bytes"] == len(png)
    assert line["picture"] == "64x48"
    assert line["model"] == "1.0"
    assert line["batch"] == 1
    assert set(line["stages"]) == {"decode", "recognize"}
    assert 0 < line["queue"] + sum(line["stages"].values()) < line["seconds"] + 0.001


async def test_calls_and_items_are_counted_by_method_and_status(served, png):
    for image in (png, png, b"x"):
        with suppress(grpc.aio.AioRpcError):
            await served.recognition.Recognize(RecognizeRequest(image=image))
    items = [RecognizeStreamRequest(image=image) for image in (png, b"x", b"y")]
    assert len([answer async for answer in served.recognition.RecognizeStream(iter(items))]) == 3
    counted = {
        (name.partition("{")[2], float(value))
        for name, _, value in (line.rpartition(" ") for line in told(served))
        if name.startswith("zorky_requests_total{")
    }
    assert counted == {
        ('method="RecognitionService/Recognize",status="OK"}', 2),
        ('method="RecognitionService/Recognize",status="INVALID_ARGUMENT"}', 1),
        ('method="RecognitionService/RecognizeStream",status="OK"}', 1),
        ('method="RecognitionService/RecognizeStream.item",status="OK"}', 1),
        ('method="RecognitionService/RecognizeStream.item",status="INVALID_ARGUMENT"}', 2),
    }
    timed = (
        'zorky_request_seconds_count{method="RecognitionService/RecognizeStream.item",status="INVALID_ARGUMENT"} 2.0'
    )
    assert timed in told(served)


def told(served) -> list[str]:
    """The lines of the page of metrics."""
    port = served.metrics.serve("127.0.0.1", 0)
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode().splitlines()
    finally:
        served.metrics.close()


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


async def test_who_runs_out_of_time_is_told_from_who_leaves(served, png, log):
    served.gate.is_open.clear()
    with pytest.raises(grpc.aio.AioRpcError):
        await served.recognition.Recognize(RecognizeRequest(image=png), timeout=0.3)
    leaving = served.recognition.Recognize(RecognizeRequest(image=png))
    await until(lambda: "zorky_inside 1.0" in told(served))
    leaving.cancel()
    await until(lambda: len(log()) == 2)
    assert [line["status"] for line in log()] == ["DEADLINE_EXCEEDED", "CANCELLED"]


async def test_a_callers_trace_is_named_in_the_log(served, log):
    trace = "0af7651916cd43dd8448eb211c80319c"
    await served.info.GetServerInfo(
        GetServerInfoRequest(), metadata=(("traceparent", f"00-{trace}-b7ad6b7169203331-01"),)
    )
    await served.info.GetServerInfo(GetServerInfoRequest())
    assert [line.get("trace_id") for line in log()] == [trace, None]


async def test_a_line_says_nothing_of_the_call_before(served, png, log):
    await served.recognition.Recognize(RecognizeRequest(image=png))
    await served.info.GetServerInfo(GetServerInfoRequest())
    assert "result_id" not in log()[-1]


async def test_health_probes_leave_no_lines(served, log):
    await health_pb2_grpc.HealthStub(served.channel).Check(health_pb2.HealthCheckRequest())
    assert log() == []


async def test_our_fault_is_logged_with_its_reference_and_where_it_happened(served, png, log):
    served.gate.fails = True
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.recognition.Recognize(RecognizeRequest(image=png))
    (line,) = log()
    assert line["level"] == "error"
    assert line["message"] == caught.value.details()
    assert "Traceback" in line["exception"]


async def test_the_log_holds_no_text_and_no_user_key(served, png, log):
    secret = "ОченьЛичное"
    options = messages.RecognitionOptions(user_key=secret, retention=messages.RETENTION_FEEDBACK)
    result = (await served.recognition.Recognize(RecognizeRequest(image=png, options=options))).result
    feedback = FeedbackRequest(
        request_id="f1", result_id=result.result_id, text_correction=TextCorrection(text=secret), comment=secret
    )
    await served.feedback.Feedback(feedback)
    items = [RecognizeStreamRequest(item_id=secret, image=png, options=options), RecognizeStreamRequest(image=b"x")]
    assert len([answer async for answer in served.recognition.RecognizeStream(iter(items))]) == 2
    await served.store.close()
    (served.folder / "zorky.sqlite3").unlink()
    (served.folder / "zorky.sqlite3").mkdir()  # from now on every statement fails, parameters and all
    feedback.request_id = "f2"
    for call in (
        served.feedback.Feedback(feedback),
        served.recognition.Recognize(RecognizeRequest(image=png, options=options)),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.INTERNAL
    written = json.dumps(log(), ensure_ascii=False)
    assert "Traceback" in written
    for private in (secret, "Привет", "Hello", "PNG"):
        assert private not in written
