"""Reports on the terminal."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from rich.cells import cell_len
from rich.console import Console

from zorky_server.report.figures import FailureCount
from zorky_server.report.terminal import WIDTH, bar, columns, page


def printed(report, *, colours: bool = False) -> str:
    file = io.StringIO()
    Console(file=file, width=WIDTH, color_system="truecolor" if colours else None).print(page(report))
    return file.getvalue()


@pytest.mark.parametrize("name", ["year", "month", "nothing"])
def test_the_page_fits_a_hundred_columns_and_nothing_is_cut(name, request):
    lines = printed(request.getfixturevalue(name)).splitlines()
    assert max(map(cell_len, lines)) <= WIDTH
    assert not [line for line in lines if "…" in line]


def test_the_page_has_the_figures(month):
    text = printed(month)
    assert "1 January 2026 – 30 January 2026" in text
    for figure in (month.total.users, month.total.pictures, month.conversion.first_pictures, month.failures[0].count):
        assert f"{figure:,}" in text
    second_week = next(line for line in text.splitlines() if "5 Jan" in line)
    assert second_week.split()[2:4] == [f"{month.weeks[1].users:,}", f"{month.weeks[1].pictures:,}"]


def test_who_comes_back_is_coloured_by_how_many(month):
    assert "\x1b[38;2;240;244;248;48;2;64;150;190m 100" in printed(month, colours=True)


def test_the_headline_of_a_million_stands_on_its_lines(month):
    many = replace(month.total, users=58_683, pictures=1_006_066, feedbacks=118_079, failures=25_925)
    conversion = replace(month.conversion, first_pictures=58_642, median_delay=timedelta(minutes=29.2))
    lines = printed(replace(month, total=many, conversion=conversion)).splitlines()
    assert "58,642 of them new" in lines[3]
    assert "118,079 pieces of feedback" in lines[3]
    assert "half within 29.2 minutes" in lines[3]


def test_days_without_anything_say_so(nothing):
    assert "Nothing happened in these days." in printed(nothing)


def test_what_the_store_holds_is_neither_markup_nor_a_command_to_the_terminal(month):
    failure = FailureCount("[red]method[/red]", "\x1b[2Jstatus", "reason", 3)
    text = printed(replace(month, failures=(failure,)))
    assert "[red]method[/red]" in text
    assert "\x1b" not in text


def test_columns_are_as_high_as_their_values_tell():
    assert columns([0, 4, 8, 16], height=2) == ["         ██ ", "   ▄▄ ██ ██ "]
    assert columns([1, 10_000], height=1) == ["▁▁ ██ "]
    assert columns([0], height=2) == ["   ", "   "]
    assert {len(line) for line in columns(range(92))} == {92}


def test_bars_are_as_long_as_their_share_tells():
    assert [len(bar(part).plain) for part in (0.0, 0.5, 1.0)] == [0, 6, 12]
