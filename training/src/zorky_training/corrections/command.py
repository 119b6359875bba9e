"""The command `zorky-train corrections`."""

from __future__ import annotations

import argparse
import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from zorky_server.settings import FILE_VARIABLE, BadSettings, Settings, load_settings
from zorky_server.storage import opened_store
from zorky_server.store import CannotOpen

from .dataset import Summary, build


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("corrections", help="make a data set of the lines that people corrected")
    parser.add_argument("--output", type=Path, required=True, help="folder of the data set; brought up to date")
    default = os.environ.get(FILE_VARIABLE)
    parser.add_argument(
        "--settings",
        type=Path,
        default=Path(default) if default else None,
        help=f"the server's settings file, which tells where its store is (default: ${FILE_VARIABLE})",
    )
    parser.add_argument("--data-dir", help="the server's data folder, where no settings file names it")
    parser.add_argument("--since", type=_moment, default=0, help="leave out what was said before this day, YYYY-MM-DD")
    parser.set_defaults(run=_run)


def _moment(text: str) -> int:
    """Microseconds since 1970 of a day's or a moment's ISO form; UTC where it names no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: write it as 2026-11-21") from error
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1e6)


def _run(arguments: argparse.Namespace) -> None:
    try:
        settings = load_settings({"data_dir": arguments.data_dir}, arguments.settings, os.environ)
        summary = asyncio.run(_built(settings, arguments.output, arguments.since))
    except (BadSettings, CannotOpen, OSError) as error:
        raise SystemExit(f"zorky-train: {error}") from error
    _show(summary)


async def _built(settings: Settings, folder: Path, since: int) -> Summary:
    async with opened_store(settings, must_exist=True) as store:
        return await build(store, folder, since)


def _show(summary: Summary) -> None:
    counts, table = summary.as_json(), Table("part", "lines", "writers")
    for part in summary.rows:
        table.add_row(part, f"{counts['lines'][part]:,}", f"{counts['writers'][part]:,}")
    console = Console()
    console.print(table)
    if not any(summary.rows.values()) and not summary.left_out:
        console.print("Nobody has given corrections for training to this store.")
    for reason, number in summary.left_out.most_common():
        console.print(f"{number:7,} left out: {reason}", highlight=False)
