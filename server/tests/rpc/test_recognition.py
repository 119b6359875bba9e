"""Recognize: what comes back, what is refused and how, and what is remembered."""

import asyncio
import math
import sqlite3

import grpc
import pytest
from google.protobuf.json_format import Parse
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from zorky.v1 import recognition_pb2 as messages
from zorky.v1.recognition_service_pb2 import RecognizeRequest
from zorky_server.tasks.handwriting.values import Layout


def details(error: grpc.aio.AioRpcError) -> dict[str, object]:
    """The google.rpc details of a status, by the name of their type."""
    kinds = (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo)
    found = {}
    for packed in rpc_status.from_call(error).details:
        for kind in kinds:
            if packed.Is(kind.DESCRIPTOR):
                found[kind.__name__] = kind.FromString(packed.value)
    return found


async def refusal(call: object) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def test_an_answer_carries_all_of_the_contract(served, png):
    result = (await served.recognition.Recognize(RecognizeRequest(image=png))).result
    page = result.recognition.page
    assert len(result.result_id) == 32
    assert int(result.result_id, 16)
    assert (page.width, page.height, page.rotation_degrees, page.skew_degrees) == (64, 48, 90, 1.5)
    assert result.recognition.text == "Привет, мир🌍\nHello"
    assert (result.model.name, result.model.version) == ("test", "1.0")
    assert (result.model.sha256, result.model.calibration) == ("ab" * 32, "c1")
    assert result.warnings[0].code == 2
    assert result.warnings[0].message == "lines are 9 pixels high"
    corner = page.lines[0].quad.bottom_right
    assert (corner.x, corner.y) == (30, 9)
    assert page.lines[0].words[0].alternatives[0].text == "Привет."
    assert result.timings.decode.ToNanoseconds() > 0
    assert result.timings.recognize.ToNanoseconds() > 0
    assert result.timings.total.ToNanoseconds() >= result.timings.recognize.ToNanoseconds()
    assert result.timings.largest_batch == 1


async def test_spans_count_code_points_of_the_whole_text(served, png):
    recognition = (await served.recognition.Recognize(RecognizeRequest(image=png))).result.recognition
    for line in recognition.page.lines:
        assert recognition.text[line.span.start : line.span.end] == line.text
        for word in line.words:
            assert recognition.text[word.span.start : word.span.end] == word.text


async def test_zeros_that_are_real_values_are_set(served, png):
    page = (await served.recognition.Recognize(RecognizeRequest(image=png))).result.recognition.page
    assert page.HasField("rotation_degrees")
    assert page.lines[0].span.HasField("start")


async def test_options_reach_the_task(served, png):
    options = messages.RecognitionOptions(
        layout=messages.LAYOUT_WORD, languages=["RU", "ru"], model="test", max_alternatives=10, min_confidence=1
    )
    await served.recognition.Recognize(RecognizeRequest(image=png, options=options))
    asked = served.reader.asked[-1]
    assert (asked.layout, asked.languages, asked.max_alternatives, asked.min_confidence) == (
        Layout.WORD,
        ("ru",),
        10,
        1,
    )


@pytest.mark.parametrize(
    ("options", "field", "reason"),
    [
        ({"layout": 99}, "options.layout", "UNKNOWN_ENUM_VALUE"),
        ({"layout": -1}, "options.layout", "UNKNOWN_ENUM_VALUE"),
        ({"priority": 7}, "options.priority", "UNKNOWN_ENUM_VALUE"),
        ({"retention": 2**31 - 1}, "options.retention", "UNKNOWN_ENUM_VALUE"),
        ({"languages": ["ru", "xx"]}, "options.languages", "UNKNOWN_LANGUAGE"),
        ({"languages": [""]}, "options.languages", "UNKNOWN_LANGUAGE"),
        ({"model": "other"}, "options.model", "UNKNOWN_MODEL"),
        ({"max_alternatives": 11}, "options.max_alternatives", "OUT_OF_RANGE"),
        ({"max_alternatives": 2**32 - 1}, "options.max_alternatives", "OUT_OF_RANGE"),
        ({"min_confidence": math.nan}, "options.min_confidence", "OUT_OF_RANGE"),
        ({"min_confidence": math.inf}, "options.min_confidence", "OUT_OF_RANGE"),
        ({"min_confidence": -0.01}, "options.min_confidence", "OUT_OF_RANGE"),
        ({"min_confidence": 1.01}, "options.min_confidence", "OUT_OF_RANGE"),
        ({"user_key": "ю" * 65}, "options.user_key", "TOO_LONG"),
    ],
)
async def test_a_bad_option_is_named(served, png, options, field, reason):
    request = RecognizeRequest(image=png, options=messages.RecognitionOptions(**options))
    error = await refusal(served.recognition.Recognize(request))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    found = details(error)
    assert (found["ErrorInfo"].domain, found["ErrorInfo"].reason) == ("zorky", reason)
    (violation,) = found["BadRequest"].field_violations
    assert (violation.field, violation.reason) == (field, reason)
    assert violation.description == error.details() != ""
    assert not served.reader.asked, "nothing was read"


