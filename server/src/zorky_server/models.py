"""The models that serve, and their replacement while requests run.

A request keeps the model that it began with, reader and sessions together; what no request holds any more is unloaded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import structlog

from .following import TASK, Followed
from .metrics import Metrics
from .process import return_memory
from .registry import Current, RegistryError, RegistryUnreachable
from .runtime.engine import drive
from .runtime.providers import ProviderMissing
from .runtime.sessions import OnnxSession, Session
from .settings import Settings
from .tasks.handwriting.model import BadModel, load_model
from .tasks.handwriting.picture import Limits
from .tasks.handwriting.reader import Reader, warm_up_picture
from .tasks.handwriting.values import ReadOptions

log = structlog.get_logger("zorky.models")

_REFUSALS = (BadModel, ProviderMissing, RegistryError)
"""Why what shall serve cannot."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """One model: how it reads, and the sessions that it calls, by name."""

    reader: Reader
    sessions: Mapping[str, Session]


class Models:
    """The model that serves now."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        """Loads the model that shall serve and warms it up: the current one of settings.registry, else that of
        settings.models_dir. Where the registry's cannot serve, an earlier one does.

        Raises BadModel, ProviderMissing, or RegistryUnreachable where settings.registry can never be used.
        """
        self._settings = settings
        self._metrics = metrics
        self._replacing = asyncio.Lock()
        self._refused: Current | None = None
        self._followed: Followed | None = None
        if settings.registry:
            self._followed = Followed(settings.registry, settings.data_dir / "models")
        self.current = self._first()
        self._metrics.model(self.current.reader.identity)

    async def reload(self) -> bool:
        """Loads what shall serve now, warms it up and lets it serve. Returns whether that is another model than before.
        Raises BadModel with the reason where it cannot; the one before goes on."""
        try:
            return await self._replace()
        except _REFUSALS as error:
            self._tell(error)
            raise BadModel(str(error)) from error

    async def follow(self) -> None:
        """Looks into the registry every settings.registry_poll seconds, for ever, and lets what was promoted serve.

        A version that was refused is not tried again until another one is promoted. Without a registry it returns.
        """
        told = ""
        while self._followed:
            await asyncio.sleep(self._settings.registry_poll)
            try:
                if self._is_news(await asyncio.to_thread(self._followed.current)):
                    await self._replace()
                told = ""
            except _REFUSALS as error:
                if str(error) != told:  # a registry may be gone for hours
                    self._tell(error)
                told = str(error)
            except Exception:  # whatever it is, the next look may go well
                log.exception("looking for a new model failed")

    async def _replace(self) -> bool:
        async with self._replacing:
            before = self.current.reader.identity
            self.current = await asyncio.to_thread(self._wanted)
            identity = self.current.reader.identity
            is_other = identity.sha256 != before.sha256
            if is_other:
                self._metrics.model(identity)
                self._metrics.reloaded("switched")
                log.info("model", version=identity.version, before=before.version)
        await asyncio.to_thread(return_memory)
        return is_other

    def _tell(self, error: Exception) -> None:
        if isinstance(error, RegistryUnreachable):
            log.warning("the registry cannot be used, the model before goes on", reason=str(error))
        else:
            self._metrics.reloaded("refused")
            log.error("the new model is refused, the one before goes on", reason=str(error))

    def _is_news(self, current: Current | None) -> bool:
        """Whether the registry wants another model than the one that serves, and than the one that was refused."""
        if current is None or current == self._refused:
            return False
        self._refused = None
        return current.sha256 != self.current.reader.identity.sha256

    def _wanted(self) -> Loaded:
        """What shall serve. Raises BadModel, ProviderMissing or RegistryError."""
        current = self._followed.current() if self._followed else None
        if self._followed is None or current is None:
            return _loaded(self._settings.models_dir / TASK, self._settings)
        try:
            loaded = _loaded(self._followed.fetch(current), self._settings)
        except RegistryUnreachable:
            raise
        except _REFUSALS:
            self._refused = current
            raise
        self._followed.serves(current)
        return loaded

    def _first(self) -> Loaded:
        """What shall serve; where the registry has it and it cannot, what served last; else that of models_dir."""
        if self._followed is None:
            return self._wanted()
        try:
            return self._wanted()
        except (BadModel, RegistryError) as error:
            self._tell(error)
        try:
            if folder := self._followed.last_served():
                return _loaded(folder, self._settings)
        except (BadModel, RegistryError) as error:
            log.warning("the version that served last is gone, that of models_dir does", reason=str(error))
        return _loaded(self._settings.models_dir / TASK, self._settings)


def _loaded(folder: Path, settings: Settings) -> Loaded:
    """Every file is compared with the SHA-256 that its manifest names, and every stage runs once."""
    model = load_model(folder)
    try:
        sessions = {
            name: OnnxSession(path, settings.workers, settings.provider)
            for name, path in (("detector", model.detector), ("recognizer", model.recognizer))
        }
    except ProviderMissing:
        raise
    except Exception as error:  # ONNX Runtime has no base class of its own for what it raises
        raise BadModel(f"ONNX Runtime cannot load {folder}: {error}") from error
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
