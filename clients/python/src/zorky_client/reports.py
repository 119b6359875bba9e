"""What the owner of a server asks it: figures of its use, and what was deleted. Moments in UTC, spans in seconds."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from zorky.v1 import admin_service_pb2, report_pb2


@dataclass(frozen=True, slots=True)
class Activity:
    """What happened in one period."""

    start: datetime
    users: int
    """Users who had at least one picture read."""
    pictures: int
    feedbacks: int
    failures: int
    """Calls that were not answered with OK."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Users whose first picture ever came in one week."""

    start: datetime
    users: int
    active_users: tuple[int, ...]
    """How many of them came in the week itself, the next one, and so on."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """From the first picture to the second."""

    first_pictures: int
    """Users whose first picture ever was in the span."""
    second_pictures: int
    """How many of them sent another one."""
    median_delay: float | None
    """None where nobody sent another one."""


@dataclass(frozen=True, slots=True)
class AnswerQuality:
    """What people said of answers in one language by one version of a model."""

    language: str
    """BCP 47 code; empty where the text has no letters, or the language was not kept."""
    model_version: str
    answers: int
    rated_good: int
    rated_bad: int
    corrected: int
    mean_confidence: float | None
    """None where no answer has one."""


@dataclass(frozen=True, slots=True)
class Latency:
    """How long answers by one version of a model took: percentiles."""

    model_version: str
    answers: int
    p50: float
    p90: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class FailureCount:
    """Calls that ended alike."""

    method: str
    status: str
    reason: str
    """Stable, for programs; empty where the caller left or did not wait long enough."""
    count: int


@dataclass(frozen=True, slots=True)
class Report:
    """What people did with a server from `start` until before `end`. The contract's Report says how it is counted."""

    start: datetime
    end: datetime
    total: Activity
    days: tuple[Activity, ...]
    weeks: tuple[Activity, ...]
    months: tuple[Activity, ...]
    cohorts: tuple[Cohort, ...]
    conversion: Conversion
    qualities: tuple[AnswerQuality, ...]
    latencies: tuple[Latency, ...]
    failures: tuple[FailureCount, ...]
    message: report_pb2.Report = field(repr=False, compare=False)
    """The same as it came over the wire."""


@dataclass(frozen=True, slots=True)
class DeletedData:
    """How much was deleted of one person's data."""

    results: int
    pictures: int
    feedbacks: int


def report(response: admin_service_pb2.GetReportResponse) -> Report:
    """The values of a report."""
    said = response.report
    return Report(
        start=_moment(said.start_time),
        end=_moment(said.end_time),
        total=_activity(said.total),
        days=tuple(map(_activity, said.days)),
        weeks=tuple(map(_activity, said.weeks)),
        months=tuple(map(_activity, said.months)),
        cohorts=tuple(Cohort(_moment(one.start_time), one.users, tuple(one.active_users)) for one in said.cohorts),
        conversion=_conversion(said.conversion),
        qualities=tuple(map(_quality, said.qualities)),
        latencies=tuple(map(_latency, said.latencies)),
        failures=tuple(FailureCount(one.method, one.status, one.reason, one.count) for one in said.failures),
        message=said,
    )


def deleted(response: admin_service_pb2.DeleteUserDataResponse) -> DeletedData:
    """The values of a deletion."""
    return DeletedData(response.results, response.pictures, response.feedbacks)


def _activity(one: report_pb2.Activity) -> Activity:
    return Activity(_moment(one.start_time), one.users, one.pictures, one.feedbacks, one.failures)


def _conversion(one: report_pb2.Conversion) -> Conversion:
    delay = _seconds(one.median_delay) if one.HasField("median_delay") else None
    return Conversion(one.first_pictures, one.second_pictures, delay)


def _quality(one: report_pb2.AnswerQuality) -> AnswerQuality:
    confidence = one.mean_confidence if one.HasField("mean_confidence") else None
    counts = (one.answers, one.rated_good, one.rated_bad, one.corrected)
    return AnswerQuality(one.language, one.model_version, *counts, confidence)


def _latency(one: report_pb2.Latency) -> Latency:
    return Latency(one.model_version, one.answers, *map(_seconds, (one.p50, one.p90, one.p95, one.p99)))


def _moment(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(tzinfo=UTC)


def _seconds(duration: Duration) -> float:
    return duration.ToTimedelta().total_seconds()
