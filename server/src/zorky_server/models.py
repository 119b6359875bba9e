"""The models that serve, and their replacement while requests run.

A request keeps the model that it began with, reader and sessions together; what no request holds any more is unloaded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import structlog

from .metrics import Metrics
from .process import return_memory
from .runtime.engine import drive
from .runtime.providers import ProviderMissing
from .runtime.sessions import OnnxSession, Session
from .settings import Settings
from .tasks.handwriting.model import BadModel, load_model
from .tasks.handwriting.picture import Limits
from .tasks.handwriting.reader import Reader, warm_up_picture
from .tasks.handwriting.values import ReadOptions

log = structlog.get_logger("zorky.models")


@dataclass(frozen=True, slots=True)
class Loaded:
    """One model: how it reads, and the sessions that it calls, by name."""

    reader: Reader
    sessions: Mapping[str, Session]


class Models:
    """The model that serves now."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        """Loads settings.models_dir and warms it up. Raises BadModel."""
        self._settings = settings
        self._metrics = metrics
        self._replacing = asyncio.Lock()
        self.current = _loaded(settings)
        self._metrics.model(self.current.reader.identity)

    async def reload(self) -> None:
        """Loads settings.models_dir anew, warms it up and lets it serve; where it cannot, the one before goes on."""
        async with self._replacing:
            try:
                loaded = await asyncio.to_thread(_loaded, self._settings)
            except (BadModel, ProviderMissing) as error:
                self._metrics.reloaded("refused")
                log.error("the new model is refused, the one before goes on", reason=str(error))
                return
            before, self.current = self.current.reader.identity.version, loaded
            self._metrics.model(loaded.reader.identity)
            self._metrics.reloaded("switched")
            log.info("model", version=loaded.reader.identity.version, before=before)
        await asyncio.to_thread(return_memory)


def _loaded(settings: Settings) -> Loaded:
    """Every file is compared with the SHA-256 that its manifest names, and every stage runs once."""
    model = load_model(settings.models_dir / "handwriting")
    try:
        sessions = {
            name: OnnxSession(path, settings.workers, settings.provider)
            for name, path in (("detector", model.detector), ("recognizer", model.recognizer))
        }
    except ProviderMissing:
        raise
    except Exception as error:  # ONNX Runtime has no base class of its own for what it raises
        raise BadModel(f"ONNX Runtime cannot load {settings.models_dir}: {error}") from error
    reader = Reader(model, Limits())
    _warm_up(reader, sessions)
    return Loaded(reader, sessions)


def _warm_up(reader: Reader, sessions: Mapping[str, Session]) -> None:
    try:
        for alone in (False, True):
            reading = drive(reader.read(warm_up_picture(), ReadOptions()), sessions, alone)
        if sessions["recognizer"].device:  # on a core the first run of a shape takes no longer than the second
            for call in reader.bucket_calls():
                sessions[call.model].run(call.tensor[np.newaxis])
    except Exception as error:  # whatever a model does that does not fit: it must not serve
        raise BadModel(f"the model fails at its warm-up: {error}") from error
    if not reading.lines:
        raise BadModel("the model finds no text in the picture drawn to warm up")
