"""A report for the terminal: tables, and plots of block characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from . import presentation as shown
from .figures import Cohort, Report, retention, share

WIDTH = 100
"""Columns that it needs."""
_ACCENT = (64, 150, 190)
_INK = f"rgb({_ACCENT[0]},{_ACCENT[1]},{_ACCENT[2]})"
_BLOCKS = " ▁▂▃▄▅▆▇█"
_PLOT_HEIGHT = 4
_PERIODS = 92
"""In a plot at most."""
_ROWS = 13
"""Of a table of periods or cohorts at most."""
_WEEKS = 12
"""Of a cohort at most."""
_BAR = 12
"""Characters."""
_WORDS = {"language", "model", "method", "status", "reason", ""}
"""Columns that hold no figures."""


def page(report: Report) -> RenderableType:
    """All of it, to be printed by a rich.console.Console."""
    return Group(
        Text.assemble(("Zorky", f"bold {_INK}"), f"  {shown.title(report)}", ("  days of UTC", "dim")),
        Text(),
        _headline(report),
        Text(),
        *_plots(report),
        *_activity(report),
        *_cohorts(report.cohorts),
        *_qualities(report),
        *_latencies(report),
        *_failures(report),
    )


def columns(values: Sequence[int], height: int = _PLOT_HEIGHT) -> list[str]:
    """A plot of columns, the highest line first. What is not zero is seen."""
    top = max(values, default=0) or 1
    levels = [max(round(8 * height * value / top), value > 0) for value in values]
    column = min(3, _PERIODS // max(len(values), 1))
    gap = " " * (column > 1)
    return [
        "".join(_BLOCKS[min(max(level - 8 * row, 0), 8)] * (column - len(gap)) + gap for level in levels)
        for row in reversed(range(height))
    ]


def bar(part: float) -> Text:
    """As long as a share, 0 to 1, tells; half characters count."""
    whole, half = divmod(round(2 * _BAR * part), 2)
    return Text("━" * whole + "╸" * half, _INK)


def _headline(report: Report) -> Table:
    grid = Table.grid(padding=(0, 2, 1, 0))
    tiles = [
        Text.assemble((f"{name}\n", "dim"), (value, "bold"), (f"  {note}", "dim"))
        for name, value, note in shown.headline(report)
    ]
    for row in (tiles[:3], tiles[3:]):
        grid.add_row(*row)
    return grid


def _plots(report: Report) -> Iterator[RenderableType]:
    kind, periods = shown.finest(report, _PERIODS)
    first, last = (shown.period(kind, one.start).strip() for one in (periods[0], periods[-1]))
    plots = {"Users": [one.users for one in periods], "Pictures read": [one.pictures for one in periods]}
    for name, values in plots.items():
        plot = columns(values)
        if any(values) and len(values) > 1:
            yield Text.assemble((f"{name} by {kind}", "bold"), (f"  at most {shown.count(max(values))}", "dim"))
            yield Text("\n".join(plot), _INK)
            yield Text(f"{first}{last:>{max(len(plot[0].rstrip()) - len(first), len(last) + 1)}}\n", "dim")


def _activity(report: Report) -> Iterator[RenderableType]:
    kind, periods = shown.finest(report, _ROWS)
    most = max(one.pictures for one in periods)
    table = _table(kind, "users", "pictures", "", "feedback", "failures")
    for one in periods:
        counts = (one.users, one.pictures, one.feedbacks, one.failures)
        users, pictures, feedbacks, failures = (shown.count(number) if number else "" for number in counts)
        cells = (users, pictures, bar(share(one.pictures, most) or 0), feedbacks, failures)
        table.add_row(shown.period(kind, one.start), *cells)
    if report.total.pictures or report.total.failures:
        yield from _titled("Activity", table)
    else:
        yield Text("Nothing happened in these days.")


def _cohorts(cohorts: Sequence[Cohort]) -> Iterator[RenderableType]:
    """The last of them as a triangle, and all of them together below."""
    seen = cohorts[-_ROWS:]
    weeks = min(len(seen), _WEEKS)
    table = _table("first week", "users", *map(str, range(weeks)))
    for one in seen:
        parts = [_heat(share(users, one.users)) for users in one.active_users[:weeks]]
        table.add_row(shown.period("week", one.start), shown.count(one.users), *parts)
    table.add_section()
    users = sum(one.users for one in cohorts)
    table.add_row(f"all {len(cohorts)}", shown.count(users), *map(_heat, retention(cohorts)[:weeks]))
    if users:
        yield from _titled("Who comes back: percent of the users, by weeks after their first picture", table)


def _heat(part: float | None) -> Text:
    """A share on a ground that is the stronger the larger it is."""
    if part is None:
        return Text(shown.NOTHING, "dim")
    ground = ",".join(str(round(24 + (channel - 24) * part**0.6)) for channel in _ACCENT)
    return Text(f"{100 * part:.0f}".rjust(4), Style.parse(f"rgb(240,244,248) on rgb({ground})"))


def _qualities(report: Report) -> Iterator[RenderableType]:
    table = _table("language", "model", "answers", "rated", "good", "", "corrected", "confidence")
    for one in report.qualities:
        table.add_row(
            _plain(shown.language(one.language)),
            _plain(one.model_version),
            shown.count(one.answers),
            shown.count(one.rated_good + one.rated_bad),
            shown.percent(one.good_share),
            bar(one.good_share or 0),
            shown.percent(one.corrected_share),
            shown.NOTHING if one.mean_confidence is None else f"{one.mean_confidence:.2f}",
        )
    if report.qualities:
        yield from _titled("What people say of answers", table)


def _latencies(report: Report) -> Iterator[RenderableType]:
    table = _table("model", "answers", "50", "90", "95", "99")
    for one in report.latencies:
        times = (shown.seconds(time) for time in (one.p50, one.p90, one.p95, one.p99))
        table.add_row(_plain(one.model_version), shown.count(one.answers), *times)
    if report.latencies:
        yield from _titled("How long answers take: so many of a hundred are there within", table)


def _failures(report: Report) -> Iterator[RenderableType]:
    table = _table("method", "status", "reason", "calls", "")
    for one in report.failures:
        cells = (_plain(one.method), _plain(one.status), _plain(one.reason), shown.count(one.count))
        table.add_row(*cells, bar(one.count / report.failures[0].count))
    if report.failures:
        yield from _titled("Calls that failed", table)


def _table(*names: str) -> Table:
    """Words to the left, figures to the right."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in names:
        table.add_column(name, justify="left" if name in _WORDS else "right", header_style="dim", no_wrap=True)
    return table


def _titled(title: str, table: Table) -> Iterator[RenderableType]:
    yield Text(title, "bold")
    yield table


def _plain(value: str) -> Text:
    """What comes from the database is text, neither markup nor commands to the terminal."""
    return Text("".join(character if character.isprintable() else "�" for character in value))
