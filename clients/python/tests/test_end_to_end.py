"""The clients and the command against the real server with the real weights."""

import difflib
import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image
from pypdf import PdfReader

from zorky_client import AlreadyExists, Client, InvalidRequest, NotFound, Recognition
from zorky_client.__main__ import main

PATIENCE = 120
"""Seconds: the machine may have more to do than these tests."""


def likeness(text: str, expected: str) -> float:
    """1 for equal texts, 0 for texts with nothing in common."""
    return difflib.SequenceMatcher(None, text, expected).ratio()


@pytest.fixture
async def client(connect, live_server):
    """A client of either kind at the real server."""
    client = connect(live_server, timeout=PATIENCE)
    await client.wait_ready()
    return client


async def test_a_page_is_read_and_its_words_are_where_they_stand(client, page, page_lines):
    result = await client.recognize(page, languages=["ru", "en"], max_alternatives=2)
    assert likeness(result.text, "\n".join(page_lines)) > 0.9
    assert len(result.lines) == len(page_lines)
    for row, line in enumerate(result.lines):
        for word in line.words:
            assert result.text[word.span.start : word.span.end] == word.text
            assert 0 < word.confidence <= 1
            assert 40 + 90 * row <= sum(point.y for point in word.quad.points) / 4 <= 120 + 90 * row
    assert result.page.rotation_degrees == 0
    assert result.timings.total > 0
    assert len(result.model.sha256) == 64


async def test_what_is_no_picture_is_the_callers_fault(client):
    with pytest.raises(InvalidRequest) as caught:
        await client.recognize(b"not a picture")
    assert caught.value.field == "image"
    assert caught.value.reason


async def test_a_stream_brings_readings_and_errors_under_their_names(client, page):
    images = [("good", page), ("bad", b"not a picture"), ("again", page)]
    outcomes = {name: outcome async for name, outcome in client.recognize_many(images, concurrency=3)}
    assert isinstance(outcomes["bad"], InvalidRequest)
    assert outcomes["bad"].field == "image"
    assert isinstance(outcomes["good"], Recognition)
    assert outcomes["good"].text == outcomes["again"].text


async def test_feedback_is_kept_once_and_bound_to_its_result(client, page):
    result = await client.recognize(page, retention="feedback")
    first = await client.correct_words(result, {(0, 0): "Сегодня"}, request_id=f"{result.result_id}-1")
    again = await client.correct_words(result, {(0, 0): "Сегодня"}, request_id=f"{result.result_id}-1")
    assert first == again
    with pytest.raises(AlreadyExists):
        await client.rate(result, good=True, request_id=f"{result.result_id}-1")
    with pytest.raises(InvalidRequest):
        await client.correct_words(result, {(99, 0): "нет такой"})
    with pytest.raises(NotFound):
        await client.rate("0" * 32, good=True)


async def test_the_server_tells_what_it_accepts(client):
    info = await client.info()
    assert {"ru", "en"} <= set(info.recognition.languages)
    assert "image/jpeg" in info.recognition.media_types
    assert info.recognition.max_image_bytes > 10_000_000
    assert await client.health("zorky.v1.RecognitionService")


def test_the_command_writes_every_format(live_server, page, tmp_path, monkeypatch, capfdbinary):
    monkeypatch.setenv("ZORKY_SERVER", live_server)
    (tmp_path / "page.png").write_bytes(page)
    written = {}
    for kind in ("text", "json", "csv", "pdf"):
        folder = str(tmp_path / "drawn")
        flags = ["--format", kind, "--annotate", folder, "--timeout", str(PATIENCE)]
        monkeypatch.setattr(sys, "argv", ["zorky", "recognize", str(tmp_path / "page.png"), *flags])
        with pytest.raises(SystemExit, match="0"):
            main()
        written[kind] = capfdbinary.readouterr().out
    words = json.loads(written["json"])["text"].split()
    assert written["text"].decode().split() == words
    assert [row.split(",")[0] for row in written["csv"].decode().splitlines()[1:] if not row.startswith('"')] == [
        word for word in words if "," not in word and '"' not in word
    ]
    assert PdfReader(io.BytesIO(written["pdf"])).pages[0].extract_text().split() == words
    with Image.open(tmp_path / "drawn" / "page.png") as drawn, Image.open(io.BytesIO(page)) as before:
        assert drawn.size == before.size


def test_health_of_nothing_is_told_by_the_status(live_server, monkeypatch, capfdbinary):
    for server, status in ((live_server, "0"), ("localhost:1", "1")):
        monkeypatch.setattr(sys, "argv", ["zorky", "health", "--server", server])
        with pytest.raises(SystemExit, match=status):
            main()
    assert capfdbinary.readouterr().out == b"serving\n"


def test_a_client_may_be_shared_by_threads(live_server, page):
    with Client(live_server, timeout=PATIENCE) as client, ThreadPoolExecutor(3) as threads:
        texts = {result.text for result in threads.map(client.recognize, [page] * 3)}
    assert len(texts) == 1