@pytest.mark.parametrize(("image", "reason"), [(b"", "IMAGE_EMPTY"), (b"hello", "IMAGE_UNREADABLE")])
async def test_a_bad_picture_is_the_callers_fault(served, image, reason):
    error = await refusal(served.recognition.Recognize(RecognizeRequest(image=image)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details(error)["ErrorInfo"].reason == reason
    assert details(error)["BadRequest"].field_violations[0].field == "image"


async def test_a_file_over_the_limit_gets_our_answer_and_not_the_transports(served):
    error = await refusal(served.recognition.Recognize(RecognizeRequest(image=bytes(25 * 2**20))))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details(error)["ErrorInfo"].reason == "IMAGE_TOO_MANY_BYTES"


async def test_overload_is_unavailable_and_says_when_to_come_back(serving, png):
    async with serving(max_pending=1) as served:
        served.gate.is_open.clear()
        first = asyncio.ensure_future(served.recognition.Recognize(RecognizeRequest(image=png)))
        await served.gate.holds_a_run()
        error = await refusal(served.recognition.Recognize(RecognizeRequest(image=png)))
        served.gate.is_open.set()
        assert (await first).result.result_id
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    found = details(error)
    assert found["ErrorInfo"].reason == "OVERLOADED"
    delay = found["RetryInfo"].retry_delay.ToMilliseconds()
    assert delay > 0
    assert dict(error.trailing_metadata())["grpc-retry-pushback-ms"] == str(delay)


async def test_a_deadline_that_cannot_be_met_is_refused_at_once(serving, png):
    async with serving(workers=1) as served:
        served.gate.is_open.clear()
        asyncio.get_running_loop().call_later(0.5, served.gate.is_open.set)
        await served.recognition.Recognize(RecognizeRequest(image=png))  # teaches that a picture takes half a second
        served.gate.is_open.clear()
        hurried = [served.recognition.Recognize(RecognizeRequest(image=png), timeout=1.4) for _ in range(2)]
        waiting = [asyncio.ensure_future(call) for call in hurried]
        await asyncio.sleep(0.1)
        error = await refusal(served.recognition.Recognize(RecognizeRequest(image=png), timeout=1.4))
        served.gate.is_open.set()
        await asyncio.gather(*waiting)
    assert error.code() is grpc.StatusCode.UNAVAILABLE, "and not DEADLINE_EXCEEDED"
    assert details(error)["ErrorInfo"].reason == "OVERLOADED"


async def test_a_failing_model_is_internal_and_tells_a_reference_alone(served, png):
    served.gate.fails = True
    error = await refusal(served.recognition.Recognize(RecognizeRequest(image=png)))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert details(error)["ErrorInfo"].reason == "MODEL_FAILED"
    assert error.details().startswith("internal error, reference ")
    assert "own words" not in error.details()
    served.gate.fails = False
    assert (await served.recognition.Recognize(RecognizeRequest(image=png))).result.result_id


async def test_a_caller_who_leaves_is_no_error_and_harms_nobody(served, png):
    served.gate.is_open.clear()
    call = served.recognition.Recognize(RecognizeRequest(image=png))
    await served.gate.holds_a_run()
    call.cancel()
    served.gate.is_open.set()
    assert (await served.recognition.Recognize(RecognizeRequest(image=png))).result.result_id


def rows(served, query: str) -> list[tuple]:
    with sqlite3.connect(served.folder / "zorky.sqlite3") as connection:
        return connection.execute(query).fetchall()


async def test_a_result_is_on_record_before_its_answer_and_holds_nothing_of_the_picture(served, png):
    options = messages.RecognitionOptions(user_key="пользователь 7")
    result = (await served.recognition.Recognize(RecognizeRequest(image=png, options=options))).result
    query = "SELECT result_id, words_per_line, words, confidence, image_bytes, user_hash, image_digest FROM results"
    ((result_id, *facts, user_hash, image_digest),) = rows(served, query)
    assert (result_id, *facts) == (result.result_id, "[2, 1]", 3, 0.5, len(png))
    assert (len(user_hash), len(image_digest)) == (64, 32)
    assert not rows(served, "SELECT * FROM readings")
    assert not list((served.folder / "pictures").iterdir())
    assert "пользователь".encode() not in (served.folder / "zorky.sqlite3-wal").read_bytes()


async def test_a_picture_is_kept_with_its_reading_when_that_is_allowed(served, png):
    options = messages.RecognitionOptions(retention=messages.RETENTION_FEEDBACK)
    result = (await served.recognition.Recognize(RecognizeRequest(image=png, options=options))).result
    assert (served.folder / "pictures" / result.result_id).read_bytes() == png
    ((reading,),) = rows(served, "SELECT reading FROM readings")
    assert Parse(reading, messages.Recognition()) == result.recognition
