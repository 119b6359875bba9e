"""Clients in other languages, at the live server: Node.js from the same protos, and buf curl by reflection alone."""

import base64
import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MODULES = ROOT / "node_modules"

pytestmark = pytest.mark.node


def run(*command: object, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a program from the repository's root."""
    return subprocess.run([*map(str, command)], cwd=ROOT, input=stdin, capture_output=True, text=True, timeout=60)


def curl(server: str, method: str, request: object) -> subprocess.CompletedProcess[str]:
    """Calls a method with buf, which knows the contract from the server alone."""
    how = ["--protocol", "grpc", "--http2-prior-knowledge", "--data", "@-"]
    return run(MODULES / ".bin" / "buf", "curl", *how, f"http://{server}/{method}", stdin=json.dumps(request))


def test_the_node_example_reads_a_page(server, line_png, tmp_path):
    (tmp_path / "page.png").write_bytes(line_png)
    ended = run("node", "examples/node/recognize.mjs", tmp_path / "page.png", server.address)
    assert (ended.returncode, ended.stderr.startswith("read by handwriting")) == (0, True), ended.stderr
    text, *words = ended.stdout.splitlines()
    rows = [word.split("\t") for word in words]
    assert "2026" in text
    assert [row[0] for row in rows] == text.split()
    assert all(0 < float(row[1]) <= 1 and len(row[2:]) == 4 for row in rows)


def test_the_node_example_decodes_the_details_of_an_error(server, tmp_path):
    (tmp_path / "page.png").write_text("not a picture")
    ended = run("node", "examples/node/recognize.mjs", tmp_path / "page.png", server.address)
    assert (ended.returncode, ended.stdout) == (1, "")
    first, second = ended.stderr.splitlines()
    assert first.startswith("INVALID_ARGUMENT IMAGE_")
    assert second.startswith("  image: ")


def test_the_node_example_says_how_it_is_used():
    ended = run("node", "examples/node/recognize.mjs")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("usage: ")


def test_buf_curl_reads_a_page_by_reflection(server, line_png):
    request = {"image": base64.b64encode(line_png).decode(), "options": {"layout": "LAYOUT_PAGE"}}
    ended = curl(server.address, "zorky.v1.RecognitionService/Recognize", request)
    assert ended.returncode == 0, ended.stderr
    recognition = json.loads(ended.stdout)["result"]["recognition"]
    assert "2026" in recognition["text"]
    assert recognition["page"]["lines"][0]["words"][0]["quad"]["topLeft"].keys() == {"x", "y"}


def test_buf_curl_sees_the_details_of_an_error(server):
    ended = curl(server.address, "zorky.v1.RecognitionService/Recognize", {"image": "bm8="})
    error = json.loads(ended.stderr)
    assert error["code"] == "invalid_argument"
    assert {detail["type"] for detail in error["details"]} == {"google.rpc.ErrorInfo", "google.rpc.BadRequest"}


@pytest.mark.parametrize(
    ("method", "answers"),
    [
        ("zorky.v1.ServerInfoService/GetServerInfo", "serverVersion"),
        ("grpc.health.v1.Health/Check", "status"),
    ],
)
def test_buf_curl_finds_the_other_services_too(server, method, answers):
    ended = curl(server.address, method, {})
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)[answers]
