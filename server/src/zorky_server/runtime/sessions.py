"""Models behind one small protocol, and ONNX Runtime as its implementation."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray


class Session(Protocol):
    """A model that runs one batch. Called from several threads at once."""

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """batch: (N, …). Returns (N, …), one output for each input, in order."""
        ...


class OnnxSession:
    """A model of one input and one output on ONNX Runtime's CPU provider."""

    def __init__(self, path: Path, threads: int) -> None:
        """threads: cores that one run uses. Loading holds the GIL, so load before serving."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # with shapes that vary, patterns make the arena grow without end
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # spinning burns half a core when idle
        options.add_session_config_entry("session.x64quantprecision", "1")  # no overflow in integers before AVX512-VNNI
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Runs the batch; see Session."""
        output: NDArray[np.float32] = self._session.run(None, {self._input: batch})[0]
        return output
