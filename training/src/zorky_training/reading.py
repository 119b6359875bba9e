"""What a system reads in a picture, and Zorky as one system: the code and the sessions that serve, in one process."""

from __future__ import annotations

import resource
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from zorky_server.runtime.engine import drive
from zorky_server.runtime.sessions import OnnxSession
from zorky_server.tasks.handwriting.calibration import Calibration, word_scores
from zorky_server.tasks.handwriting.model import HandwritingModel
from zorky_server.tasks.handwriting.picture import Limits
from zorky_server.tasks.handwriting.reader import Reader
from zorky_server.tasks.handwriting.values import Layout, ReadOptions

from .samples import Sample

Scores = tuple[float, float]
"""Of a word: see `calibration.word_scores`."""


@dataclass(frozen=True)
class ReadWord:
    """A word as it was served. line: number of its line in the picture. scores: what its confidence was made
    from."""

    text: str
    line: int
    scores: Scores
    confidence: float


@dataclass(frozen=True)
class Read:
    """What one system read in one picture. seconds: of a core, waiting not counted. words: of Zorky alone."""

    sample: Sample
    text: str
    seconds: float
    words: Sequence[ReadWord] = ()


class System(Protocol):
    """Something that reads pictures."""

    name: str

    def reads(self, layout: Layout) -> bool:
        """Whether it takes pictures of this layout."""
        ...

    def read(self, sample: Sample) -> Read:
        """Reads the sample's file, without a look at its truth."""
        ...


class Zorky:
    """Reads as the server does, one picture at a time on one core."""

    def __init__(self, model: HandwritingModel) -> None:
        self.name, self.identity = "Zorky", model.identity
        self._scores = _Recorder(**{name: getattr(model.calibration, name) for name in ("id", "word", "line")})
        self._reader = Reader(replace(model, calibration=self._scores), Limits())
        self._sessions = {part: OnnxSession(getattr(model, part), 1) for part in ("detector", "recognizer")}

    def reads(self, layout: Layout) -> bool:
        return layout in Layout

    def read(self, sample: Sample) -> Read:
        self._scores.asked.clear()
        started = cpu_seconds()
        reading = drive(self._reader.read(sample.file, ReadOptions(layout=sample.layout)), self._sessions)
        seconds = cpu_seconds() - started
        words = [(number, word) for number, line in enumerate(reading.lines) for word in line.words]
        served = tuple(
            ReadWord(word.text, number, scores, word.confidence)
            for (number, word), scores in zip(words, self._scores.asked, strict=True)
        )
        return Read(sample, reading.text, seconds, served)


@dataclass(frozen=True)
class _Recorder(Calibration):
    """A calibration that remembers the scores it was asked about, in the order of the words."""

    asked: list[Scores] = field(default_factory=list)

    def word_confidence(self, share: float, path_log: float, letters: int) -> float:
        self.asked.append(word_scores(share, path_log, letters))
        return super().word_confidence(share, path_log, letters)


def cpu_seconds() -> float:
    """Seconds that this process and those it has waited for spent on a core: other work on the machine adds nothing."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def model_with(model: HandwritingModel, recognizer: Path | None) -> HandwritingModel:
    """The model, with another recogniser where one is given."""
    return replace(model, recognizer=recognizer) if recognizer else model
