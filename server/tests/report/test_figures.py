"""What follows from figures."""

from datetime import date

from zorky_server.report.figures import Cohort, Conversion, retention, share


def test_a_share_of_nothing_is_none():
    assert share(0, 0) is None
    assert Conversion(0, 0, None).share is None
    assert share(1, 4) == 0.25


def test_a_week_after_the_first_is_averaged_over_the_cohorts_that_reached_it():
    cohorts = [
        Cohort(date(2026, 1, 5), 10, (10, 6, 1)),
        Cohort(date(2026, 1, 12), 30, (30, 6)),
        Cohort(date(2026, 1, 19), 2, (2,)),
    ]
    assert retention(cohorts) == [1.0, (6 + 6) / 40, 0.1]
    assert retention([Cohort(date(2026, 1, 5), 0, (0,))]) == [None]
    assert retention([]) == []
