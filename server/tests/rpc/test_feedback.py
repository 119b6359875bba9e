"""Feedback: kept once, bound to a result, refused when it cannot be meant."""

import asyncio
import uuid

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from zorky.v1 import recognition_pb2 as messages
from zorky.v1.feedback_pb2 import MissedLine, MissedLines, TextCorrection, WordCorrection, WordCorrections
from zorky.v1.feedback_service_pb2 import FeedbackRequest
from zorky.v1.geometry_pb2 import Point, Quad
from zorky.v1.recognition_service_pb2 import RecognizeRequest


@pytest.fixture
async def result_id(served, png):
    """A result with two lines of two words and one; its picture is kept."""
    options = messages.RecognitionOptions(retention=messages.RETENTION_FEEDBACK)
    return (await served.recognition.Recognize(RecognizeRequest(image=png, options=options))).result.result_id


def about(result_id: str, /, **content: object) -> FeedbackRequest:
    return FeedbackRequest(**{"request_id": str(uuid.uuid4()), "result_id": result_id, **content})


def words(*corrections: WordCorrection) -> WordCorrections:
    return WordCorrections(corrections=corrections)


def missed(*corners: tuple[float, float], text: str = "забытая строка") -> MissedLines:
    """One line with these corners."""
    points = [Point(x=x, y=y) for x, y in corners]
    quad = Quad(**dict(zip(("top_left", "top_right", "bottom_right", "bottom_left"), points, strict=False)))
    return MissedLines(lines=[MissedLine(quad=quad, text=text)])


BOX = ((0, 0), (64, 0), (64, 48), (0, 48))
"""All of the picture."""


