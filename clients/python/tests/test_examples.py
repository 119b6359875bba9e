"""The examples, and the Python of the README, do what they say at the real server."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
EXAMPLES = HERE / "examples"


@pytest.fixture
def run(live_server, page, tmp_path):
    """Runs a Python program beside a page.jpg."""
    (tmp_path / "page.jpg").write_bytes(page)

    def run(*arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "ZORKY_SERVER": live_server}
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, env=environment, input=stdin, capture_output=True, text=True)

    return run


def test_read_one(run, page_lines):
    ended = run(EXAMPLES / "read_one.py", "page.jpg")
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == len(page_lines)


def test_read_one_tells_why_a_picture_is_refused(run, tmp_path):
    (tmp_path / "no.jpg").write_text("no picture")
    ended = run(EXAMPLES / "read_one.py", "no.jpg")
    assert ended.returncode == 1
    assert ended.stderr.startswith("image was refused (IMAGE_")


def test_read_many(run, tmp_path, page, page_lines):
    (tmp_path / "second.png").write_bytes(page)
    (tmp_path / "third.png").write_text("no picture")
    ended = run(EXAMPLES / "read_many.py", tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == 3 + 2 * len(page_lines) + 1
    assert ended.stdout.count("not read: ") == 1


def test_correct_a_word(run):
    ended = run(EXAMPLES / "correct_a_word.py", "page.jpg", stdin="слово\n" * 20)
    assert ended.returncode == 0, ended.stderr
    assert ("kept as " in ended.stdout) == (" is (Enter: right as it is)" in ended.stdout)


def test_the_readme(run, live_server, page_lines):
    (code,) = re.findall(r"```python\n(.*?)```", (HERE / "README.md").read_text(), re.DOTALL)
    ended = run("-c", code.replace("localhost:50051", live_server))
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == len(page_lines) + len(" ".join(page_lines).split())
