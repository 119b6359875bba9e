"""A report's figures to messages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from zorky.v1 import report_pb2

from ..report.figures import Activity, AnswerQuality, Cohort, Conversion, FailureCount, Latency, Report


def report_of(report: Report) -> report_pb2.Report:
    """The whole report."""
    return report_pb2.Report(
        start_time=_midnight(report.start),
        end_time=_midnight(report.end),
        total=_activity_of(report.total),
        days=_activities_of(report.days),
        weeks=_activities_of(report.weeks),
        months=_activities_of(report.months),
        cohorts=[_cohort_of(one) for one in report.cohorts],
        conversion=_conversion_of(report.conversion),
        qualities=[_quality_of(one) for one in report.qualities],
        latencies=[_latency_of(one) for one in report.latencies],
        failures=[_failure_of(one) for one in report.failures],
    )


def _activities_of(activities: Iterable[Activity]) -> Iterable[report_pb2.Activity]:
    return map(_activity_of, activities)


def _activity_of(one: Activity) -> report_pb2.Activity:
    return report_pb2.Activity(
        start_time=_midnight(one.start),
        users=one.users,
        pictures=one.pictures,
        feedbacks=one.feedbacks,
        failures=one.failures,
    )


def _cohort_of(one: Cohort) -> report_pb2.Cohort:
    return report_pb2.Cohort(start_time=_midnight(one.start), users=one.users, active_users=one.active_users)


def _conversion_of(one: Conversion) -> report_pb2.Conversion:
    return report_pb2.Conversion(
        first_pictures=one.first_pictures,
        second_pictures=one.second_pictures,
        median_delay=None if one.median_delay is None else _duration(one.median_delay),
    )


def _quality_of(one: AnswerQuality) -> report_pb2.AnswerQuality:
    return report_pb2.AnswerQuality(
        language=one.language,
        model_version=one.model_version,
        answers=one.answers,
        rated_good=one.rated_good,
        rated_bad=one.rated_bad,
        corrected=one.corrected,
        mean_confidence=one.mean_confidence,
    )


def _latency_of(one: Latency) -> report_pb2.Latency:
    return report_pb2.Latency(
        model_version=one.model_version,
        answers=one.answers,
        p50=_duration(one.p50),
        p90=_duration(one.p90),
        p95=_duration(one.p95),
        p99=_duration(one.p99),
    )


def _failure_of(one: FailureCount) -> report_pb2.FailureCount:
    return report_pb2.FailureCount(method=one.method, status=one.status, reason=one.reason, count=one.count)


def _midnight(day: date) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(datetime.combine(day, time(), UTC))
    return timestamp


def _duration(span: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(span)
    return duration
