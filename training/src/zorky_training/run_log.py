"""Shows a training run live and keeps it as losses.csv, scores.csv and progress.png."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib.pyplot as plt
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from .evaluate import Score

Row = tuple[object, ...]


class RunLog:
    """The record of one run, in the run's folder; a resumed run goes on in the same files."""

    def __init__(self, folder: Path) -> None:
        self.console, self._folder = Console(), folder
        columns = ("[progress.percentage]{task.percentage:>5.1f}%", BarColumn(), "{task.completed}/{task.total} lines")
        figures = TextColumn("{task.fields[speed]:.1f} lines/s, loss {task.fields[loss]:.3f}")
        self._bar = Progress(*columns, figures, TimeRemainingColumn(), console=self.console)
        self._live = Live(console=self.console, refresh_per_second=2)

    @contextmanager
    def shown(self, total: int, done: int) -> Iterator[None]:
        """The run on the screen: its progress, and below it the CER of each measurement so far."""
        self._task = self._bar.add_task("", total=total, completed=done, loss=float("nan"), speed=float("nan"))
        self._live.update(Group(self._bar, self._table()))
        with self._live:
            yield

    def step(self, lines: int, speed: float, loss: float) -> None:
        """speed in lines a second."""
        self._bar.update(self._task, completed=lines, speed=speed, loss=loss)

    def loss(self, lines: int, seconds: float, loss: float) -> None:
        self._append("losses.csv", ("lines", "seconds", "loss"), (lines, round(seconds), round(loss, 4)))

    def scores(self, lines: int, seconds: float, scores: list[Score]) -> None:
        """Keeps the scores, shows them and redraws the plot."""
        for score in scores:
            row = (lines, round(seconds), score.name, round(score.cer, 4), round(score.exact, 4))
            self._append("scores.csv", ("lines", "seconds", "set", "cer", "exact"), row)
        self._plot()
        self._live.update(Group(self._bar, self._table()))

    def _table(self) -> Table:
        """CER by set, a row a measurement."""
        rows = _rows(self._folder / "scores.csv")
        names = list(dict.fromkeys(row["set"] for row in rows))
        drawn = Table("lines", "minutes", *names, title="CER")
        for lines in dict.fromkeys(row["lines"] for row in rows):
            found = {row["set"]: row for row in rows if row["lines"] == lines}
            minutes = float(next(iter(found.values()))["seconds"]) / 60
            drawn.add_row(lines, f"{minutes:.0f}", *(found[name]["cer"] if name in found else "" for name in names))
        return drawn

    def _append(self, name: str, header: Row, row: Row) -> None:
        path = self._folder / name
        fresh = not path.exists()
        with path.open("a", newline="") as file:
            csv.writer(file).writerows([header, row] if fresh else [row])

    def _plot(self) -> None:
        figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4))
        losses, scores = _rows(self._folder / "losses.csv"), _rows(self._folder / "scores.csv")
        left.plot([float(row["lines"]) for row in losses], [float(row["loss"]) for row in losses])
        left.set(title="CTC loss, nats a character", xlabel="lines", yscale="log")
        for name in sorted({row["set"] for row in scores}):
            rows = [row for row in scores if row["set"] == name]
            right.plot([float(row["lines"]) for row in rows], [float(row["cer"]) for row in rows], "o-", label=name)
        right.set(title="CER on the measuring data", xlabel="lines", ylim=(0, 1))
        if scores:
            right.legend()
        figure.savefig(self._folder / "progress.png")
        plt.close(figure)


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
