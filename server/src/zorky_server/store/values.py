"""What goes into the store, what comes back, and what it refuses.

CannotOpen              the store cannot be opened
StoreUnreachable        the database or the place of pictures cannot be reached for now
StillRead               data is deleted, but copies stay in files for now
StoreRefusal            the caller is at fault
├── UnknownResult     no such result, or it has expired
├── RequestIdReused   the request id was used before with other content
├── NoSuchWord        a correction names a word that the result does not have
└── OutsidePicture    a missed line stands outside the picture
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Quad = tuple[float, float, float, float, float, float, float, float]
"""x and y of the top-left, top-right, bottom-right and bottom-left corner, in pixels of the picture as it is viewed."""
Verdict = Literal["promoted", "refused", "rolled back"]


@dataclass(frozen=True, slots=True)
class StorePlace:
    """Where a store is. What is not told is in the folder."""

    folder: Path
    """Made on first use."""
    database: str | None = field(default=None, repr=False)
    """postgresql://USER@HOST/NAME; None: a file of SQLite's."""
    pictures: str | None = field(default=None, repr=False)
    """Folder or URL of fsspec's, for example s3://BUCKET/PREFIX."""
    secret_file: Path | None = None
    """File of the secret that hashes are made with; made on first use."""

    @property
    def file(self) -> Path:
        """Of SQLite's, where there is no `database`."""
        return self.folder / "zorky.sqlite3"


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
    image: bytes
    """The file as it was uploaded. Only its size and keyed digest are kept, unless there is `kept`."""
    width: int
    height: int
    timings: Mapping[str, float]
    """Seconds by stage, and their "total"."""
    words_per_line: tuple[int, ...]
    confidence: float | None
    """Mean of the words' confidences; None without words."""
    client: str = ""
    """Which program asked, at most 64 characters."""
    language: str = ""
    """Of most of the text: "ru", "en" or empty."""
    kept: str | None = None
    """JSON of the contract's Recognition, to be kept with the picture until feedback comes; None where the caller
    allowed neither."""


@dataclass(frozen=True, slots=True)
class WordCorrection:
    """The right text of word `word` of line `line`, both counted from 0."""

    line: int
    word: int
    text: str


@dataclass(frozen=True, slots=True)
class MissedLine:
    """A line that the result does not have."""

    quad: Quad
    text: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a person says of a result: a rating, the whole text, single words or missed lines; the others are None."""

    request_id: str
    result_id: str
    rating: Literal["good", "bad"] | None = None
    text: str | None = None
    words: tuple[WordCorrection, ...] | None = None
    missed: tuple[MissedLine, ...] | None = None
    comment: str = ""
    allow_training: bool = False

    @property
    def kind(self) -> Literal["rating", "text", "words", "missed"]:
        """Which of the four it is."""
        if self.rating is not None:
            return "rating"
        if self.text is not None:
            return "text"
        return "words" if self.words is not None else "missed"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Feedback is on disk."""

    feedback_id: str
    created_at: int
    """Microseconds since 1970, UTC."""


@dataclass(frozen=True, slots=True)
class Consented:
    """Feedback that may be used for training, with the reading that it is about. The picture is kept, too."""

    feedback_id: str
    result_id: str
    user_hash: str | None
    created_at: int
    """Of the feedback, microseconds since 1970, UTC."""
    model_version: str
    reading: str
    """JSON of the contract's Recognition."""
    image_sha256: str
    feedback: Feedback


@dataclass(frozen=True, slots=True)
class Deleted:
    """How much was deleted."""

    results: int = 0
    pictures: int = 0
    feedbacks: int = 0

    def __add__(self, other: Deleted) -> Deleted:
        return Deleted(self.results + other.results, self.pictures + other.pictures, self.feedbacks + other.feedbacks)


@dataclass(frozen=True, slots=True)
class Failure:
    """How and when a call ended that was not answered with OK."""

    hour: int
    """Hours since 1970, UTC."""
    method: str
    """For example "RecognitionService/Recognize", at most 64 characters."""
    client: str
    """Which program asked, at most 64 characters."""
    status: str
    """Name of the gRPC status, for example "UNAVAILABLE"."""
    reason: str
    """Stable reason, for example "OVERLOADED"; may be empty."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """What became of a model that was to serve."""

    created_at: int
    """Microseconds since 1970, UTC."""
    model: str
    version: str
    sha256: str
    """Of its manifest."""
    before: str
    """The version that served before."""
    verdict: Verdict
    reason: str
    figures: Mapping[str, Any]
    """What the verdict rests on; JSON."""


class CannotOpen(Exception):
    """Raised when a store cannot be opened; the message tells what to do."""


class StoreUnreachable(OSError):
    """Raised when the database, or the place of pictures, cannot be reached for now."""


class StillRead(Exception):
    """Raised when data is deleted, but copies stay in files for now; the message tells what to do."""


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


class OutsidePicture(StoreRefusal):
    """Raised when missed line number `index` has a corner outside the picture."""

    def __init__(self, index: int, message: str) -> None:
        super().__init__(message)
        self.index = index
