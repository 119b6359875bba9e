"""Zorky's reader and sessions without its runtime: what the rival servers and the limit are made of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

import zorky_models
from zorky.v1.recognition_pb2 import RecognitionResult
from zorky.v1.recognition_service_pb2 import RecognizeRequest, RecognizeResponse
from zorky_server.rpc.answers import recognition_of
from zorky_server.runtime.engine import drive
from zorky_server.runtime.sessions import OnnxSession, Session
from zorky_server.tasks.handwriting.model import load_model
from zorky_server.tasks.handwriting.picture import Limits
from zorky_server.tasks.handwriting.reader import Reader
from zorky_server.tasks.handwriting.values import ModelCall, Reading, ReadOptions, Steps

Tensor = NDArray[np.float32]


class Pipeline:
    """Reads requests. From any thread."""

    def __init__(self, cores: int) -> None:
        """cores: of each model run, and of each of OpenCV's steps."""
        cv2.setNumThreads(cores)
        model = load_model(zorky_models.ROOT / "handwriting")
        self.reader = Reader(model, Limits())
        loaded = {name: OnnxSession(getattr(model, name), cores) for name in ("detector", "recognizer")}
        self.sessions: Mapping[str, Session] = {name: _Always(one, cores > 1) for name, one in loaded.items()}

    def read(self, request: RecognizeRequest) -> RecognizeResponse:
        """One page, its model calls one by one."""
        return _response(drive(self.reader.read(request.image, ReadOptions()), self.sessions))

    def read_together(self, requests: Sequence[RecognizeRequest]) -> list[RecognizeResponse]:
        """Some pages in step: the calls of all that may share a batch share it."""
        steps = [self.reader.read(request.image, ReadOptions()) for request in requests]
        done: dict[int, Reading] = {}
        outputs: dict[int, list[Tensor] | None] = dict.fromkeys(range(len(steps)))
        while outputs:
            asked = {i: _next_calls(steps[i], given, done, i) for i, given in outputs.items()}
            outputs = self._run({i: calls for i, calls in asked.items() if i not in done})
        return [_response(done[i]) for i in range(len(steps))]

    def _run(self, asked: Mapping[int, Sequence[ModelCall]]) -> dict[int, list[Tensor] | None]:
        groups: dict[tuple[str, Hashable], list[tuple[int, int, Tensor]]] = defaultdict(list)
        for i, calls in asked.items():
            for place, call in enumerate(calls):
                groups[call.model, call.key].append((i, place, call.tensor))
        answers: dict[int, dict[int, Tensor]] = {i: {} for i in asked}
        for (model, _), members in groups.items():
            batch = self.sessions[model].run(np.stack([tensor for _, _, tensor in members]))
            for (i, place, _), answer in zip(members, batch, strict=True):
                answers[i][place] = answer
        return {i: [of_one[place] for place in sorted(of_one)] for i, of_one in answers.items()}


class _Always:
    """A session that always takes as many cores as it has."""

    device: str | None = None

    def __init__(self, session: Session, wide: bool) -> None:
        self._session = session
        self._wide = wide

    def run(self, batch: Tensor, alone: bool = False) -> Tensor:  # noqa: ARG002 (the protocol's)
        return self._session.run(batch, self._wide)


def _next_calls(steps: Steps, given: list[Tensor] | None, done: dict[int, Reading], i: int) -> Sequence[ModelCall]:
    """What a reading asks next. When it has ended, nothing, and the reading is among those done."""
    try:
        return (next(steps) if given is None else steps.send(given)).calls
    except StopIteration as end:
        done[i] = end.value
        return ()


def _response(reading: Reading) -> RecognizeResponse:
    return RecognizeResponse(result=RecognitionResult(recognition=recognition_of(reading)))