async def refused(served, request: FeedbackRequest) -> tuple[grpc.StatusCode, str, str]:
    """Status, reason and field of what must be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.feedback.Feedback(request)
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for packed in rpc_status.from_call(caught.value).details:
        packed.Unpack(info)
        packed.Unpack(bad)
    assert info.domain == "zorky"
    return caught.value.code(), info.reason, "".join(violation.field for violation in bad.field_violations)


@pytest.mark.parametrize(
    "content",
    [
        {"rating": 1},
        {"rating": 2, "comment": "ы" * 2000},
        {"text_correction": TextCorrection(text="")},
        {"text_correction": TextCorrection(text="я" * 100_000)},
        {"word_corrections": words(WordCorrection(line=0, word=0, text="Привет!"), WordCorrection(line=1, word=0))},
        {"missed_lines": missed(*BOX)},
        {"missed_lines": missed(*BOX[2:], *BOX[:2], text="в" * 1000)},
    ],
)
async def test_feedback_of_every_kind_is_taken_and_taken_once(served, result_id, content):
    request = about(result_id, **content)
    first = await served.feedback.Feedback(request)
    again = await served.feedback.Feedback(request)
    assert first == again
    assert len(first.feedback_id) == 32
    assert first.create_time.seconds > 1.7e9


@pytest.mark.parametrize(
    ("content", "field", "reason"),
    [
        ({}, "content", "REQUIRED"),
        ({"rating": 0}, "rating", "UNKNOWN_ENUM_VALUE"),
        ({"rating": 3}, "rating", "UNKNOWN_ENUM_VALUE"),
        ({"rating": 1, "request_id": ""}, "request_id", "REQUIRED"),
        ({"rating": 1, "request_id": "r" * 129}, "request_id", "TOO_LONG"),
        ({"rating": 1, "request_id": "r\0"}, "request_id", "NUL_CHARACTER"),
        ({"rating": 1, "result_id": ""}, "result_id", "REQUIRED"),
        ({"rating": 1, "comment": "c" * 2001}, "comment", "TOO_LONG"),
        ({"text_correction": TextCorrection(text="t" * 100_001)}, "text_correction.text", "TOO_LONG"),
        ({"word_corrections": words()}, "word_corrections.corrections", "OUT_OF_RANGE"),
        (
            {"word_corrections": words(*[WordCorrection(line=0, word=i) for i in range(1001)])},
            "word_corrections.corrections",
            "OUT_OF_RANGE",
        ),
        ({"word_corrections": words(WordCorrection(word=0))}, "word_corrections.corrections[0].line", "REQUIRED"),
        ({"word_corrections": words(WordCorrection(line=0))}, "word_corrections.corrections[0].word", "REQUIRED"),
        (
            {"word_corrections": words(WordCorrection(line=0, word=0, text="w" * 1001))},
            "word_corrections.corrections[0].text",
            "TOO_LONG",
        ),
        (
            {"word_corrections": words(WordCorrection(line=0, word=0), WordCorrection(line=0, word=0))},
            "word_corrections.corrections[1]",
            "DUPLICATE",
        ),
        (
            {"word_corrections": words(WordCorrection(line=0, word=1), WordCorrection(line=0, word=2))},
            "word_corrections.corrections[1]",
            "NO_SUCH_WORD",
        ),
        (
            {"word_corrections": words(WordCorrection(line=2, word=0))},
            "word_corrections.corrections[0]",
            "NO_SUCH_WORD",
        ),
        (
            {"word_corrections": words(WordCorrection(line=2**32 - 1, word=2**32 - 1))},
            "word_corrections.corrections[0]",
            "NO_SUCH_WORD",
        ),
        ({"missed_lines": MissedLines()}, "missed_lines.lines", "OUT_OF_RANGE"),
        ({"missed_lines": MissedLines(lines=[MissedLine()] * 101)}, "missed_lines.lines", "OUT_OF_RANGE"),
        ({"missed_lines": missed(*BOX, text=" ")}, "missed_lines.lines[0].text", "REQUIRED"),
        ({"missed_lines": missed(*BOX, text="две\nстроки")}, "missed_lines.lines[0].text", "OUT_OF_RANGE"),
        ({"missed_lines": missed(*BOX, text="д" * 1001)}, "missed_lines.lines[0].text", "TOO_LONG"),
        ({"missed_lines": missed(*BOX[:3])}, "missed_lines.lines[0].quad.bottom_left.x", "REQUIRED"),
        ({"missed_lines": missed(*BOX[::-1])}, "missed_lines.lines[0].quad", "OUT_OF_RANGE"),
        ({"missed_lines": missed(*BOX[:3], (float("nan"), 48))}, "missed_lines.lines[0].quad", "OUT_OF_RANGE"),
        ({"missed_lines": missed(*BOX[:3], (0, 48.5))}, "missed_lines.lines[0].quad", "OUT_OF_RANGE"),
    ],
)
async def test_feedback_that_cannot_be_meant_is_refused_with_the_field(served, result_id, content, field, reason):
    refusal = await refused(served, about(result_id, **content))
    assert refusal == (grpc.StatusCode.INVALID_ARGUMENT, reason, field)


@pytest.mark.parametrize("unknown", ["0" * 32, "nonsense", "' OR 1=1 --", "ы\0"])
async def test_an_unknown_result_is_not_found(served, unknown):
    assert await refused(served, about(unknown, rating=1)) == (grpc.StatusCode.NOT_FOUND, "RESULT_NOT_FOUND", "")


async def test_an_expired_result_is_not_found_but_earlier_feedback_is_still_answered(serving, png):
    async with serving(lifetime=0.5) as served:
        result_id = (await served.recognition.Recognize(RecognizeRequest(image=png))).result.result_id
        request = about(result_id, rating=1)
        first = await served.feedback.Feedback(request)
        await asyncio.sleep(0.5)
        expired = (grpc.StatusCode.NOT_FOUND, "RESULT_NOT_FOUND", "")
        assert await refused(served, about(result_id, rating=1)) == expired
        await served.store.sweep()
        assert await refused(served, about(result_id, rating=1)) == expired
        assert await served.feedback.Feedback(request) == first


async def test_a_request_id_with_other_content_already_exists(served, result_id):
    request = about(result_id, rating=1)
    await served.feedback.Feedback(request)
    for other in ({"rating": 2}, {"comment": "x"}, {"allow_training": True}, {"result_id": "0" * 32}):
        changed = FeedbackRequest()
        changed.CopyFrom(request)
        changed.MergeFrom(FeedbackRequest(**other))
        assert await refused(served, changed) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED", "")


async def test_a_picture_goes_when_feedback_does_not_allow_training(served, result_id):
    await served.feedback.Feedback(about(result_id, rating=1))
    assert not list((served.folder / "pictures").iterdir())


async def test_a_picture_stays_when_feedback_allows_training(served, result_id):
    await served.feedback.Feedback(about(result_id, rating=1, allow_training=True))
    assert [path.name for path in (served.folder / "pictures").iterdir()] == [result_id]
