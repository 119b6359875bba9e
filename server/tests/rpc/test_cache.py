"""The cache of readings: what is answered from it, and what never is."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from zorky.v1 import recognition_pb2 as messages
from zorky.v1.feedback_pb2 import RATING_GOOD
from zorky.v1.feedback_service_pb2 import FeedbackRequest
from zorky.v1.recognition_service_pb2 import RecognizeRequest


@pytest.fixture
def caching(serving: Callable[..., object]) -> Callable[..., object]:
    return lambda **limits: serving(cache_bytes=2**20, **limits)


def asked(image: bytes, retention: int = messages.RETENTION_FEEDBACK, **options: object) -> RecognizeRequest:
    return RecognizeRequest(image=image, options=messages.RecognitionOptions(retention=retention, **options))


async def test_the_same_picture_is_read_once_and_each_answer_is_a_result_of_its_own(caching, png, log):
    async with caching() as served:
        first, second = [(await served.recognition.Recognize(asked(png))).result for _ in range(2)]
        assert len(served.reader.asked) == 1
        assert first.result_id != second.result_id
        assert (second.recognition, second.model, second.warnings) == (first.recognition, first.model, first.warnings)
        assert second.timings.recognize.ToNanoseconds() == 0
        for result in (first, second):
            await served.feedback.Feedback(
                FeedbackRequest(request_id=result.result_id, result_id=result.result_id, rating=RATING_GOOD)
            )
    assert [line.get("cached") for line in log() if line["event"] == "call"] == [False, True, None, None]


async def test_a_picture_that_may_not_be_kept_is_never_remembered(caching, png):
    async with caching() as served:
        for retention in (messages.RETENTION_NONE, messages.RETENTION_FEEDBACK, messages.RETENTION_NONE):
            await served.recognition.Recognize(asked(png, retention))
        assert len(served.reader.asked) == 3


async def test_other_options_and_other_pictures_are_other_questions(caching, png):
    async with caching() as served:
        for request in (asked(png), asked(png, max_alternatives=1), asked(png, min_confidence=0.5), asked(png + b"\0")):
            await served.recognition.Recognize(request)
        assert len(served.reader.asked) == 4


async def test_a_new_model_reads_again(caching, png):
    async with caching() as served:
        await served.recognition.Recognize(asked(png))
        served.reader.identity = replace(served.reader.identity, version="2.0", sha256="cd" * 32)
        result = (await served.recognition.Recognize(asked(png))).result
        assert len(served.reader.asked) == 2
        assert result.model.version == "2.0"


@pytest.mark.parametrize(("allow_training", "reads"), [(False, 2), (True, 1)])
async def test_what_feedback_has_deleted_is_not_given_again(caching, png, allow_training, reads):
    async with caching() as served:
        result = (await served.recognition.Recognize(asked(png))).result
        await served.feedback.Feedback(
            FeedbackRequest(
                request_id="r", result_id=result.result_id, rating=RATING_GOOD, allow_training=allow_training
            )
        )
        await served.recognition.Recognize(asked(png))
        assert len(served.reader.asked) == reads


async def test_what_has_expired_is_not_given_again(caching, png):
    async with caching(lifetime=1e-6) as served:
        for _ in range(2):
            await served.recognition.Recognize(asked(png))
        assert len(served.reader.asked) == 2


async def test_without_the_setting_every_picture_is_read(served, png):
    for _ in range(2):
        await served.recognition.Recognize(asked(png))
    assert len(served.reader.asked) == 2
