"""What every call goes through: request ids, undecodable bytes, retries by the caller's own gRPC."""

import asyncio
import json

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from zorky.v1.recognition_service_pb2 import RecognizeRequest, RecognizeStreamRequest
from zorky.v1.recognition_service_pb2_grpc import RecognitionServiceStub
from zorky.v1.server_info_service_pb2 import GetServerInfoRequest
from zorky_server.runtime.errors import Overloaded

METHODS = (
    "RecognitionService/Recognize",
    "FeedbackService/Feedback",
    "ServerInfoService/GetServerInfo",
)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("raw", [b"\xff", b"\x0a\xff\xff\xff\xff\x0f", b"\x0a\x05ab"])
async def test_undecodable_bytes_are_the_callers_fault(served, method, raw):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.channel.unary_unary(f"/zorky.v1.{method}")(raw)
    check_undecodable(caught.value)


async def test_undecodable_bytes_of_a_stream_end_it_as_the_callers_fault(served):
    call = served.channel.stream_stream("/zorky.v1.RecognitionService/RecognizeStream")()
    await call.write(b"\xff")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    check_undecodable(caught.value)


def check_undecodable(error: grpc.aio.AioRpcError) -> None:
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    info = error_details_pb2.ErrorInfo()
    assert rpc_status.from_call(error).details[0].Unpack(info)
    assert (info.domain, info.reason) == ("zorky", "MESSAGE_UNDECODABLE")


async def test_text_that_is_not_utf8_is_undecodable(served):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.channel.unary_unary("/zorky.v1.FeedbackService/Feedback")(b"\x0a\x02\xff\xfe")
    check_undecodable(caught.value)


@pytest.mark.parametrize("sent", ["abc-123", "A" * 128])
async def test_a_sane_request_id_is_kept(served, sent):
    call = served.info.GetServerInfo(GetServerInfoRequest(), metadata=(("x-request-id", sent),))
    assert dict(await call.initial_metadata())["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "two words", "A" * 129, '"quoted"'])
async def test_an_unfit_request_id_is_replaced(served, sent):
    call = served.info.GetServerInfo(GetServerInfoRequest(), metadata=(("x-request-id", sent),))
    assert len(dict(await call.initial_metadata())["x-request-id"]) == 32


async def test_errors_and_streams_carry_the_request_id_too(served, png):
    metadata = (("x-request-id", "r1"),)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.recognition.Recognize(RecognizeRequest(), metadata=metadata)
    assert dict(caught.value.trailing_metadata())["x-request-id"] == "r1"
    stream = served.recognition.RecognizeStream(iter([RecognizeStreamRequest(image=png)]), metadata=metadata)
    assert dict(await stream.initial_metadata())["x-request-id"] == "r1"
    assert await stream.read()


async def test_an_exception_of_no_row_of_the_table_is_internal(served, png):
    served.reader.read = lambda *_: 1 / 0
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.recognition.Recognize(RecognizeRequest(image=png))
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "division" not in caught.value.details()


async def test_a_callers_retry_policy_hears_the_pushback(served, png):
    """Retries are the gRPC library's own: an error whose headers were sent before would not be tried again."""
    refusals = iter([Overloaded("busy", retry_after=0.3)])
    read = served.reader.read

    def busy_once(file, options):
        if refusal := next(refusals, None):
            raise refusal
        return read(file, options)

    served.reader.read = busy_once
    policy = {
        "methodConfig": [
            {
                "name": [{"service": "zorky.v1.RecognitionService"}],
                "retryPolicy": {
                    "maxAttempts": 3,
                    "initialBackoff": "30s",
                    "maxBackoff": "30s",
                    "backoffMultiplier": 1,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    }
    options = [("grpc.service_config", json.dumps(policy))]
    async with grpc.aio.insecure_channel(served.address, options) as channel:
        started = asyncio.get_running_loop().time()
        assert (await RecognitionServiceStub(channel).Recognize(RecognizeRequest(image=png))).result.result_id
        assert 0.3 <= asyncio.get_running_loop().time() - started < 10
