"""Spans, and those that no report is made of."""

from datetime import date

import pytest

from zorky_server.report import BadSpan
from zorky_server.report.span import DAY, Span, calendar_day


def test_a_span_holds_the_days_that_it_touches():
    assert Span.around(5 * DAY - 1, 6 * DAY + 1) == Span(4, 7)
    assert Span.around(5 * DAY, 6 * DAY) == Span(5, 6)


@pytest.mark.parametrize(
    ("start", "end"), [(DAY, DAY), (2 * DAY, DAY), (-1, DAY), (0, 400_000 * DAY), (-(10**30), 10**30), (0, 3654 * DAY)]
)
def test_a_span_that_is_empty_endless_or_out_of_time_is_refused(start, end):
    with pytest.raises(BadSpan, match="a report"):
        Span.around(start, end)


def test_weeks_begin_on_mondays_and_months_on_the_first_even_before_the_span():
    span = Span.around(20_814 * DAY, 20_851 * DAY)
    weeks, months = ([calendar_day(day) for day in days] for days in (span.weeks(), span.months()))
    assert (calendar_day(span.first), calendar_day(span.end)) == (
        date(2026, 12, 27),
        date(2027, 2, 2),
    )  # Sunday, Tuesday
    assert (weeks[0], weeks[1], weeks[-1]) == (date(2026, 12, 21), date(2026, 12, 28), date(2027, 2, 1))
    assert months == [date(2026, 12, 1), date(2027, 1, 1), date(2027, 2, 1)]
