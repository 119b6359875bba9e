"""The values of reading handwriting: what goes in, what comes out, what can be wrong. No transport, no models."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""(H, W, 3) RGB."""

Quad = NDArray[np.float32]
"""(4, 2) corners x, y in pixels, clockwise from the text's own top-left corner."""


class Layout(Enum):
    """What a picture shows."""

    PAGE = "page"
    LINE = "line"
    WORD = "word"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read one picture."""

    layout: Layout = Layout.PAGE
    languages: tuple[str, ...] = ()
    """BCP 47 codes; empty means all that the model knows."""
    max_alternatives: int = 0
    min_confidence: float = 0.0


class WarningCode(Enum):
    """What the caller should know about a good result; the names are the contract's."""

    DOWNSCALED = "downscaled"
    LOW_RESOLUTION = "low_resolution"
    NOTHING_FOUND = "nothing_found"
    TURNED = "turned"


@dataclass(frozen=True, slots=True)
class Notice:
    """One warning: a code for programs, an English sentence for people."""

    code: WarningCode
    message: str


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another reading of a word and the calibrated probability that it is right."""

    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Word:
    """One word; quad in pixels of the picture as it is viewed."""

    text: str
    quad: Quad
    confidence: float
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One line, its words in reading order, at least one."""

    quad: Quad
    confidence: float
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The words separated by one space."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Reading:
    """All that was read in one picture of width x height pixels, as it is viewed."""

    width: int
    height: int
    rotation: int
    """Quarter turns clockwise in degrees that make the text upright: 0, 90, 180 or 270."""
    skew: float | None
    """Slope of the lines after that turn in degrees, positive where they fall to the right; None without lines."""
    lines: tuple[Line, ...]
    warnings: tuple[Notice, ...] = ()

    @property
    def text(self) -> str:
        """The lines separated by line feeds."""
        return "\n".join(line.text for line in self.lines)


class BadPicture(ValueError):
    """The picture cannot be read as one: the caller must send another. `reason` is stable, for programs."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One item for a model. Items of equal `model` and `key` may share a batch."""

    model: str
    key: Hashable
    cost: int
    """Padded pixels: what a batch's budget counts."""
    used: int
    """Pixels that are not padding."""
    tensor: NDArray[np.float32]
    """The model's input without the batch dimension."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a reading yields: run these, then go on. `stage` names the work done since the last answer and this run."""

    stage: str
    calls: Sequence[ModelCall] = ()


Outputs = Sequence[NDArray[np.float32]]
"""What the models answered: one output for each call of an Ask, in its order."""

Steps = Generator[Ask, Outputs, Reading]
"""A reading in progress: yields what the models shall run, is sent their outputs in order, returns the reading."""
