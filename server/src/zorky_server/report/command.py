"""The body of `zorky-server report`."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Literal

from rich.console import Console

from ..settings import Settings
from ..storage import opened_store
from ..store import CannotOpen, StoreUnreachable
from . import html, terminal
from .data import as_json
from .figures import Report
from .queries import make_report
from .span import DAY, USUAL, BadSpan, microseconds

Form = Literal["table", "json", "html"]


class CannotReport(Exception):
    """Raised when there is no report; the message says why."""


async def stored_report(settings: Settings, since: date | None, until: date | None) -> Report:
    """Of the days from `since` to `until`, both included; by default the 30 until today. Raises CannotReport."""
    end = microseconds(until or datetime.now(UTC).date()) + DAY
    start = microseconds(since) if since else end - USUAL
    try:
        async with opened_store(settings, must_exist=True) as store, store.snapshot() as connection:
            return await make_report(connection, start, end)
    except (BadSpan, CannotOpen, StoreUnreachable) as error:
        raise CannotReport(str(error)) from error


def write(report: Report, form: Form, output: Path | None) -> None:
    """To the file, or to standard output. Raises CannotReport."""
    try:
        if output is None:
            _print(report, form, sys.stdout)
        else:
            with output.open("w", encoding="utf-8") as file:
                _print(report, form, file)
    except OSError as error:
        raise CannotReport(f"cannot write {output or 'the report'}: {error.strerror}") from error


def _print(report: Report, form: Form, file: IO[str]) -> None:
    match form:
        case "json":
            print(as_json(report), file=file)
        case "html":
            print(html.page(report), file=file)
        case "table":
            console = Console(file=file)
            console.width = min(console.width, terminal.WIDTH) if console.is_terminal else terminal.WIDTH
            console.print(terminal.page(report))
