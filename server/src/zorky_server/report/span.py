"""The span of a report and the days, weeks and months in it. Days are numbered from 1970-01-01, UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

DAY = 86_400_000_000
"""Microseconds."""
USUAL = 30 * DAY
"""What a report covers where nobody says."""
_EPOCH = date(1970, 1, 1)
MONDAY = 3
"""Days from a Monday to 1970-01-01, a Thursday."""
_LONGEST = 3653
"""Days: what is asked for over the network must not grow without bound."""
_LATEST = (date(3000, 1, 1) - _EPOCH).days


class BadSpan(ValueError):
    """Raised when no report can be made of a span; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Span:
    """Whole days, from `first` until before `end`. Made by `Span.around`."""

    first: int
    end: int

    @classmethod
    def around(cls, start: int, end: int) -> Span:
        """The days that touch what lies from `start` until before `end`, in microseconds since 1970. Raises BadSpan."""
        span = cls(start // DAY, -(-end // DAY))
        if not 0 <= span.first < span.end <= _LATEST:
            raise BadSpan("a report needs a span that ends after it begins, between the years 1970 and 2999")
        if span.end - span.first > _LONGEST:
            raise BadSpan("a report covers ten years at most: choose a shorter span")
        return span

    @property
    def microseconds(self) -> tuple[int, int]:
        """Since 1970: where it begins, and where it ends."""
        return self.first * DAY, self.end * DAY

    def days(self) -> list[int]:
        """Every day."""
        return list(range(self.first, self.end))

    def weeks(self) -> list[int]:
        """Mondays of the weeks that the span touches; the first may be before it."""
        return list(range(self.first - (self.first + MONDAY) % 7, self.end, 7))

    def months(self) -> list[int]:
        """First days of the months that the span touches; the first may be before it."""
        first = calendar_day(self.first).replace(day=1)
        found = [first]
        while (first := (first + timedelta(days=31)).replace(day=1)) < calendar_day(self.end):
            found.append(first)
        return [(one - _EPOCH).days for one in found]


def calendar_day(day: int) -> date:
    """The date of a numbered day."""
    return _EPOCH + timedelta(days=day)


def microseconds(one: date) -> int:
    """The moment at which a date begins, in microseconds since 1970."""
    return (one - _EPOCH).days * DAY
