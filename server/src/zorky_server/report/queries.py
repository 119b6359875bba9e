"""The statements behind a report. The database counts; what comes back is about as long as the report."""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import BigInteger, ColumnElement, Subquery, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ..store.schema import failures, feedback, results
from .figures import Activity, AnswerQuality, Cohort, Conversion, FailureCount, Latency, Report
from .span import DAY, MONDAY, Span, calendar_day

_HOURS = 24
_PERCENTILES = (50, 90, 95, 99)
_CORRECTIONS = ("text", "words", "missed")

_day = results.c.created_at // DAY


async def make_report(connection: AsyncConnection, start: int, end: int) -> Report:
    """Counts what happened from `start` until before `end`, in microseconds since 1970, both widened to whole days.

    The figures fit each other where the connection shows one state of the store, as that of `Store.snapshot` does.
    Raises BadSpan.
    """
    span = Span.around(start, end)
    total, days, weeks, months = await _activities(connection, span)
    return Report(
        start=calendar_day(span.first),
        end=calendar_day(span.end),
        total=total[0],
        days=days,
        weeks=weeks,
        months=months,
        cohorts=await _cohorts(connection, span),
        conversion=await _conversion(connection, span),
        qualities=await answer_qualities(connection, span),
        latencies=await _latencies(connection, span),
        failures=await _failures(connection, span),
    )


async def _activities(connection: AsyncConnection, span: Span) -> list[tuple[Activity, ...]]:
    """Of the span as one period, of its days, its weeks and its months."""
    pictures = await _by_day(connection, results.c.created_at, func.count(), DAY, span)
    feedbacks = await _by_day(connection, feedback.c.created_at, func.count(), DAY, span)
    failed = await _by_day(connection, failures.c.hour, func.sum(failures.c["count"]), _HOURS, span)
    kinds = ([span.first], span.days(), span.weeks(), span.months())
    found = []
    for starts, users in zip(kinds, await _users(connection, span), strict=True):
        counts = [_added_up(days, starts) for days in (users, pictures, feedbacks, failed)]
        periods = (
            Activity(calendar_day(day), *(count[number] for count in counts)) for number, day in enumerate(starts)
        )
        found.append(tuple(periods))
    return found


