"""Models behind one small protocol, and ONNX Runtime as its implementation."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from .providers import EXECUTORS, Provider, cannot_start, not_installed


class Session(Protocol):
    """A model that runs one batch. Called from several threads at once."""

    @property
    def device(self) -> str | None:
        """What runs one batch at a time, whichever the session; None: a core, of which each worker has its own."""
        ...

    def run(self, batch: NDArray[np.float32], alone: bool = False) -> NDArray[np.float32]:
        """batch: (N, …). alone: nothing else waits or runs, so the run may take every core.

        Returns (N, …), one output for each input, in order.
        """
        ...


class OnnxSession:
    """A model of one input and one output on ONNX Runtime."""

    def __init__(self, path: Path, threads: int, provider: Provider = "cpu") -> None:
        """threads: cores that a run takes when it is alone; any other takes one. A GPU makes no such difference.

        Raises ProviderMissing when the provider cannot run here, and what ONNX Runtime raises for a bad file.
        """
        on_cpu = provider == "cpu"
        self._narrow = _load(path, 1, provider)
        self._wide = _load(path, threads, provider) if on_cpu and threads > 1 else self._narrow
        self.device = None if on_cpu else "gpu"
        self._input = self._narrow.get_inputs()[0].name

    def run(self, batch: NDArray[np.float32], alone: bool = False) -> NDArray[np.float32]:
        """Runs the batch; see Session."""
        session = self._wide if alone else self._narrow
        output: NDArray[np.float32] = session.run(None, {self._input: batch})[0]
        return output


def _load(path: Path, threads: int, provider: Provider) -> ort.InferenceSession:
    """A session that runs on the provider and nowhere else."""
    executors = EXECUTORS[provider]
    if executors[0] not in ort.get_available_providers():
        raise not_installed(provider)
    if provider != "cpu":
        with redirect_stdout(sys.stderr):
            ort.preload_dlls()  # finds the libraries that pip installed; prints what it misses
    try:
        session = ort.InferenceSession(path, _options(threads), providers=executors, enable_fallback=0)
    except RuntimeError as error:  # only TensorRT's missing libraries; what is wrong with a model has types of its own
        raise cannot_start(provider) from error
    if session.get_providers()[0] != executors[0]:  # ONNX Runtime goes on with the CPU and only warns
        raise cannot_start(provider)
    return session


def _options(threads: int) -> ort.SessionOptions:
    _share_memory()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # with shapes that vary, patterns make the arena grow without end
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # spinning burns half a core when idle
    options.add_session_config_entry("session.x64quantprecision", "1")  # no overflow in integers before AVX512-VNNI
    return options


@cache
def _share_memory() -> None:
    """One arena for all sessions of the process: what one does not need at the moment serves another."""
    memory = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    ort.create_and_register_allocator(memory, ort.OrtArenaCfg({}))
