"""A service's life, drawn day by day: people who come, come back or stay away, what they say, and calls that failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from random import Random

from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from zorky_server.store.schema import failures, feedback, results

DAY = 86_400_000_000
"""Microseconds."""
VERSIONS = ("2026.2.9", "2026.11.2", "2026.11.2-tuned.3")
_FAILURES = (
    ("RecognitionService/Recognize", "UNAVAILABLE", "OVERLOADED"),
    ("RecognitionService/RecognizeStream", "INVALID_ARGUMENT", "NOT_AN_IMAGE"),
    ("RecognitionService/Recognize", "CANCELLED", ""),
    ("FeedbackService/Feedback", "NOT_FOUND", "UNKNOWN_RESULT"),
)
_AT_ONCE = 2000
"""Rows of one statement."""


@dataclass(slots=True)
class User:
    """A person; None as hash is nobody in particular."""

    hash: str | None
    sent: str = ""
    """Digest of the last picture."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One that was read. Moments are microseconds since 1970."""

    result_id: str
    moment: int
    user: str | None
    digest: str | None
    """None: from before digests were kept."""
    version: str
    language: str
    words: int
    confidence: float | None
    total_us: int
    size: int = 240_000
    """Bytes of the file."""


@dataclass(frozen=True, slots=True)
class Said:
    """A piece of feedback."""

    feedback_id: str
    result_id: str
    moment: int
    kind: str
    rating: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    """Calls of one hour since 1970 that ended alike."""

    hour: int
    client: str
    method: str
    status: str
    reason: str
    count: int


@dataclass(slots=True)
class Day:
    """What happened on a day, pictures in the order of time; what was said of them may be later."""

    pictures: list[Picture] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)


def life(draw: Random, first: date, days: int, pictures: int, users: int) -> Iterator[Day]:
    """About so many pictures of so many users, and a tenth as many pieces of feedback."""
    start = round(datetime(first.year, first.month, first.day, tzinfo=UTC).timestamp()) * 1_000_000
    known: list[User] = []
    for number in range(days):
        begin, progress = start + number * DAY, number / days
        day = Day()
        for moment in sorted(_moment(draw, begin) for _ in range(_busy(draw, begin, progress, pictures / days))):
            user = _user(draw, known, users / pictures)
            day.pictures.append(picture := _picture(draw, moment, user, progress))
            day.said += _said(draw, picture)
        day.failed = [*_failed(draw, begin)]
        yield day


async def write(connection: AsyncConnection, days: Iterator[Day]) -> tuple[int, int]:
    """Puts them into the store's tables; how many pictures, and how many pieces of feedback, that were."""
    pictures = said = 0
    for day in days:
        pictures, said = pictures + len(day.pictures), said + len(day.said)
        await _insert(connection, results, [_result_row(one) for one in day.pictures])
        await _insert(connection, feedback, [_feedback_row(one) for one in day.said])
        await _insert(connection, failures, [_failure_row(one) for one in day.failed])
    return pictures, said


async def _insert(connection: AsyncConnection, table: Table, rows: Sequence[dict[str, object]]) -> None:
    for begin in range(0, len(rows), _AT_ONCE):
        await connection.execute(insert(table), rows[begin : begin + _AT_ONCE])


def _busy(draw: Random, begin: int, progress: float, usual: float) -> int:
    """How many pictures come: more from day to day, fewer at weekends."""
    weekend = (begin // DAY + 3) % 7 >= 5
    return round(usual * (0.6 if weekend else 1.16) * (0.5 + progress) * draw.uniform(0.85, 1.15))


def _moment(draw: Random, begin: int) -> int:
    """Some come at midnight to the microsecond, some in the last one of the day."""
    chance = draw.random()
    return begin if chance < 0.002 else begin + DAY - 1 if chance < 0.004 else begin + draw.randrange(DAY)


def _user(draw: Random, known: list[User], new: float) -> User:
    """Nobody in particular, somebody new, or one of those before, lately come ones more likely."""
    chance = draw.random()
    if chance < 0.1:
        return User(None)
    if chance < 0.1 + new or not known:
        known.append(User(f"{draw.getrandbits(256):064x}"))
        return known[-1]
    return known[-1 - int(len(known) * draw.random() ** 3)]


def _picture(draw: Random, moment: int, user: User, progress: float) -> Picture:
    """One in eight sends the same bytes again. progress: of the whole time, 0 to 1; new versions come with it."""
    if not user.sent or draw.random() > 0.125:
        user.sent = _name(draw)
    version = VERSIONS[min(int(len(VERSIONS) * progress + 0.1 * draw.random()), len(VERSIONS) - 1)]
    language = draw.choices(("ru", "en", ""), (70, 25, 5))[0]
    words = draw.randint(1, 80) if language else 0
    confidence = draw.betavariate(8, 2) if words else None
    seconds = draw.lognormvariate(-1.7, 0.5)
    return Picture(_name(draw), moment, user.hash, user.sent, version, language, words, confidence, int(seconds * 1e6))


def _said(draw: Random, picture: Picture) -> Iterator[Said]:
    """Ratings, which people change, and corrections, which they repeat."""
    moment = picture.moment
    while draw.random() < 0.09:
        moment += 1 + int(draw.expovariate(1 / DAY))
        kind = draw.choices(("rating", "text", "words", "missed"), (70, 8, 17, 5))[0]
        rating = ("bad" if draw.random() < 0.2 else "good") if kind == "rating" else None
        yield Said(_name(draw), picture.result_id, moment, kind, rating)


def _failed(draw: Random, begin: int) -> Iterator[Failed]:
    for hour in range(24):
        for method, status, reason in draw.sample(_FAILURES, draw.choice((0, 0, 0, 0, 0, 0, 0, 0, 1, 2))):
            client = draw.choice(("zorky-python/0.1.0", "grpc-node-js/1.14.0"))
            yield Failed(begin // DAY * 24 + hour, client, method, status, reason, draw.randint(1, 9))


def _name(draw: Random) -> str:
    return f"{draw.getrandbits(128):032x}"


def _result_row(one: Picture) -> dict[str, object]:
    return {
        "result_id": one.result_id, "created_at": one.moment, "expires_at": one.moment + 30 * DAY,
        "user_hash": one.user, "client": "zorky-python/0.1.0", "model": "handwriting", "model_version": one.version,
        "model_sha256": "ab" * 32, "calibration": "c1", "image_bytes": one.size, "image_digest": one.digest,
        "width": 4000, "height": 3000, "language": one.language, "words": one.words, "confidence": one.confidence,
        "total_us": one.total_us, "timings": {"decode": 0.02, "detect": 0.06, "recognize": 0.07, "total": 0.16},
        "words_per_line": [8] * (one.words // 8),
    }  # fmt: skip


def _feedback_row(one: Said) -> dict[str, object]:
    return {
        "feedback_id": one.feedback_id, "request_id": one.feedback_id, "fingerprint": "cd" * 32,
        "result_id": one.result_id, "created_at": one.moment, "kind": one.kind, "rating": one.rating,
        "content": {"rating": one.rating, "text": None, "words": None, "comment": ""}, "allow_training": False,
    }  # fmt: skip


def _failure_row(one: Failed) -> dict[str, object]:
    return {
        "hour": one.hour, "client": one.client, "method": one.method, "status": one.status, "reason": one.reason,
        "count": one.count,
    }  # fmt: skip
