"""Beside the answers nothing of pictures and texts leaves a server: not in its log, metrics, traces or output."""

import base64
import io
import urllib.request
from collections.abc import Iterator

import grpc
import pytest
from PIL import Image, ImageDraw, ImageFont

from zorky.v1 import recognition_pb2 as messages
from zorky.v1.admin_service_pb2 import DeleteUserDataRequest, GetReportRequest
from zorky.v1.admin_service_pb2_grpc import AdminServiceStub
from zorky.v1.feedback_pb2 import MissedLine, MissedLines, TextCorrection
from zorky.v1.feedback_service_pb2 import FeedbackRequest
from zorky.v1.feedback_service_pb2_grpc import FeedbackServiceStub
from zorky.v1.recognition_service_pb2 import RecognizeRequest, RecognizeStreamRequest
from zorky.v1.recognition_service_pb2_grpc import RecognitionServiceStub

WRITTEN = "nightingale umbrella"
USER, COMMENT, ITEM, MISSED = "marigold", "gooseberry", "thunderclap", "chrysanthemum"
TOKEN = "hippopotamus-in-the-bathtub"


@pytest.fixture(scope="module")
def picture() -> bytes:
    file = io.BytesIO()
    image = Image.new("RGB", (440, 64), "white")
    ImageDraw.Draw(image).text((10, 10), WRITTEN, fill=(30, 30, 90), font=ImageFont.load_default(36))
    image.save(file, "PNG")
    return file.getvalue()


def pieces(file: bytes) -> Iterator[bytes]:
    """Stretches of a file as they stand, as base64 at each of its phases, in hexadecimal digits and as Python shows
    them."""
    for start in range(64, len(file) - 64, 64):
        raw = file[start : start + 24]
        yield from (raw, raw.hex().encode(), repr(raw)[2:-1].encode())
        yield from (base64.b64encode(raw[phase:])[4:-4] for phase in range(3))


def found(privates: list[bytes], said: bytes) -> set[bytes]:
    return {private for private in privates if private.lower() in said.lower()}


def use(address: str, picture: bytes) -> str:
    """Every method, with success and with faults. Returns what was read."""
    options = messages.RecognitionOptions(user_key=USER, retention=messages.RETENTION_FEEDBACK)
    with grpc.insecure_channel(address) as channel:
        recognition, feedback = RecognitionServiceStub(channel), FeedbackServiceStub(channel)
        admin, shown = AdminServiceStub(channel), (("authorization", f"Bearer {TOKEN}"),)
        result = recognition.Recognize(RecognizeRequest(image=picture, options=options)).result
        correction = FeedbackRequest(
            request_id="f1",
            result_id=result.result_id,
            text_correction=TextCorrection(text=WRITTEN),
            comment=COMMENT,
        )
        feedback.Feedback(correction)
        correction.comment += COMMENT  # the same request id with other words
        with pytest.raises(grpc.RpcError):
            feedback.Feedback(correction)
        missed = FeedbackRequest(
            request_id="f2", result_id=result.result_id, missed_lines=MissedLines(lines=[MissedLine(text=MISSED)])
        )
        with pytest.raises(grpc.RpcError):
            feedback.Feedback(missed)
        for broken in (picture[: len(picture) // 2], picture[8:], WRITTEN.encode()):
            with pytest.raises(grpc.RpcError):
                recognition.Recognize(RecognizeRequest(image=broken, options=options))
        with pytest.raises(grpc.RpcError):
            recognition.Recognize(RecognizeRequest(image=picture, options=options), timeout=0.001)
        items = [RecognizeStreamRequest(item_id=ITEM, image=file, options=options) for file in (picture, picture[:99])]
        assert len(list(recognition.RecognizeStream(iter(items)))) == 2
        admin.GetReport(GetReportRequest(), metadata=shown)
        assert admin.DeleteUserData(DeleteUserDataRequest(user_key=USER), metadata=shown).results == 2
        with pytest.raises(grpc.RpcError):
            admin.DeleteUserData(DeleteUserDataRequest(user_key=USER * 20), metadata=shown)
        with pytest.raises(grpc.RpcError):
            admin.GetReport(GetReportRequest(), metadata=(("authorization", f"Bearer {TOKEN[1:]}"),))
        return result.recognition.text


def test_nothing_of_a_picture_leaves_but_in_the_answer(collector, start_server, tmp_path, picture):
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    flags = ("--log-level", "debug", "--metrics-port", "0", "--admin-token-file", str(tmp_path / "token"))
    server = start_server(*flags).wait_until_serving()
    read = use(server.address, picture)
    page = urllib.request.urlopen(server.metrics_url, timeout=10).read()
    assert server.stop() == 0
    words = [
        *WRITTEN.split(),
        USER,
        COMMENT,
        ITEM,
        MISSED,
        TOKEN[1:],
        *(word for word in read.split() if len(word) > 4),
    ]
    privates = [word.encode() for word in words] + list(pieces(picture))
    assert len(words) >= 6, "the text was read"
    told = {
        "log": server.log_path.read_bytes(),
        "standard output": server.process.stdout.read().encode(),
        "metrics": page,
        "traces": b"".join(request.SerializeToString() for request in collector.requests),
    }
    assert all(told.values())
    assert {place: found(privates, said) for place, said in told.items()} == {place: set() for place in told}


def test_the_search_finds_what_it_looks_for(picture):
    privates = [b"nightingale", *pieces(picture)]
    for leak in (
        b"it reads: Nightingale",
        picture,
        repr(picture).encode(),
        picture.hex().encode(),
        *(base64.b64encode(picture[phase:]) for phase in range(3)),
    ):
        assert found(privates, leak)
