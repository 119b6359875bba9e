"""Models behind one small protocol, and ONNX Runtime as its implementation."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray


class Session(Protocol):
    """A model that runs one batch. Called from several threads at once."""

    def run(self, batch: NDArray[np.float32], alone: bool = False) -> NDArray[np.float32]:
        """batch: (N, …). alone: nothing else waits or runs, so the run may take every core.

        Returns (N, …), one output for each input, in order.
        """
        ...


class OnnxSession:
    """A model of one input and one output on ONNX Runtime's CPU provider."""

    def __init__(self, path: Path, threads: int) -> None:
        """threads: cores that a run takes when it is alone; any other takes one. Loading holds the GIL."""
        self._narrow = _load(path, 1)
        self._wide = _load(path, threads) if threads > 1 else self._narrow
        self._input = self._narrow.get_inputs()[0].name

    def run(self, batch: NDArray[np.float32], alone: bool = False) -> NDArray[np.float32]:
        """Runs the batch; see Session."""
        session = self._wide if alone else self._narrow
        output: NDArray[np.float32] = session.run(None, {self._input: batch})[0]
        return output


def _load(path: Path, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # with shapes that vary, patterns make the arena grow without end
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # spinning burns half a core when idle
    options.add_session_config_entry("session.x64quantprecision", "1")  # no overflow in integers before AVX512-VNNI
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
