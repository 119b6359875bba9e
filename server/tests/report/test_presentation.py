"""Figures in words."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from zorky_server.report import presentation as shown
from zorky_server.report.figures import Conversion


@pytest.mark.parametrize(
    ("part", "said"),
    [(None, "–"), (0.0, "0 %"), (0.004, "0.4 %"), (0.5, "50 %"), (0.996, "99.6 %"), (1.0, "100 %")],
)
def test_nearly_none_is_not_none_and_nearly_all_is_not_all(part, said):
    assert shown.percent(part) == said


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(seconds=59), "59 seconds"),
        (timedelta(minutes=90), "1.5 hours"),
        (timedelta(minutes=2), "2.0 minutes"),
        (timedelta(days=10, hours=12), "10.5 days"),
    ],
)
def test_delays_are_told_in_the_largest_unit_that_they_fill(span, said):
    assert shown.about(span) == said


def test_text_without_letters_is_not_told_to_be_nothing():
    assert [shown.language(code) for code in ("ru", "", "de")] == ["Russian", "no letters", "de"]


def test_periods_are_the_finest_that_there_is_room_for(year, month):
    assert shown.finest(month, 30) == ("day", month.days)
    assert shown.finest(month, 29) == ("week", month.weeks)
    assert shown.finest(year, 20) == ("month", year.months)
    assert [shown.period(kind, date(2026, 3, 2)) for kind in ("day", "week", "month")] == [
        " 2 Mar",
        " 2 Mar",
        "Mar 2026",
    ]


def test_the_title_names_the_last_day_and_one_day_once(month):
    assert shown.title(month) == "1 January 2026 – 30 January 2026"
    assert shown.title(replace(month, end=date(2026, 1, 2))) == "1 January 2026"


def test_the_headline_has_the_rating_of_all_models_and_the_latency_of_the_newest(month):
    said = {name: (figure, note) for name, figure, note in shown.headline(month)}
    good, bad = (sum(getattr(one, name) for one in month.qualities) for name in ("rated_good", "rated_bad"))
    assert said["Rated good"] == (shown.percent(good / (good + bad)), f"of {good + bad} rated")
    assert said["95 in 100 within"] == (shown.seconds(month.latencies[-1].p95), month.latencies[-1].model_version)


def test_what_there_is_no_figure_of_is_a_dash(nothing):
    said = {name: (figure, note) for name, figure, note in shown.headline(nothing)}
    assert nothing.conversion == Conversion(0, 0, None)
    assert said["Second picture"] == ("–", "")
    assert said["95 in 100 within"] == ("–", "")
