"""What a command says beside its output: failures, remarks and progress, all on standard error."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")


class Report:
    """Says things and remembers whether anything failed."""

    def __init__(self) -> None:
        self.failed = False
        self._console = Console(stderr=True, markup=False, emoji=False, highlight=False, soft_wrap=True)
        self._progress = Progress(
            TextColumn("reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=self._console, transient=True, disable=not self._console.is_terminal,
        )  # fmt: skip

    def failure(self, message: str) -> None:
        """Says what could not be done."""
        self.failed = True
        self.say(f"zorky: {message}")

    def say(self, message: str) -> None:
        """Says something."""
        self._console.print(message)

    def track(self, work: Iterable[T], total: int) -> Iterator[T]:
        """Passes the work on, with a bar on a terminal when there is more than one piece."""
        if total < 2:
            yield from work
            return
        with self._progress:
            yield from self._progress.track(work, total)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Takes the bar away while something is written to what may be the same terminal."""
        running = self._progress.live.is_started
        self._progress.stop()
        yield
        if running:
            self._progress.start()
