"""The zorky command at a scripted server: what it writes where, and how it ends."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import grpc
import pytest
from google.protobuf import json_format
from PIL import Image
from pypdf import PdfReader

from zorky.v1 import feedback_pb2, recognition_pb2
from zorky.v1.recognition_service_pb2 import RecognizeResponse, RecognizeStreamResponse
from zorky_client.__main__ import main

from .contract import because, item_error, reading, refuse

TEXT = "Привет, мир\nёлка №5 «да»"


@dataclass
class Ended:
    """How a command ended."""

    status: int
    out: bytes
    err: str


@pytest.fixture
def zorky(server, capfdbinary, monkeypatch) -> Callable[..., Ended]:
    """Runs the command in this process, at the scripted server."""

    def run(*arguments: object, stdin: bytes = b"") -> Ended:
        monkeypatch.setenv("ZORKY_SERVER", server)
        monkeypatch.setattr(sys, "argv", ["zorky", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfdbinary.readouterr()
        return Ended(ended.value.code, out, err.decode())

    return run


@pytest.fixture
def photos(tmp_path, servicer):
    """A folder with pictures and more; the server finds in each the text TEXT."""

    def answer(request, _):
        alone = RecognizeResponse(result=reading(TEXT, 400, 200))
        return RecognizeStreamResponse(result=alone.result) if hasattr(request, "item_id") else alone

    servicer.script = [answer] * 100
    folder = tmp_path / "photos"
    (folder / "deeper").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for name in ("b.png", "a.JPG", "deeper/c.webp", ".hidden/d.png"):
        Image.new("RGB", (400, 200), "white").save(folder / name)
    (folder / "notes.txt").write_text("not a picture")
    return folder


def test_one_picture_gives_its_bare_text(zorky, photos):
    assert zorky("recognize", photos / "b.png") == Ended(0, f"{TEXT}\n".encode(), "")


def test_a_folder_gives_all_its_pictures_in_order_under_headings(zorky, photos):
    ended = zorky("recognize", photos)
    names = [photos / name for name in ("a.JPG", "b.png", "deeper/c.webp")]
    assert ended.out.decode() == "\n".join(f"== {name} ==\n{TEXT}\n" for name in names)
    assert (ended.status, ended.err) == (0, "")


def test_quoted_patterns_are_understood(zorky, photos):
    ended = zorky("recognize", photos / "**" / "*.webp", photos / "[ab].*", "--format", "json")
    assert [json.loads(line)["image"] for line in ended.out.splitlines()] == [
        str(photos / name) for name in ("deeper/c.webp", "a.JPG", "b.png")
    ]


@pytest.mark.usefixtures("photos")
def test_standard_input_is_read_for_a_dash(zorky, servicer):
    ended = zorky("recognize", "-", "--format", "json", stdin=b"the picture")
    assert json.loads(ended.out)["image"] == "-"
    assert servicer.requests[0].image == b"the picture"


def test_json_is_the_contracts_mapping_with_image_and_text(zorky, photos):
    ended = zorky("recognize", photos / "b.png", "--format", "json")
    (line,) = ended.out.decode().splitlines()
    keys = json.loads(line)
    assert list(keys) == sorted(keys)
    assert (keys.pop("image"), keys.pop("text")) == (str(photos / "b.png"), TEXT)
    assert json_format.ParseDict(keys, recognition_pb2.RecognitionResult()) == reading(TEXT)


def test_csv_has_a_row_for_each_word(zorky, photos, tmp_path):
    assert zorky("recognize", photos / "b.png", "--format", "csv", "-o", tmp_path / "words.csv").out == b""
    header, first, *_, last = csv.reader((tmp_path / "words.csv").read_text().splitlines())
    assert header == ["word", "confidence", "x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4", "line", "image"]
    corners = ["10.0", "20.0", "150.0", "20.0", "150.0", "60.0", "10.0", "60.0"]
    assert first == ["Привет,", "0.7500", *corners, "0", str(photos / "b.png")]
    assert (last[0], last[10]) == ("«да»", "1")


def test_pdf_has_a_searchable_page_for_each_picture(zorky, photos, tmp_path):
    assert zorky("recognize", photos, "--format", "pdf", "-o", tmp_path / "all.pdf").status == 0
    pages = PdfReader(tmp_path / "all.pdf").pages
    assert [page.extract_text().split() for page in pages] == [TEXT.split()] * 3


def test_annotate_draws_beside_the_text_and_never_over_a_photo(zorky, photos):
    before = (photos / "b.png").read_bytes()
    ended = zorky("recognize", photos / "b.png", photos / "b.png", "--annotate", photos)
    assert ended.status == 0
    assert (photos / "b.png").read_bytes() == before
    for name in ("b-2.png", "b-3.png"):
        assert len(Image.open(photos / name).getcolors(10_000)) > 10


def test_options_reach_the_server(zorky, photos, servicer):
    flags = (
        "--layout line --language ru --language en --model m --alternatives 2 --min-confidence 0.5 --keep-for-feedback"
    )
    assert zorky("recognize", photos / "b.png", *flags.split()).status == 0
    assert servicer.requests[0].options == recognition_pb2.RecognitionOptions(
        layout=recognition_pb2.LAYOUT_LINE,
        languages=["ru", "en"],
        model="m",
        max_alternatives=2,
        min_confidence=0.5,
        retention=recognition_pb2.RETENTION_FEEDBACK,
    )


def test_one_bad_picture_is_reported_and_the_others_go_on(zorky, photos, servicer):
    servicer.script.insert(0, item_error(grpc.StatusCode.INVALID_ARGUMENT, "IMAGE_TRUNCATED"))
    ended = zorky("recognize", photos / "a.JPG", photos / "none.png", photos / "b.png", "--jobs", 1)
    assert ended.status == 1
    assert ended.out.decode() == f"== {photos / 'b.png'} ==\n{TEXT}\n"
    assert ended.err.splitlines() == [
        f"zorky: {photos / 'none.png'}: no such file or folder",
        f"zorky: {photos / 'a.JPG'}: about IMAGE_TRUNCATED",
    ]


@pytest.mark.parametrize(
    ("what", "says"), [("none.png", "no such file"), ("*.gif", "nothing matches"), ("deeper/empty", "no pictures")]
)
def test_nothing_to_read_ends_with_1(zorky, photos, what, says):
    (photos / "deeper" / "empty").mkdir()
    ended = zorky("recognize", photos / what)
    assert (ended.status, ended.out) == (1, b"")
    assert says in ended.err


def test_a_failed_run_leaves_an_older_output_alone(zorky, photos, servicer, tmp_path):
    (tmp_path / "old.csv").write_text("precious")
    servicer.script = [refuse(grpc.StatusCode.INVALID_ARGUMENT, "not an image", because("IMAGE_UNKNOWN"))]
    ended = zorky("recognize", photos / "b.png", "--format", "csv", "-o", tmp_path / "old.csv")
    assert (ended.status, ended.err) == (1, f"zorky: {photos / 'b.png'}: not an image\n")
    assert (tmp_path / "old.csv").read_text() == "precious"


def test_an_empty_page_is_no_failure_but_is_remarked(zorky, photos, servicer):
    servicer.script = []
    (photos / "empty.png").write_bytes(b"")
    ended = zorky("recognize", photos / "empty.png")
    assert ended == Ended(0, b"\n", f"{photos / 'empty.png'}: no text was found\n")


def test_verbose_names_the_result_for_feedback(zorky, photos):
    ended = zorky("recognize", photos / "b.png", "-v")
    assert "result 0123456789abcdef0123456789abcdef by handwriting 1 in 0.25 s" in ended.err


def test_no_server_is_one_line_without_a_traceback(zorky, photos):
    ended = zorky("recognize", photos / "b.png", "--server", "localhost:1")
    assert ended.status == 1
    assert ended.err.startswith(f"zorky: {photos / 'b.png'}: cannot reach a Zorky server at localhost:1")
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["recognize"],
        ["recognize", "x.png", "--format", "doc"],
        ["recognize", "x.png", "--jobs", "0"],
        ["recognize", "x.png", "--min-confidence", "2"],
        ["recognize", "x.png", "--tls-cert", __file__],
        ["recognize", "x.png", "--server", "example.org:1", "--token-file", __file__],
        ["recognize", "x.png", "--token-file", sys.executable],
        ["feedback", "0"],
        ["feedback", "0", "--text", sys.executable],
        ["feedback", "0", "--good", "--word", "0:0=x"],
        ["feedback", "0", "--word", "first=x"],
        ["feedback", "0", "--missed", "1,2,3=x"],
        ["feedback", "0", "--missed", "1,2,3,4="],
        ["health", "--wait", "0"],
        ["no-such-command"],
        [],
    ],
    ids=" ".join,
)
def test_a_command_that_is_not_understood_ends_with_2(zorky, arguments, servicer):
    ended = zorky(*arguments)
    assert (ended.status, ended.out) == (2, b"")
    assert "Usage: zorky" in ended.err
    assert servicer.requests == []


@pytest.mark.parametrize("arguments", [["--help"], ["recognize", "--help"], ["feedback", "-h"], ["--version"]])
def test_help_and_version_are_output(zorky, arguments):
    ended = zorky(*arguments)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith((b"Usage: zorky", b"zorky 0."))


def test_health_tells_by_its_status(zorky, servicer):
    assert zorky("health") == Ended(0, b"serving\n", "")
    servicer.health.set("", 2)
    assert zorky("health") == Ended(1, b"not serving\n", "")
    ended = zorky("health", "--wait", "0.2")
    assert ended.status == 1
    assert "is not ready after 0.2 s" in ended.err


def test_info_tells_what_the_server_accepts(zorky):
    ended = zorky("info")
    assert ended.status == 0
    assert "ru, en" in ended.out.decode()
    assert "20.0 MB" in ended.out.decode()
    assert json.loads(zorky("info", "--format", "json").out)["recognition"]["languages"] == ["ru", "en"]


def test_feedback_sends_what_was_said(zorky, servicer, tmp_path):
    (tmp_path / "right.txt").write_text("как надо\nстрока\n")
    said = [
        ["--bad", "--comment", "ой", "--allow-training"],
        ["--text", tmp_path / "right.txt"],
        ["--word", "0:2=слово=да", "--word", "1:0="],
        ["--missed", "1,2,30,9=забытая строка", "--missed", "0,20,5,29=a=b"],
    ]
    assert [zorky("feedback", "ab", *words).out for words in said] == [b"kept as " + b"f" * 32 + b"\n"] * 4
    bad, text, words, missed = servicer.requests
    assert (bad.rating, bad.comment, bad.allow_training) == (feedback_pb2.RATING_BAD, "ой", True)
    assert text.text_correction.text == "как надо\nстрока"
    corrections = [(c.line, c.word, c.text) for c in words.word_corrections.corrections]
    assert corrections == [(0, 2, "слово=да"), (1, 0, "")]
    assert [line.text for line in missed.missed_lines.lines] == ["забытая строка", "a=b"]
    quad = missed.missed_lines.lines[0].quad
    corners = (quad.top_left, quad.top_right, quad.bottom_right, quad.bottom_left)
    assert [(corner.x, corner.y) for corner in corners] == [(1, 2), (30, 2), (30, 9), (1, 9)]


def _spawn(server, *arguments, **how):
    environment = {**os.environ, "ZORKY_SERVER": server}
    return subprocess.Popen([sys.executable, "-m", "zorky_client", *map(str, arguments)], env=environment, **how)


def test_ctrl_c_ends_with_130_and_no_traceback(server, servicer, photos):
    servicer.script = [lambda *_: time.sleep(10)]
    process = _spawn(server, "recognize", photos / "b.png", stderr=subprocess.PIPE)
    while not servicer.requests:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in err


@pytest.mark.parametrize("kind", ["text", "pdf"])
def test_a_reader_who_has_seen_enough_hears_no_complaint(server, photos, kind):
    read, write = os.pipe()
    os.close(read)
    process = _spawn(server, "recognize", photos, "--format", kind, stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (1, b"")


def test_a_terminal_sees_a_bar_that_leaves_nothing_behind(server, photos):
    ours, theirs = os.openpty()
    process = _spawn(server, "recognize", photos, stdout=subprocess.PIPE, stderr=theirs)
    out, _ = process.communicate(timeout=60)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "reading" in shown
    assert "/3" in shown
    assert shown.endswith("\x1b[2K")  # the bar's line is wiped
    assert out.count(b"==") == 6


def test_output_that_cannot_be_written_is_told_with_its_name(zorky, photos, tmp_path):
    ended = zorky("recognize", photos / "b.png", "-o", tmp_path / "none" / "x.txt")
    assert ended.status == 1
    assert ended.err == (
        f"zorky: {photos / 'b.png'}: read, but not written: {tmp_path}/none/x.txt: No such file or directory\n"
    )


def test_a_dash_as_output_is_standard_output(zorky, photos):
    assert zorky("recognize", photos / "b.png", "-o", "-").out.decode() == f"{TEXT}\n"


def test_a_file_name_in_another_encoding_is_no_obstacle(zorky, photos):
    strange = os.fsencode(photos) + b"/\xef\xf0.png"
    (photos / "b.png").rename(os.fsdecode(strange))
    ended = zorky("recognize", os.fsdecode(strange), "--format", "json")
    assert ended.status == 0
    assert json.loads(ended.out)["image"].endswith("/\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}.png")
