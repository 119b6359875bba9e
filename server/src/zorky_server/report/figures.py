"""What a report says: the contract's Report as values. Days, weeks (Monday to Sunday) and months are those of UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Activity:
    """What happened in one period."""

    start: date
    """Its first day. A week or month that the span cuts begins before it, but is counted within the span alone."""
    users: int
    """Who had at least one picture read."""
    pictures: int
    feedbacks: int
    failures: int
    """Calls that were not answered with OK."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """Users whose first picture ever came in the same week, before the span's end."""

    start: date
    """Monday of the week."""
    users: int
    active_users: tuple[int, ...]
    """How many of them had a picture read in the week itself (all), the next one, and so on to the span's last."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """From the first picture to the second."""

    first_pictures: int
    """Users whose first picture ever was in the span."""
    second_pictures: int
    """How many of them sent another one, with other bytes, before the span's end."""
    median_delay: timedelta | None
    """Half of those did so within this time. None where nobody did."""

    @property
    def share(self) -> float | None:
        """Who sent a second picture, of those who sent a first: 0 to 1. None where nobody did."""
        return share(self.second_pictures, self.first_pictures)


@dataclass(frozen=True, slots=True)
class AnswerQuality:
    """What people said, at any time, of the span's answers in one language by one version of a model."""

    language: str
    """Of most letters, as a BCP 47 code. Empty where the text has none, as in a page of digits, and in records from
    before languages were kept."""
    model_version: str
    answers: int
    rated_good: int
    """Answers whose last rating is good."""
    rated_bad: int
    corrected: int
    """Answers that were corrected at least once: text, words or missed lines."""
    mean_confidence: float | None
    """Of the words of all answers, 0 to 1. None where no answer has one."""

    @property
    def good_share(self) -> float | None:
        """Of the answers that were rated, 0 to 1. None where none were."""
        return share(self.rated_good, self.rated_good + self.rated_bad)

    @property
    def corrected_share(self) -> float | None:
        """Of all answers, 0 to 1. None where there are none."""
        return share(self.corrected, self.answers)


@dataclass(frozen=True, slots=True)
class Latency:
    """How long answers by one version of a model took, from arrival to the finished answer, in whole milliseconds."""

    model_version: str
    answers: int
    p50: timedelta
    """The least time that at least 50 percent of the answers do not exceed; the others alike."""
    p90: timedelta
    p95: timedelta
    p99: timedelta


@dataclass(frozen=True, slots=True)
class FailureCount:
    """Calls that ended alike. Pictures of a stream count as calls."""

    method: str
    """For example RecognitionService/Recognize."""
    status: str
    """Name of the gRPC status."""
    reason: str
    """Empty where the caller left or did not wait long enough."""
    count: int


@dataclass(frozen=True, slots=True)
class Report:
    """What people did with the service from the day `start` until before the day `end`."""

    start: date
    end: date
    total: Activity
    days: tuple[Activity, ...]
    weeks: tuple[Activity, ...]
    months: tuple[Activity, ...]
    cohorts: tuple[Cohort, ...]
    conversion: Conversion
    qualities: tuple[AnswerQuality, ...]
    latencies: tuple[Latency, ...]
    failures: tuple[FailureCount, ...]


def share(part: int, whole: int) -> float | None:
    """0 to 1. None where there is no whole."""
    return part / whole if whole else None


def retention(cohorts: Sequence[Cohort]) -> list[float | None]:
    """Which part of the users came back, by weeks since their first: 0 to 1, and 1 for the first week itself.

    Of every cohort that got so far. None where those have no users.
    """
    return [
        share(sum(one.active_users[week] for one in reached), sum(one.users for one in reached))
        for week in range(len(cohorts))
        if (reached := [one for one in cohorts if len(one.active_users) > week])
    ]
