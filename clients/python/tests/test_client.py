"""What both clients promise; every test runs with each."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
import trustme

from zorky.v1 import feedback_pb2, recognition_pb2
from zorky_client import (
    ConnectionFailed,
    DeadlineExceeded,
    DeletedData,
    FailedPrecondition,
    InvalidRequest,
    NotFound,
    Point,
    Quad,
    ServerFault,
    Tls,
    Unavailable,
)
from zorky_client.reports import Activity, Cohort, Conversion

from .contract import because, overloaded, refuse, served


async def test_a_reading_comes_as_typed_values(client):
    result = await client.recognize("Привет мир\nещё строка".encode())
    assert result.text == "Привет мир\nещё строка"
    assert [word.text for word in result.words] == ["Привет", "мир", "ещё", "строка"]
    assert [result.text[word.span.start : word.span.end] for word in result.words] == [w.text for w in result.words]
    word = result.lines[1].words[0]
    assert [(p.x, p.y) for p in word.quad.points] == [(10, 80), (70, 80), (70, 120), (10, 120)]
    assert word.confidence == 0.75
    assert (result.page.rotation_degrees, result.page.skew_degrees) == (0, 0.0)
    assert (result.timings.total, result.timings.largest_batch) == (0.25, 3)
    assert result.model.name == "handwriting"
    assert result.to_dict()["recognition"]["page"]["lines"][0]["words"][1]["text"] == "мир"


async def test_an_empty_page_is_an_answer_with_a_warning(client):
    result = await client.recognize(b"")
    assert result.text == ""
    assert result.words == ()
    assert [warning.code for warning in result.warnings] == ["NOTHING_FOUND"]
    assert result.to_dict()["recognition"]["page"]["lines"] == []


async def test_every_option_arrives(client, servicer):
    await client.recognize(
        b"x",
        layout="line",
        languages=["ru", "en"],
        model="handwriting",
        max_alternatives=3,
        min_confidence=0.0,
        priority="bulk",
        retention="feedback",
        user_key="someone",
    )
    options = servicer.requests[0].options
    assert options == recognition_pb2.RecognitionOptions(
        layout=recognition_pb2.LAYOUT_LINE,
        languages=["ru", "en"],
        model="handwriting",
        max_alternatives=3,
        min_confidence=0.0,
        priority=recognition_pb2.PRIORITY_BULK,
        retention=recognition_pb2.RETENTION_FEEDBACK,
        user_key="someone",
    )
    assert options.HasField("min_confidence")


async def test_an_unknown_word_for_an_option_is_refused_before_sending(client, servicer):
    with pytest.raises(ValueError, match="layout must be one of page, line, word, not 'pages'"):
        await client.recognize(b"x", layout="pages")
    assert servicer.requests == []


@pytest.mark.parametrize("kind", [str, Path])
async def test_a_picture_may_be_given_by_its_path(client, tmp_path, kind):
    (tmp_path / "page.jpg").write_text("по пути")
    assert (await client.recognize(kind(tmp_path / "page.jpg"))).text == "по пути"
    with pytest.raises(FileNotFoundError):
        await client.recognize(kind(tmp_path / "none.jpg"))


async def test_an_overloaded_server_is_asked_again_when_it_says(client, servicer):
    servicer.script = [overloaded(0.3), overloaded(0.3)]
    start = time.monotonic()
    assert (await client.recognize(b"ok")).text == "ok"
    assert len(servicer.requests) == 3
    assert time.monotonic() - start >= 0.6


async def test_photos_of_several_megabytes_are_retried_too(client, servicer):
    servicer.script = [overloaded(0.01)]
    photo = b"x" * 3_000_000  # under the 4 MiB that this server takes, far over the retry buffer of gRPC's default
    assert len((await client.recognize(photo)).text) == len(photo)
    assert len(servicer.requests) == 2


async def test_a_server_that_stays_overloaded_is_reported_with_its_advice(client, servicer):
    servicer.script = [overloaded(0.01)] * 10
    with pytest.raises(Unavailable, match="busy") as caught:
        await client.recognize(b"x")
    assert not isinstance(caught.value, ConnectionFailed)
    assert (caught.value.reason, caught.value.retry_after) == ("OVERLOADED", 0.01)
    assert len(servicer.requests) == 4


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.INTERNAL, grpc.StatusCode.RESOURCE_EXHAUSTED]
)
async def test_nothing_but_unavailable_is_retried(client, servicer, code):
    servicer.script = [refuse(code, "no", because("NO"))]
    with pytest.raises(Exception, match="no"):
        await client.recognize(b"x")
    assert len(servicer.requests) == 1


async def test_a_call_ends_at_its_deadline(client, servicer):
    servicer.script = [lambda *_: time.sleep(2)]
    start = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        await client.recognize(b"x", timeout=0.2)
    assert time.monotonic() - start < 1.8


async def test_nothing_listening_says_where_it_looked(connect):
    client = connect("localhost:1", timeout=10)
    with pytest.raises(ConnectionFailed, match="cannot reach a Zorky server at localhost:1"):
        await client.recognize(b"x")


async def test_the_token_travels_with_every_call(connect, server, servicer):
    client = connect(server, token="geheim")
    await client.recognize(b"x")
    await client.info()
    async for _ in client.recognize_many([("a", b"x")]):
        pass
    assert [metadata["authorization"] for metadata in servicer.metadata] == ["Bearer geheim"] * 3


async def test_tls_checks_the_server_and_shows_the_clients_certificate(connect, servicer):
    authority = trustme.CA()
    chain, key = (cert := authority.issue_cert("localhost")).cert_chain_pems[0].bytes(), cert.private_key_pem.bytes()
    roots = authority.cert_pem.bytes()
    credentials = grpc.ssl_server_credentials([(key, chain)], roots, require_client_auth=True)
    mine = authority.issue_cert("client@example.org")
    with served(servicer, credentials) as address:
        known = Tls(roots, mine.cert_chain_pems[0].bytes(), mine.private_key_pem.bytes())
        assert (await connect(address, tls=known, token="t").recognize(b"safe")).text == "safe"
        for stranger in (None, Tls(), Tls(roots)):
            with pytest.raises((ConnectionFailed, DeadlineExceeded)):
                await connect(address, tls=stranger, timeout=0.5).recognize(b"x")
    assert len(servicer.requests) == 1


async def test_health_follows_the_server(client, servicer):
    assert await client.health() is True
    servicer.health.set("", 2)
    assert await client.health() is False
    with pytest.raises(NotFound):
        await client.health("no.such.Service")


async def test_waiting_for_a_server_ends_when_it_is_ready(client, servicer):
    servicer.health.set("", 2)
    waiting = asyncio.create_task(client.wait_ready(5))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    servicer.health.set("", 1)
    await waiting


async def test_waiting_for_a_server_that_is_not_there_ends_too(connect):
    start = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"localhost:1 is not ready after 0\.3 s"):
        await connect("localhost:1").wait_ready(0.3)
    assert time.monotonic() - start < 5


async def test_info_comes_as_typed_values(client):
    info = await client.info()
    assert info.server_version == "0.1.0"
    assert info.recognition.languages == ("ru", "en")
    assert info.recognition.models[0].name == "handwriting"
    assert info.result_lifetime == timedelta(hours=1)


async def test_feedback_says_what_was_meant(client, servicer):
    result = await client.recognize(b"x")
    receipt = await client.rate(result, good=False, comment="плохо", allow_training=True)
    await client.correct_text(result.result_id, "")
    await client.correct_words(result, {(0, 0): "да", (2, 1): ""}, request_id="mine")
    rating, text, words = servicer.requests[1:]
    assert receipt.feedback_id == "f" * 32
    assert receipt.create_time == datetime.fromtimestamp(1_700_000_000, UTC)
    assert {request.result_id for request in (rating, text, words)} == {result.result_id}
    assert (rating.rating, rating.comment, rating.allow_training) == (feedback_pb2.RATING_BAD, "плохо", True)
    assert text.WhichOneof("content") == "text_correction"
    assert not text.allow_training
    assert words.request_id == "mine"
    assert [(c.line, c.word, c.text) for c in words.word_corrections.corrections] == [(0, 0, "да"), (2, 1, "")]
    assert rating.request_id != text.request_id


async def test_lines_that_were_missed_arrive_with_their_places(client, servicer):
    quad = Quad(Point(1, 2), Point(30, 3), Point(31, 9), Point(2, 8))
    await client.add_missed("ab", [(quad, "забытая строка"), (quad, "ещё")], allow_training=True)
    (request,) = servicer.requests
    first, second = request.missed_lines.lines
    assert (first.text, second.text, request.allow_training) == ("забытая строка", "ещё", True)
    corners = (first.quad.top_left, first.quad.top_right, first.quad.bottom_right, first.quad.bottom_left)
    assert [(corner.x, corner.y) for corner in corners] == [(1, 2), (30, 3), (31, 9), (2, 8)]


async def test_a_report_comes_as_typed_values(client, servicer):
    day = datetime(2023, 11, 15, tzinfo=UTC)
    report = await client.report(start=day, end=day + timedelta(days=1))
    assert servicer.requests[0].start_time.seconds == 1_700_006_400
    assert servicer.requests[0].HasField("end_time")
    assert (report.start, report.end) == (day, day + timedelta(days=1))
    assert report.total == Activity(day, users=1, pictures=4, feedbacks=2, failures=3)
    assert report.days == report.weeks == report.months == (report.total,)
    assert report.cohorts == (Cohort(day - timedelta(days=2), 1, (1, 0)),)
    assert report.conversion == Conversion(1, 0, None)
    assert (report.qualities[0].language, report.qualities[0].mean_confidence) == ("ru", None)
    assert (report.latencies[0].p50, report.latencies[0].p99) == (0, 0.25)
    assert report.failures[0].reason == "OVERLOADED"


async def test_a_report_of_a_moment_without_a_time_zone_is_refused_before_sending(client, servicer):
    with pytest.raises(ValueError, match="time zone"):
        await client.report(start=datetime(2023, 11, 15))
    assert servicer.requests == []


async def test_a_report_without_a_span_leaves_it_to_the_server(client, servicer):
    await client.report()
    assert not servicer.requests[0].HasField("start_time")
    assert not servicer.requests[0].HasField("end_time")


async def test_deleting_a_person_names_the_key_and_tells_what_went(client, servicer):
    assert await client.delete_user_data("someone") == DeletedData(results=3, pictures=2, feedbacks=1)
    assert servicer.requests[0].user_key == "someone"


async def test_deleting_outlasts_the_servers_patience_and_tells_that_copies_stay(connect, server, servicer):
    given = []

    def still_read(request: object, context: grpc.ServicerContext) -> None:
        given.append(context.time_remaining())
        refuse(grpc.StatusCode.FAILED_PRECONDITION, "copies stay", because("STILL_READ"))(request, context)

    for client, how in ((connect(server), {}), (connect(server, timeout=900), {}), (connect(server), {"timeout": 9})):
        servicer.script = [still_read]
        with pytest.raises(FailedPrecondition, match="copies stay") as caught:
            await client.delete_user_data("someone", **how)
        assert caught.value.reason == "STILL_READ"
    assert given == [pytest.approx(seconds, abs=5) for seconds in (150, 900, 9)]


async def test_reloading_tells_which_model_serves_or_why_not(client, servicer):
    assert (await client.reload_models()).version == "2"
    servicer.script = [refuse(grpc.StatusCode.FAILED_PRECONDITION, "the new model is damaged", because("BAD_MODEL"))]
    with pytest.raises(FailedPrecondition, match="damaged") as caught:
        await client.reload_models()
    assert caught.value.reason == "BAD_MODEL"


async def test_repeated_feedback_keeps_its_request_id(client, servicer):
    servicer.script = [overloaded(0.01)]
    await client.rate("0" * 32, good=True)
    first, second = servicer.requests
    assert first == second


async def test_a_message_over_the_transports_limit_is_the_pictures_fault(connect, servicer):
    with served(servicer, max_receive_message_length=1000) as address, pytest.raises(InvalidRequest, match="than max"):
        await connect(address).recognize(b"x" * 2000)


async def test_a_fault_of_the_server_names_where_its_log_tells_more(client, servicer):
    servicer.script = [refuse(grpc.StatusCode.INTERNAL, "a1b2c3", because("INTERNAL"))]
    with pytest.raises(ServerFault, match="its log tells more under a1b2c3") as caught:
        await client.recognize(b"x")
    assert caught.value.reference == "a1b2c3"
