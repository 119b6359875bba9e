"""ONNX Runtime behind the protocol: one core or all of them, with the same answer."""

import os
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path
from threading import Event, Thread

import numpy as np
import onnxruntime as ort
import pytest

from zorky_server.runtime.providers import ProviderMissing
from zorky_server.runtime.sessions import OnnxSession

FOLDER = Path(str(files("zorky_models"))) / "handwriting"
DETECTOR = FOLDER / "detector.onnx"
HAS_CUDA = "CUDAExecutionProvider" in ort.get_available_providers()


@pytest.fixture(scope="module")
def session() -> OnnxSession:
    return OnnxSession(DETECTOR, 2)


@pytest.fixture(scope="module")
def page() -> np.ndarray:
    return np.random.default_rng(7).random((1, 3, 320, 320), np.float32)


def share_of_other_threads(session: OnnxSession, page: np.ndarray, alone: bool) -> float:
    """Processor time of all threads but this one during a run, for each second of this one's."""
    others, own = time.process_time(), time.thread_time()
    session.run(page, alone=alone)
    own = time.thread_time() - own
    return (time.process_time() - others - own) / own


def test_a_run_takes_one_core_unless_it_is_alone(session, page):
    assert max(share_of_other_threads(session, page, alone=False) for _ in range(5)) < 0.05
    assert any(share_of_other_threads(session, page, alone=True) > 0.2 for _ in range(100))  # where cores are free


def test_a_run_answers_the_same_alone_and_in_company(session, page):
    np.testing.assert_allclose(session.run(page, alone=True), session.run(page), atol=1e-4)


def test_loading_lets_other_threads_run():
    """A model is replaced while others are served."""
    laps, loaded = [0.0], Event()

    def tick() -> None:
        while not loaded.wait(0.001):
            laps.append(time.thread_time())

    ticking = Thread(target=tick)
    ticking.start()
    OnnxSession(DETECTOR, 2)
    loaded.set()
    ticking.join()
    assert len(laps) > 10


@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
@pytest.mark.skipif(HAS_CUDA, reason="onnxruntime-gpu is installed")
def test_a_provider_that_is_not_installed_is_refused_with_what_to_install(provider):
    with pytest.raises(ProviderMissing, match=rf"^provider is {provider}, but .* pip install 'zorky-server\[gpu\]'"):
        OnnxSession(DETECTOR, 2, provider)


@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
@pytest.mark.skipif(not HAS_CUDA, reason="needs onnxruntime-gpu")
def test_a_gpu_that_is_hidden_is_refused_and_the_cpu_does_not_step_in(provider):
    load = "import sys; from zorky_server.runtime.sessions import OnnxSession; OnnxSession(sys.argv[1], 1, sys.argv[2])"
    run = subprocess.run(
        [sys.executable, "-c", load, DETECTOR, provider],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
    )
    assert f"ProviderMissing: provider is {provider}, but ONNX Runtime cannot use a GPU here" in run.stderr


def test_sessions_share_the_memory_that_runs_need():
    """In a process of its own: here others have filled the arena before."""
    script = """if True:
        import re, sys
        import numpy as np
        from zorky_server.runtime.sessions import OnnxSession

        def peak():
            return re.search("VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]

        session, page = OnnxSession(sys.argv[1], 2), np.ones((1, 3, 1024, 1024), np.float32)
        print(peak())
        for alone in (False, True):
            session.run(page, alone=alone)
            print(peak())
    """
    run = subprocess.run([sys.executable, "-c", script, DETECTOR], capture_output=True, text=True, check=True)
    loaded, narrow, wide = map(int, run.stdout.split())
    assert narrow - loaded > 50_000
    assert wide - narrow < 0.2 * (narrow - loaded)
