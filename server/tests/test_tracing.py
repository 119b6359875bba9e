"""Traces: what reaches a collector, whose child it is, and that nothing of a picture is in it."""

import sys
import time

import grpc
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from zorky.v1.recognition_service_pb2 import RecognizeRequest, RecognizeStreamRequest
from zorky.v1.recognition_service_pb2_grpc import RecognitionServiceStub
from zorky_server import tracing
from zorky_server.tracing import ENDPOINT, CannotTrace, Tracing

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def attributes(of) -> dict[str, object]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in of.attributes}


def test_a_call_is_the_callers_child_and_has_its_stages(collector):
    traces = Tracing()
    with traces.call("zorky.v1.S/M", {"traceparent": CALLER}):
        assert tracing.trace_id() == "0af7651916cd43dd8448eb211c80319c"
        tracing.describe({"batch": 3})
        traces.draw({"queue": 0.5, "decode": 0.25})
        tracing.ended(grpc.StatusCode.OK)
    traces.close()
    call, queue, decode = (collector.span(name) for name in ("zorky.v1.S/M", "queue", "decode"))
    assert (call.trace_id.hex(), call.parent_span_id.hex()) == tuple(CALLER.split("-")[1:3])
    assert call.kind == Span.SPAN_KIND_SERVER
    assert attributes(call) == {"zorky.batch": 3, "rpc.system": "grpc", "rpc.grpc.status_code": 0}
    assert {queue.parent_span_id, decode.parent_span_id} == {call.span_id}
    assert decode.end_time_unix_nano - decode.start_time_unix_nano == 250_000_000
    assert queue.end_time_unix_nano == decode.start_time_unix_nano


@pytest.mark.parametrize("sent", [{}, {"traceparent": "nonsense"}, {"traceparent": CALLER.replace("b7ad", "xxxx")}])
def test_without_a_parent_a_trace_begins(collector, sent):
    traces = Tracing()
    with traces.call("zorky.v1.S/M", sent):
        pass
    traces.close()
    assert not collector.span("zorky.v1.S/M").parent_span_id


@pytest.mark.parametrize(("status", "failed"), [("INVALID_ARGUMENT", False), ("INTERNAL", True), ("UNAVAILABLE", True)])
def test_only_our_faults_mark_a_span_as_failed(collector, status, failed):
    traces = Tracing()
    with traces.call("zorky.v1.S/M", {}):
        tracing.ended(grpc.StatusCode[status])
    traces.close()
    assert (collector.span("zorky.v1.S/M").status.code == 2) is failed


def test_what_an_exception_says_is_not_told(collector):
    traces = Tracing()
    with pytest.raises(ValueError, match="private"), traces.call("zorky.v1.S/M", {}):
        raise ValueError("private words")
    traces.close()
    assert "private" not in str(collector.requests)


def test_the_service_has_its_name_or_the_one_that_is_set(collector, monkeypatch):
    for name in ("zorky-server", "reader-7"):
        if name != "zorky-server":
            monkeypatch.setenv("OTEL_SERVICE_NAME", name)
        traces = Tracing()
        with traces.call("zorky.v1.S/M", {}):
            pass
        traces.close()
        assert attributes(collector.requests[-1].resource_spans[0].resource)["service.name"] == name


def test_a_collector_that_is_down_holds_up_nobody(monkeypatch):
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    traces = Tracing()
    with traces.call("zorky.v1.S/M", {}):
        pass
    started = time.monotonic()
    traces.close()
    assert time.monotonic() - started < 4


def test_without_a_collector_the_callers_id_is_still_known(monkeypatch):
    monkeypatch.delenv(ENDPOINT, raising=False)
    with Tracing().call("zorky.v1.S/M", {"traceparent": CALLER}):
        assert tracing.trace_id() == "0af7651916cd43dd8448eb211c80319c"
    with Tracing().call("zorky.v1.S/M", {}):
        assert tracing.trace_id() is None


def test_asked_for_and_not_installed_is_told(monkeypatch):
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:4317")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(CannotTrace, match=r"tracing is not installed: pip install 'zorky-server\[otel\]'"):
        Tracing()


def test_a_server_traces_calls_and_items_with_their_stages(collector, start_server, line_png):
    server = start_server().wait_until_serving()
    with grpc.insecure_channel(server.address) as channel:
        recognition = RecognitionServiceStub(channel)
        assert recognition.Recognize(RecognizeRequest(image=line_png), metadata=(("traceparent", CALLER),))
        assert list(recognition.RecognizeStream(iter([RecognizeStreamRequest(item_id="a", image=line_png)])))
        with pytest.raises(grpc.RpcError):
            recognition.Recognize(RecognizeRequest(), metadata=(("x-request-id", "r9"),))
    assert server.stop() == 0
    call, fault = collector.named("zorky.v1.RecognitionService/Recognize")
    assert (attributes(fault)["zorky.request_id"], attributes(fault)["zorky.reason"]) == ("r9", "IMAGE_EMPTY")
    stream = collector.span("zorky.v1.RecognitionService/RecognizeStream")
    item = collector.span("zorky.v1.RecognitionService/RecognizeStream.item")
    assert call.trace_id.hex() in {line.get("trace_id") for line in server.log()}
    assert item.parent_span_id == stream.span_id
    for parent in (call, item):
        children = {span.name for span in collector.spans if span.parent_span_id == parent.span_id}
        assert children == {"queue", "decode", "detect", "recognize"}
        told = attributes(parent)
        assert (told["zorky.picture"], told["zorky.image_bytes"]) == ("320x64", len(line_png))
        assert told["zorky.batch"] >= 1
        assert told["zorky.model"]
