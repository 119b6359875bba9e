"""Tests that need more than Python: skipped with the way to get it, or failed where CI promises that it is there."""

import os
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent


class Need(NamedTuple):
    """How to tell that something is there, and how to get it."""

    is_met: Callable[[], bool]
    remedy: str


NEEDS = {
    "torch": Need(lambda: find_spec("torch") is not None, "needs the training distribution: make .make/training"),
    "node": Need(
        lambda: shutil.which("node") is not None and (ROOT / "node_modules" / ".bin" / "buf").exists(),
        "needs Node.js and npm (apt install nodejs npm), then: make .make/node",
    ),
    "tesseract": Need(lambda: shutil.which("tesseract") is not None, "apt install tesseract-ocr tesseract-ocr-rus"),
    "haproxy": Need(lambda: shutil.which("haproxy") is not None, "apt install haproxy"),
    "postgres": Need(
        lambda: shutil.which("initdb") is not None or any(Path("/usr/lib/postgresql").glob("*/bin/initdb")),
        "apt install postgresql",
    ),
    "easyocr": Need(lambda: find_spec("easyocr") is not None, "needs easyocr: make test-easyocr"),
}


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Modules in training/tests cannot even be imported without their distribution."""
    is_training = collection_path.is_relative_to(ROOT / "training" / "tests")
    return True if is_training and not NEEDS["torch"].is_met() and "CI" not in os.environ else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what pytest_ignore_collect left out."""
    if not NEEDS["torch"].is_met():
        terminalreporter.write_line(f"SKIPPED training/tests: {NEEDS['torch'].remedy}")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips or fails a test whose mark names something that is not there."""
    for name, need in NEEDS.items():
        if item.get_closest_marker(name) and not need.is_met():
            give_up = pytest.fail if "CI" in os.environ else pytest.skip
            give_up(need.remedy)
