"""ONNX Runtime behind the protocol: one core or all of them, with the same answer."""

import time
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from zorky_server.runtime.sessions import OnnxSession

FOLDER = Path(str(files("zorky_models"))) / "handwriting"
DETECTOR = FOLDER / "detector.onnx"


@pytest.fixture(scope="module")
def session() -> OnnxSession:
    return OnnxSession(DETECTOR, 2)


@pytest.fixture(scope="module")
def page() -> np.ndarray:
    return np.random.default_rng(7).random((1, 3, 320, 320), np.float32)


def other_threads_seconds(session: OnnxSession, page: np.ndarray, alone: bool) -> float:
    """Processor time of all threads but this one during a run."""
    before, own = time.process_time(), time.thread_time()
    session.run(page, alone=alone)
    return (time.process_time() - before) - (time.thread_time() - own)


def test_a_run_takes_one_core_unless_it_is_alone(session, page):
    session.run(page, alone=True)
    own = -time.thread_time()
    session.run(page)
    own += time.thread_time()
    assert other_threads_seconds(session, page, alone=False) < 0.05 * own
    assert other_threads_seconds(session, page, alone=True) > 0.2 * own


def test_a_run_answers_the_same_alone_and_in_company(session, page):
    np.testing.assert_allclose(session.run(page, alone=True), session.run(page), atol=1e-4)
