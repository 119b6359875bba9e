"""The server as a whole: health, reflection, ports, TLS, and how it ends."""

import asyncio
import contextlib

import grpc
import pytest
import trustme
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from zorky.v1.recognition_service_pb2 import RecognizeRequest, RecognizeStreamRequest
from zorky.v1.server_info_service_pb2 import GetServerInfoRequest
from zorky.v1.server_info_service_pb2_grpc import ServerInfoServiceStub
from zorky_server.rpc.server import SERVICES, CannotListen, RpcServer

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def health(channel: grpc.aio.Channel, service: str = "") -> int:
    return (await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))).status


@pytest.fixture
def second(served):
    """A server that does not listen yet, around the same parts."""
    return RpcServer(served.models, None, served.store, served.journal, stream_items=1, result_lifetime=1)


def test_the_services_are_ours():
    names = ("RecognitionService", "FeedbackService", "ServerInfoService", "AdminService")
    assert tuple(f"zorky.v1.{name}" for name in names) == SERVICES


@pytest.mark.parametrize("service", ["", *SERVICES])
async def test_health_is_not_serving_until_announced(serving, service):
    async with serving() as served:
        assert await health(served.channel, service) == NOT_SERVING
        await served.server.announce()
        assert await health(served.channel, service) == SERVING


async def test_health_of_no_service_of_ours_is_not_found(served):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await health(served.channel, "other.Service")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection_lists_and_describes_the_services(served):
    stub = reflection_pb2_grpc.ServerReflectionStub(served.channel)
    requests = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="zorky.v1.RecognitionService"),
    ]
    listed, described = [answer async for answer in stub.ServerReflectionInfo(iter(requests))]
    assert {*SERVICES, "grpc.health.v1.Health"} <= {one.name for one in listed.list_services_response.service}
    assert described.file_descriptor_response.file_descriptor_proto


async def test_a_taken_port_is_refused_with_a_sentence(served, second):
    with pytest.raises(CannotListen, match=f"cannot listen on 127.0.0.1:{served.port}: another program has this port"):
        second.listen("127.0.0.1", served.port)


async def test_an_ipv6_address_is_listened_on(second):
    with contextlib.suppress(CannotListen):  # a machine may have no IPv6
        assert second.listen("::1", 0) > 0


async def test_a_call_in_flight_at_the_stop_is_answered_while_health_says_not_serving(served, png):
    served.gate.is_open.clear()
    call = asyncio.ensure_future(served.recognition.Recognize(RecognizeRequest(image=png)))
    await served.gate.holds_a_run()
    stopping = asyncio.create_task(served.server.stop(lame_duck=0.5, grace=10))
    await asyncio.sleep(0.1)
    assert await health(served.channel) == NOT_SERVING
    assert (await served.info.GetServerInfo(GetServerInfoRequest())).server_version, "a lame duck takes calls"
    await asyncio.sleep(0.6)
    assert not stopping.done()
    served.gate.is_open.set()
    assert (await call).result.result_id
    async with asyncio.timeout(2):
        await stopping


async def test_new_calls_after_the_lame_duck_are_unavailable(served, png):
    served.gate.is_open.clear()
    call = asyncio.ensure_future(served.recognition.Recognize(RecognizeRequest(image=png)))
    await served.gate.holds_a_run()
    stopping = asyncio.create_task(served.server.stop(lame_duck=0, grace=10))
    await asyncio.sleep(0.2)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await served.info.GetServerInfo(GetServerInfoRequest(), timeout=2)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    served.gate.is_open.set()
    await call
    await stopping


async def test_a_stop_answers_all_items_sent_before(served, png):
    call = served.recognition.RecognizeStream(RecognizeStreamRequest(item_id=str(i), image=png) for i in range(10))
    answers = aiter(call)
    assert await anext(answers)
    stopping = asyncio.create_task(served.server.stop(lame_duck=0, grace=10))
    assert len([answer async for answer in answers]) == 9
    await stopping


async def test_who_watches_health_does_not_hold_up_the_stop(served):
    watch = health_pb2_grpc.HealthStub(served.channel).Watch(health_pb2.HealthCheckRequest())
    assert (await watch.read()).status == SERVING
    async with asyncio.timeout(3):
        await served.server.stop(lame_duck=0, grace=60)


async def test_calls_out_of_grace_are_ended(served, png):
    served.gate.is_open.clear()
    call = asyncio.ensure_future(served.recognition.Recognize(RecognizeRequest(image=png)))
    await served.gate.holds_a_run()
    async with asyncio.timeout(5):
        await served.server.stop(lame_duck=0, grace=0.2)
    with pytest.raises((grpc.aio.AioRpcError, asyncio.CancelledError)):
        await call


async def test_tls_serves_those_who_trust_the_certificate(second):
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
    port = second.listen("localhost", 0, grpc.ssl_server_credentials([(certificate.private_key_pem.bytes(), chain)]))
    await second.start()
    trusting = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    async with grpc.aio.secure_channel(f"localhost:{port}", trusting) as channel:
        assert (await ServerInfoServiceStub(channel).GetServerInfo(GetServerInfoRequest(), timeout=5)).server_version
    await second.abort()
