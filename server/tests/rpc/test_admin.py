"""AdminService: for those with the token alone, and the same as the command line does."""

import time
from dataclasses import replace

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from zorky.v1 import recognition_pb2 as messages
from zorky.v1.admin_service_pb2 import DeleteUserDataRequest, GetReportRequest, ReloadModelsRequest
from zorky.v1.feedback_service_pb2 import FeedbackRequest
from zorky.v1.recognition_service_pb2 import RecognizeRequest
from zorky_server.tasks.handwriting.model import BadModel, ModelIdentity

TOKEN = "0123456789abcdef"
SHOWN = (("authorization", f"Bearer {TOKEN}"),)
CALLS = {
    "DeleteUserData": DeleteUserDataRequest(user_key="someone"),
    "GetReport": GetReportRequest(),
    "ReloadModels": ReloadModelsRequest(),
}


@pytest.fixture
async def administered(serving):
    async with serving(admin_token=TOKEN) as served:
        yield served


async def read(served, png: bytes, user_key: str) -> str:
    options = messages.RecognitionOptions(retention=messages.RETENTION_FEEDBACK, user_key=user_key)
    return (await served.recognition.Recognize(RecognizeRequest(image=png, options=options))).result.result_id


async def refused(call) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    info = error_details_pb2.ErrorInfo()
    for packed in rpc_status.from_call(caught.value).details:
        packed.Unpack(info)
    return caught.value.code(), info.reason


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize(
    "shown",
    [
        (),
        (("authorization", "Bearer "),),
        (("authorization", f"Bearer {TOKEN}0"),),
        (("authorization", f"Bearer {TOKEN[:-1]}"),),
        (("authorization", f"Basic {TOKEN}"),),
        (("authorization", TOKEN),),
    ],
)
async def test_a_caller_without_the_token_is_refused(administered, method, shown):
    call = getattr(administered.admin, method)
    assert await refused(call(CALLS[method], metadata=shown)) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_WRONG")


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize("shown", [(), (("authorization", "Bearer "),), SHOWN])
async def test_nobody_may_call_where_no_token_is_set(served, method, shown):
    call = getattr(served.admin, method)
    assert await refused(call(CALLS[method], metadata=shown)) == (grpc.StatusCode.PERMISSION_DENIED, "ADMIN_DISABLED")


async def test_no_token_reaches_the_log(administered, log):
    wrong = "a-wrong-token-0123456789"
    await refused(administered.admin.GetReport(GetReportRequest(), metadata=(("authorization", f"Bearer {wrong}"),)))
    await administered.admin.GetReport(GetReportRequest(), metadata=SHOWN)
    told = str(log())
    assert len(log()) == 2
    assert wrong not in told
    assert TOKEN not in told


async def test_one_persons_data_is_deleted_and_nobody_elses(administered, png):
    mine = [await read(administered, png, "someone") for _ in range(2)]
    theirs = await read(administered, png, "someone else")
    await administered.feedback.Feedback(
        FeedbackRequest(request_id="1", result_id=mine[0], rating=1, allow_training=True)
    )
    answer = await administered.admin.DeleteUserData(DeleteUserDataRequest(user_key="someone"), metadata=SHOWN)
    assert (answer.results, answer.pictures, answer.feedbacks) == (2, 2, 1)
    assert [path.name for path in (administered.folder / "pictures").iterdir()] == [theirs]
    again = await administered.admin.DeleteUserData(DeleteUserDataRequest(user_key="someone"), metadata=SHOWN)
    assert (again.results, again.pictures, again.feedbacks) == (0, 0, 0)
    call = administered.feedback.Feedback(FeedbackRequest(request_id="2", result_id=mine[1], rating=1))
    assert await refused(call) == (grpc.StatusCode.NOT_FOUND, "RESULT_NOT_FOUND")


@pytest.mark.parametrize(("key", "reason"), [("", "REQUIRED"), ("k" * 129, "TOO_LONG")])
async def test_a_key_that_nobody_can_have_is_refused(administered, key, reason):
    call = administered.admin.DeleteUserData(DeleteUserDataRequest(user_key=key), metadata=SHOWN)
    assert await refused(call) == (grpc.StatusCode.INVALID_ARGUMENT, reason)


async def test_a_report_counts_what_was_just_done(administered, png):
    first = await read(administered, png, "someone")
    await read(administered, png + b"other bytes", "someone")
    await read(administered, png, "")
    await administered.feedback.Feedback(FeedbackRequest(request_id="1", result_id=first, rating=1))
    report = (await administered.admin.GetReport(GetReportRequest(), metadata=SHOWN)).report
    assert len(report.days) == 30
    assert report.days[-1].start_time.seconds <= time.time() < report.end_time.seconds
    assert (report.total.users, report.total.pictures, report.total.feedbacks) == (1, 3, 1)
    assert (report.conversion.first_pictures, report.conversion.second_pictures) == (1, 1)
    (quality,) = report.qualities
    assert (quality.language, quality.model_version, quality.answers, quality.rated_good) == ("ru", "1.0", 3, 1)
    assert quality.mean_confidence == pytest.approx(0.5)
    assert report.latencies[0].answers == 3


@pytest.mark.parametrize(
    ("start", "end"), [(86_400, 86_400), (172_800, 86_400), (-200_000, 100), (0, 400_000_000), (0, 253_402_300_799)]
)
async def test_a_span_without_an_end_in_sight_is_refused(administered, start, end):
    request = GetReportRequest(start_time=Timestamp(seconds=start), end_time=Timestamp(seconds=end))
    call = administered.admin.GetReport(request, metadata=SHOWN)
    assert await refused(call) == (grpc.StatusCode.INVALID_ARGUMENT, "OUT_OF_RANGE")


async def test_a_reload_tells_which_model_serves_then(administered):
    async def reload():
        return await administered.admin.ReloadModels(ReloadModelsRequest(), metadata=SHOWN)

    same = await reload()
    assert (same.model.version, same.changed) == ("1.0", False)
    current = administered.models.current
    newer = replace(current.reader, identity=ModelIdentity("test", "2.0", "cd" * 32, "c2"))
    administered.models.waiting = replace(current, reader=newer)
    changed = await reload()
    assert (changed.model.version, changed.model.sha256, changed.changed) == ("2.0", "cd" * 32, True)


async def test_a_model_that_cannot_serve_is_told_as_a_failed_precondition(administered):
    administered.models.waiting = BadModel("the weights are damaged")
    call = administered.admin.ReloadModels(ReloadModelsRequest(), metadata=SHOWN)
    assert await refused(call) == (grpc.StatusCode.FAILED_PRECONDITION, "BAD_MODEL")
    assert administered.models.current.reader.identity.version == "1.0"
