"""What goes into the store, what comes back, and what it refuses.

StoreRefusal
├── UnknownResult     no such result, or it has expired
├── RequestIdReused   the request id was used before with other content
└── NoSuchWord        a correction names a word that the result does not have
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """What the caller allowed to keep until feedback comes."""

    image: bytes
    """The file as it was uploaded."""
    reading: str
    """JSON of the contract's Recognition."""


@dataclass(frozen=True, slots=True)
class ResultRecord:
    """That a result was given."""

    result_id: str
    user_key: str
    """The caller's pseudonym for a person; only its keyed hash is kept. Empty: nobody in particular."""
    model: str
    model_version: str
    model_sha256: str
    calibration: str
    image_bytes: int
    width: int
    height: int
    timings: Mapping[str, float]
    """Seconds by stage."""
    words_per_line: tuple[int, ...]
    kept: KeptPicture | None = None


@dataclass(frozen=True, slots=True)
class WordCorrection:
    """The right text of word `word` of line `line`, both counted from 0."""

    line: int
    word: int
    text: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a person says of a result: a rating, the whole text or single words; the other two are None."""

    request_id: str
    result_id: str
    rating: Literal["good", "bad"] | None = None
    text: str | None = None
    words: tuple[WordCorrection, ...] | None = None
    comment: str = ""
    allow_training: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """Feedback is on disk."""

    feedback_id: str
    created_at: int
    """Microseconds since 1970, UTC."""


class StoreRefusal(Exception):
    """The store did not take what it was given; the caller is at fault."""


class UnknownResult(StoreRefusal):
    """Raised when no such result was given, or it has expired."""


class RequestIdReused(StoreRefusal):
    """Raised when the request id was used before with other content."""


class NoSuchWord(StoreRefusal):
    """Raised when correction number `index` names a word that the result does not have."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index