async def _users(connection: AsyncConnection, span: Span) -> list[dict[int, int]]:
    """By number of the day: users whose picture of that day is their first of the span, of the day itself, of its week
    and of its month. Each user of a period is counted on one of its days, so that days can be added up."""
    user, moment = results.c.user_hash, results.c.created_at
    before = func.lag(moment, type_=BigInteger).over(partition_by=user, order_by=moment)
    came = (
        select(_day.label("day"), (before // DAY).label("before")).where(_answered(span), user.is_not(None)).subquery()
    )
    day, last_day = came.c.day, came.c.before
    month = case(*reversed([(day >= start, start) for start in span.months()]))
    first = (last_day.is_(None), last_day < day, last_day < day - (day + MONDAY) % 7, last_day < month)
    counts = (func.count(case((or_(last_day.is_(None), one), 1))) for one in first)
    rows = (await connection.execute(select(day, *counts).group_by(day))).all()
    return [{row[0]: row[kind] for row in rows} for kind in range(1, len(first) + 1)]


async def _by_day(
    connection: AsyncConnection, moment: ColumnElement[int], count: ColumnElement[int], a_day: int, span: Span
) -> dict[int, int]:
    """Counts by number of the day. a_day: how many units of `moment` it has."""
    within = (moment >= span.first * a_day, moment < span.end * a_day)
    rows = await connection.execute(select((moment // a_day).label("day"), count).where(*within).group_by("day"))
    return {day: int(counted) for day, counted in rows}


def _added_up(days: dict[int, int], starts: Sequence[int]) -> Counter[int]:
    """Counts by number of the period."""
    found = Counter[int]()
    for day, count in days.items():
        found[bisect(starts, day) - 1] += count
    return found


def _answered(span: Span) -> ColumnElement[bool]:
    """Whether a result is of the span."""
    start, end = span.microseconds
    return and_(results.c.created_at >= start, results.c.created_at < end)


def _firsts() -> Subquery:
    """Every user's first picture ever."""
    first = select(results.c.user_hash, func.min(results.c.created_at).label("moment"))
    return first.where(results.c.user_hash.is_not(None)).group_by(results.c.user_hash).subquery("firsts")


async def _cohorts(connection: AsyncConnection, span: Span) -> tuple[Cohort, ...]:
    """Whole weeks even where the span begins within one; nothing after the span's end."""
    mondays, (_, end), firsts = span.weeks(), span.microseconds, _firsts()
    weeks = (
        select(
            firsts.c.user_hash,
            ((firsts.c.moment // DAY - mondays[0]) // 7).label("cohort"),
            ((_day - mondays[0]) // 7).label("week"),
        )
        .join_from(firsts, results, firsts.c.user_hash == results.c.user_hash)
        .where(firsts.c.moment >= mondays[0] * DAY, firsts.c.moment < end, results.c.created_at < end)
        .distinct()
        .subquery()
    )
    came = select(weeks.c.cohort, weeks.c.week, func.count()).group_by(weeks.c.cohort, weeks.c.week)
    users = {(cohort, week): count for cohort, week, count in await connection.execute(came)}
    return tuple(
        Cohort(
            calendar_day(monday),
            users.get((cohort, cohort), 0),
            tuple(users.get((cohort, week), 0) for week in range(cohort, len(mondays))),
        )
        for cohort, monday in enumerate(mondays)
    )


async def _conversion(connection: AsyncConnection, span: Span) -> Conversion:
    (start, end), firsts, another = span.microseconds, _firsts(), results.alias("another")
    # Results from before digests were kept have none; pictures of different sizes differ all the same.
    other_bytes = or_(another.c.image_digest != results.c.image_digest, another.c.image_bytes != results.c.image_bytes)
    second = (
        select(func.min(another.c.created_at))
        .where(another.c.user_hash == firsts.c.user_hash, other_bytes)
        .where(another.c.created_at >= firsts.c.moment, another.c.created_at < end)
        .scalar_subquery()
    )
    is_first = and_(results.c.user_hash == firsts.c.user_hash, results.c.created_at == firsts.c.moment)
    delays = (
        select(func.min(second - firsts.c.moment).label("delay"))
        .join_from(firsts, results, is_first)
        .where(firsts.c.moment >= start, firsts.c.moment < end)
        .group_by(firsts.c.user_hash)
        .subquery()
    )
    delay = delays.c.delay
    ranked = select(
        delay,
        func.count().over().label("firsts"),
        func.count(delay).over().label("seconds"),
        func.row_number().over(order_by=delay.nulls_last()).label("rank"),
    ).subquery()
    half = case((2 * ranked.c.rank >= ranked.c.seconds, ranked.c.delay))
    statement = select(func.max(ranked.c.firsts), func.max(ranked.c.seconds), func.min(half))
    first_pictures, second_pictures, median = (await connection.execute(statement)).one()
    delay_of_half = None if median is None else timedelta(microseconds=median)
    return Conversion(first_pictures or 0, second_pictures or 0, delay_of_half)


def _said() -> Subquery:
    """What was said of each result: when it was last rated good and last rated bad, and whether it was corrected."""
    table = feedback.c
    return (
        select(
            table.result_id,
            func.coalesce(func.max(case((table.rating == "good", table.created_at))), 0).label("good"),
            func.coalesce(func.max(case((table.rating == "bad", table.created_at))), 0).label("bad"),
            func.max(case((table.kind.in_(_CORRECTIONS), 1), else_=0)).label("corrected"),
        )
        .group_by(table.result_id)
        .subquery("said")
    )


async def answer_qualities(connection: AsyncConnection, span: Span) -> tuple[AnswerQuality, ...]:
    """By language; versions in the order in which they first answered."""
    table, said = results.c, _said()
    alike = (table.language, table.model_version)
    words = func.sum(case((table.confidence.is_not(None), table.words)))  # records from before it was kept have none
    answers = (
        select(
            *alike,
            func.count().label("answers"),
            (func.sum(table.confidence * table.words) / func.nullif(words, 0)).label("confidence"),
            func.min(table.created_at).label("first"),
        )
        .where(_answered(span))
        .group_by(*alike)
        .subquery("answers")
    )
    # On its own, from the side of the few results that somebody said something of: in half the time.
    judged = (
        select(
            *alike,
            func.count(case((said.c.good > said.c.bad, 1))).label("good"),
            func.count(case((said.c.bad > said.c.good, 1))).label("bad"),
            func.sum(said.c.corrected).label("corrected"),
        )
        .join_from(said, results, said.c.result_id == table.result_id)
        .where(_answered(span))
        .group_by(*alike)
        .subquery("judged")
    )
    are_alike = and_(answers.c.language == judged.c.language, answers.c.model_version == judged.c.model_version)
    counts = [func.coalesce(count, 0) for count in (judged.c.good, judged.c.bad, judged.c.corrected)]
    columns = [answers.c.language, answers.c.model_version, answers.c.answers, *counts, answers.c.confidence]
    rows = await connection.execute(
        select(*columns)
        .join_from(answers, judged, are_alike, isouter=True)
        .order_by(answers.c.language, answers.c.first, answers.c.model_version)
    )
    return tuple(AnswerQuality(*row) for row in rows)


async def _latencies(connection: AsyncConnection, span: Span) -> tuple[Latency, ...]:
    """Versions in the order in which they first answered. Answers are counted by millisecond, then added up."""
    counted = (
        select(
            results.c.model_version,
            (results.c.total_us // 1000).label("millisecond"),
            func.count().label("count"),
            func.min(results.c.created_at).label("first"),
        )
        .where(_answered(span))
        .group_by(results.c.model_version, "millisecond")
        .subquery()
    )
    version, count = counted.c.model_version, func.sum(counted.c["count"])
    reached = select(
        *counted.c,
        count.over(partition_by=version).label("answers"),
        count.over(partition_by=version, order_by=counted.c.millisecond).label("until_here"),
    ).subquery()
    enough = [100 * reached.c.until_here >= percent * reached.c.answers for percent in _PERCENTILES]
    rows = await connection.execute(
        select(
            reached.c.model_version,
            func.max(reached.c.answers),
            *(func.min(case((one, reached.c.millisecond))) for one in enough),
        )
        .group_by(reached.c.model_version)
        .order_by(func.min(reached.c.first), reached.c.model_version)
    )
    return tuple(
        Latency(version, int(answers), *(timedelta(milliseconds=percentile) for percentile in percentiles))
        for version, answers, *percentiles in rows
    )


async def _failures(connection: AsyncConnection, span: Span) -> tuple[FailureCount, ...]:
    """The most frequent first."""
    table = failures.c
    alike, count = (table.method, table.status, table.reason), func.sum(table["count"])
    within = (table.hour >= span.first * _HOURS, table.hour < span.end * _HOURS)
    rows = await connection.execute(
        select(*alike, count).where(*within).group_by(*alike).order_by(count.desc(), *alike)
    )
    return tuple(FailureCount(method, status, reason, int(counted)) for method, status, reason, counted in rows)
