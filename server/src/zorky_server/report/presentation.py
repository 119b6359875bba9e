"""How figures are put into words, on the terminal and on the page alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from .figures import Activity, AnswerQuality, Report, share

NOTHING = "–"
"""Where there is no figure."""
_LANGUAGES = {"ru": "Russian", "en": "English", "": "no letters"}
_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))


def title(report: Report) -> str:
    """The span, its last day included."""
    last = report.end - timedelta(days=1)
    return day(last) if report.start == last else f"{day(report.start)} – {day(last)}"


def day(one: date) -> str:
    """As in 3 March 2026."""
    return f"{one.day} {one:%B %Y}"


def finest(report: Report, most: int) -> tuple[str, Sequence[Activity]]:
    """Days, weeks or months, whatever is finest and at most so many, with their name."""
    if len(report.days) <= most:
        return "day", report.days
    return ("week", report.weeks) if len(report.weeks) <= most else ("month", report.months)


def period(kind: str, start: date) -> str:
    """A period of a kind of `finest`."""
    return f"{start:%b %Y}" if kind == "month" else f"{start.day:2} {start:%b}"


def count(number: int) -> str:
    """With thousands set apart."""
    return f"{number:,}"


def percent(part: float | None) -> str:
    """Of a share, 0 to 1; with a digit more where it is nearly none or nearly all."""
    if part is None:
        return NOTHING
    return f"{100 * part:.1f} %" if 0 < part < 0.01 or 0.99 < part < 1 else f"{100 * part:.0f} %"


def seconds(span: timedelta) -> str:
    """For latencies, which are whole milliseconds."""
    return f"{span.total_seconds():.3f} s"


def about(span: timedelta) -> str:
    """In the largest unit that it has one of."""
    for name, unit in _UNITS:
        if span >= unit:
            return f"{span / unit:.1f} {name}s"
    return f"{span.total_seconds():.0f} seconds"


def language(code: str) -> str:
    """Its name, or the code where we know none."""
    return _LANGUAGES.get(code, code)


def headline(report: Report) -> list[tuple[str, str, str]]:
    """What an owner wants to know first: what it is, the figure, and of what."""
    good, rated = _rated(report.qualities)
    latest = report.latencies[-1] if report.latencies else None
    conversion = report.conversion
    half = f"half within {about(conversion.median_delay)}" if conversion.median_delay is not None else ""
    return [
        ("Users", count(report.total.users), f"{count(conversion.first_pictures)} of them new"),
        ("Pictures read", count(report.total.pictures), f"{count(report.total.feedbacks)} pieces of feedback"),
        ("Second picture", percent(conversion.share), half),
        ("Rated good", percent(share(good, rated)), f"of {count(rated)} rated"),
        ("95 in 100 within", seconds(latest.p95) if latest else NOTHING, latest.model_version if latest else ""),
        ("Failed calls", count(report.total.failures), ""),
    ]


def _rated(qualities: Sequence[AnswerQuality]) -> tuple[int, int]:
    good = sum(one.rated_good for one in qualities)
    return good, good + sum(one.rated_bad for one in qualities)
