"""Figures against a year that is drawn and counted again by plain loops, and a week that one counts by hand."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random

import pytest
from traffic import Day, Failed, Picture, Said, life

from zorky_server.report import make_report
from zorky_server.report.figures import Activity, AnswerQuality, Cohort, Conversion, FailureCount, Latency, Report
from zorky_server.store import ResultRecord, open_store

EPOCH = datetime(1970, 1, 1)
HOUR = 3_600_000_000
"""Microseconds."""
ADA, BEN = "a" * 64, "b" * 64


def moment(day: date, hours: float = 0.0) -> int:
    """Microseconds since 1970."""
    begin = datetime(day.year, day.month, day.day) + timedelta(hours=hours)
    return (begin - EPOCH) // timedelta(microseconds=1)


def day_of(microseconds: int) -> date:
    return (EPOCH + timedelta(microseconds=microseconds)).date()


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


class Counted:
    """The same figures, counted by going through everything that happened."""

    def __init__(self, days: Sequence[Day], start: date, end: date) -> None:
        self.start, self.end = start, end
        self.pictures = [one for day in days for one in day.pictures]
        self.said = [one for day in days for one in day.said]
        self.failed = [one for day in days for one in day.failed]
        self.days_of_pictures = [(day_of(one.moment), one.user) for one in self.pictures]
        self.days_of_feedback = Counter(day_of(one.moment) for one in self.said)
        self.days_of_failures = Counter[date]()
        for one in self.failed:
            self.days_of_failures[day_of(one.hour * HOUR)] += one.count
        self.by_user: dict[str, list[Picture]] = defaultdict(list)
        for one in self.pictures:
            if one.user is not None:
                self.by_user[one.user].append(one)
        self.within = [one for one in self.pictures if start <= day_of(one.moment) < end]

    def report(self) -> Report:
        every_day = [self.start + timedelta(days=number) for number in range((self.end - self.start).days)]
        weeks = sorted({monday(day) for day in every_day})
        return Report(
            self.start,
            self.end,
            self.activity(self.start, every_day),
            tuple(self.activity(day, [day]) for day in every_day),
            tuple(self.activity(week, [day for day in every_day if monday(day) == week]) for week in weeks),
            tuple(
                self.activity(month, [day for day in every_day if day.replace(day=1) == month])
                for month in sorted({day.replace(day=1) for day in every_day})
            ),
            tuple(self.cohort(week, [other for other in weeks if other >= week]) for week in weeks),
            self.conversion(),
            self.qualities(),
            self.latencies(),
            self.failures(),
        )

    def activity(self, start: date, days: Sequence[date]) -> Activity:
        users = [user for day, user in self.days_of_pictures if start <= day <= days[-1] and day >= self.start]
        return Activity(
            start,
            len({*users} - {None}),
            len(users),
            sum(self.days_of_feedback[day] for day in days),
            sum(self.days_of_failures[day] for day in days),
        )

    def cohort(self, week: date, weeks: Sequence[date]) -> Cohort:
        members = [
            {monday(day_of(one.moment)) for one in pictures if day_of(one.moment) < self.end}
            for pictures in self.by_user.values()
            if monday(day_of(pictures[0].moment)) == week and day_of(pictures[0].moment) < self.end
        ]
        return Cohort(week, len(members), tuple(sum(one in came for came in members) for one in weeks))

    def conversion(self) -> Conversion:
        firsts, delays = 0, list[int]()
        for pictures in self.by_user.values():
            if not self.start <= day_of(pictures[0].moment) < self.end:
                continue
            firsts += 1
            others = [one for one in pictures if one.digest != pictures[0].digest and day_of(one.moment) < self.end]
            delays += [others[0].moment - pictures[0].moment] if others else []
        median = timedelta(microseconds=sorted(delays)[(len(delays) + 1) // 2 - 1]) if delays else None
        return Conversion(firsts, len(delays), median)

    def qualities(self) -> tuple[AnswerQuality, ...]:
        ratings, corrected = dict[str, str](), set[str]()
        for one in sorted(self.said, key=lambda one: one.moment):
            if one.rating:
                ratings[one.result_id] = one.rating
            else:
                corrected.add(one.result_id)
        groups = self.grouped(lambda one: (one.language, one.version))
        found = []
        for language, version in sorted(groups, key=lambda key: (key[0], groups[key][0].moment)):
            answers = groups[language, version]
            rated = Counter(ratings.get(one.result_id) for one in answers)
            words = sum(one.words for one in answers)
            confidence = sum(one.words * (one.confidence or 0) for one in answers) / words if words else None
            right = sum(one.result_id in corrected for one in answers)
            found.append(
                AnswerQuality(
                    language, version, len(answers), rated["good"], rated["bad"], right,
                    pytest.approx(confidence, rel=1e-9) if words else None,
                )
            )  # fmt: skip
        return tuple(found)

    def latencies(self) -> tuple[Latency, ...]:
        found = []
        for version, answers in self.grouped(lambda one: one.version).items():
            times = sorted(one.total_us // 1000 for one in answers)
            least = [next(t for n, t in enumerate(times, 1) if 100 * n >= p * len(times)) for p in (50, 90, 95, 99)]
            found.append(Latency(version, len(answers), *(timedelta(milliseconds=time) for time in least)))
        return tuple(found)

    def failures(self) -> tuple[FailureCount, ...]:
        counts = Counter[tuple[str, str, str]]()
        for one in self.failed:
            if self.start <= day_of(one.hour * HOUR) < self.end:
                counts[one.method, one.status, one.reason] += one.count
        return tuple(FailureCount(*key, count) for key, count in sorted(counts.items(), key=lambda i: (-i[1], i[0])))

    def grouped(self, key) -> dict:
        """Pictures of the span, in the order of time."""
        groups = defaultdict(list)
        for one in self.within:
            groups[key(one)].append(one)
        return groups


LEAP_YEAR = [*life(Random(7), date(2027, 11, 29), days=366, pictures=4000, users=500)]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(2027, 11, 29), date(2028, 11, 29)),  # everything
        (date(2028, 2, 28), date(2028, 3, 2)),  # around the leap day
        (date(2027, 12, 29), date(2028, 1, 12)),  # weeks and a month cut at both ends
        (date(2028, 7, 1), date(2028, 8, 1)),  # a month
        (date(2028, 5, 7), date(2028, 5, 8)),  # a Sunday
        (date(2026, 1, 1), date(2027, 12, 1)),  # mostly before anything happened
        (date(2030, 1, 1), date(2030, 2, 1)),  # after all
    ],
)
async def test_a_year_is_counted_as_by_hand(reported, start, end):
    expected = Counted(LEAP_YEAR, start, end).report()
    assert await reported(LEAP_YEAR, moment(start), moment(end)) == expected


def picture(name: str, user: str | None, at: int, **others: object) -> Picture:
    """One of 10 words in Russian, read in 100 ms; its bytes are its own."""
    facts = {"digest": name, "version": "1", "language": "ru", "words": 10, "confidence": 0.9, "total_us": 100_000}
    return Picture(name, at, user, **facts | others)


def said(name: str, result_id: str, at: int, rating: str | None = None, kind: str = "rating") -> Said:
    return Said(name, result_id, at, kind, rating)


async def test_a_week_is_counted_as_one_counts_it_by_hand(reported):
    mon, tue, wed = (date(2026, 3, 30) + timedelta(days=number) for number in range(3))
    sun, next_mon = date(2026, 4, 5), date(2026, 4, 6)
    week = Day(
        pictures=[
            picture("ada-1", ADA, moment(mon, 9)),
            picture("ada-2", ADA, moment(mon, 10), digest="ada-1", total_us=100_999),  # the same bytes again
            picture("ada-3", ADA, moment(wed, 9), total_us=300_000, words=30, confidence=0.5),
            picture("nobody", None, moment(tue, 9), language="", words=0, confidence=None, total_us=50_000),
            picture("ben-1", BEN, moment(sun, 23), version="2", language="en"),
            picture("ben-2", BEN, moment(next_mon, 1), version="2"),  # after the span
        ],
        said=[
            said("f1", "ada-1", moment(mon, 11), "good"),
            said("f2", "ada-1", moment(tue, 11), "bad"),  # Ada thinks better of it
            said("f3", "ada-3", moment(wed, 11), kind="words"),
            said("f4", "ada-3", moment(wed, 12), kind="missed"),
            said("f5", "ben-1", moment(next_mon, 2), "good"),  # said after the span, of an answer in it
        ],
        failed=[
            Failed(moment(mon, 5) // HOUR, "bot", "RecognitionService/Recognize", "UNAVAILABLE", "OVERLOADED", 7),
            Failed(moment(sun, 23) // HOUR, "app", "RecognitionService/Recognize", "UNAVAILABLE", "OVERLOADED", 2),
            Failed(moment(next_mon) // HOUR, "app", "FeedbackService/Feedback", "NOT_FOUND", "UNKNOWN_RESULT", 9),
        ],
    )  # fmt: skip
    report = await reported([week], moment(mon), moment(next_mon))
    assert report.total == Activity(mon, users=2, pictures=5, feedbacks=4, failures=9)
    assert report.weeks == (report.total,)
    assert report.months == (Activity(date(2026, 3, 1), 1, 3, 2, 7), Activity(date(2026, 4, 1), 2, 2, 2, 2))
    assert [(day.users, day.pictures, day.feedbacks, day.failures) for day in report.days] == [
        (1, 2, 1, 7), (0, 1, 1, 0), (1, 1, 2, 0), (0, 0, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0), (1, 1, 0, 2),
    ]  # fmt: skip
    assert report.cohorts == (Cohort(mon, users=2, active_users=(2,)),)
    assert report.conversion == Conversion(2, 1, timedelta(days=2))
    assert report.qualities == (
        AnswerQuality("", "1", 1, 0, 0, 0, None),
        AnswerQuality("en", "2", 1, 1, 0, 0, pytest.approx(0.9)),
        AnswerQuality("ru", "1", 3, 0, 1, 1, pytest.approx((10 * 0.9 + 10 * 0.9 + 30 * 0.5) / 50)),
    )
    at = [timedelta(milliseconds=ms) for ms in (50, 100, 300)]
    assert report.latencies == (
        Latency("1", 4, p50=at[1], p90=at[2], p95=at[2], p99=at[2]),
        Latency("2", 1, at[1], at[1], at[1], at[1]),
    )
    assert report.failures == (FailureCount("RecognitionService/Recognize", "UNAVAILABLE", "OVERLOADED", 9),)


async def test_words_whose_confidence_was_not_kept_yet_do_not_lower_the_mean(reported):
    day = date(2026, 3, 30)
    old = picture("old", ADA, moment(day, 1), language="", words=90, confidence=None)
    digits = picture("digits", ADA, moment(day, 2), language="", words=10, confidence=0.8)
    report = await reported([Day([old, digits])], moment(day), moment(day, 24))
    assert report.qualities == (AnswerQuality("", "1", 2, 0, 0, 0, pytest.approx(0.8)),)


async def test_who_comes_back_is_seen_in_the_triangle(reported):
    mon = date(2026, 3, 30)
    came = {ADA: (0, 1, 3), BEN: (1, 2), None: (0, 1, 2, 3)}  # weeks after the first
    pictures = [
        picture(f"{str(user)[0]} {week}", user, moment(mon, 24 * 7 * week + 5))
        for user, weeks in came.items()
        for week in weeks
    ]
    report = await reported([Day(pictures)], moment(mon), moment(mon, 24 * 7 * 4))
    assert [cohort.active_users for cohort in report.cohorts] == [(1, 1, 0, 1), (1, 1, 0), (0, 0), (0,)]


async def test_the_moment_at_which_the_span_ends_is_not_of_it(reported):
    mon, wed_after = date(2026, 3, 30), date(2026, 4, 8)
    pictures = [picture("1", ADA, moment(mon)), picture("2", ADA, moment(wed_after))]
    said_then = [said("f", "1", moment(wed_after))]
    report = await reported([Day(pictures, said_then)], moment(mon), moment(wed_after))
    assert (report.total.pictures, report.total.feedbacks) == (1, 0)
    assert report.cohorts[0].active_users == (1, 0)
    assert report.conversion == Conversion(1, 0, None)


async def test_pictures_without_digest_are_other_ones_when_their_sizes_differ(reported):
    day = date(2026, 3, 30)
    sizes = {1: 100, 2: 100, 3: 101}  # of three pictures, one an hour
    pictures = [picture(f"{hour}", ADA, moment(day, hour), digest=None, size=sizes[hour]) for hour in sizes]
    report = await reported([Day(pictures)], moment(day), moment(day, 24))
    assert report.conversion == Conversion(1, 1, timedelta(hours=2))


async def test_the_span_is_widened_to_whole_days(reported):
    day = date(2026, 3, 30)
    report = await reported([Day([picture("1", ADA, moment(day))])], moment(day, 23), moment(day, 24) + 1)
    assert (report.start, report.end, report.total.pictures) == (day, day + timedelta(days=2), 1)


async def test_what_has_expired_still_counts(place):
    store = await open_store(place, lifetime=0.01)
    facts = dict.fromkeys(("model", "model_version", "model_sha256", "calibration"), "1")
    await store.record(
        ResultRecord(
            result_id="1", user_key="Ада", image=b"png", width=2, height=1, timings={"total": 0.5}, words_per_line=(2,),
            confidence=0.5, kept="{}", **facts,
        )
    )  # fmt: skip
    await asyncio.sleep(0.02)
    await store.sweep()
    now = time.time_ns() // 1000
    async with store.snapshot() as connection:
        report = await make_report(connection, now - 1_000_000, now)
    await store.close()
    assert (report.total.users, report.total.pictures) == (1, 1)
