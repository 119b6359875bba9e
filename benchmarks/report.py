"""Writes docs/performance.md and its plots from the tables in results/.

python benchmarks/report.py
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from draw import draw
from running import RESULTS, ROOT, shown

TABLES = ("page", "saturation", "batching", "start", "overload", "tagged", "rolling", "soak", "durability", "million")
"""In the order of the page."""
PAGE = ROOT / "docs" / "performance.md"
PLOTS = PAGE.with_suffix("")

_HEAD = """\
# How fast it is, and how it holds up

This page is written by a command: `make bench`, or `make bench FULL=1` for longer measurements. Systems that are
compared were measured in one run on one machine, and their ratios are what to look at: seconds are those of that
machine. Pages are drawn by a program, not photographed, but for sets named `ru_pages` and `en_pages`, which are real
handwriting and measured where the project's data is. *Load* is how many processes wanted a core before a measurement
began: where it is not near 0, others had their part of the machine.

## What must hold

"""
_FOOT = "Repeat: `.make/bench-venv/bin/{command}`. Measured on {processor}, model {model}, load {load:.1f} before.\n"

Table = dict[str, Any]
"""As `running.publish` keeps it."""


def main() -> None:
    """Renews the page; tables that were not measured are left out."""
    tables = {name: _read(name) for name in TABLES if (RESULTS / f"{name}.json").exists()}
    PLOTS.mkdir(exist_ok=True)
    sections = [_section(name, table) for name, table in tables.items()]
    PAGE.write_text("\n".join([_HEAD + _checks(tables), *sections]), "utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


def _read(name: str) -> Table:
    table: Table = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    return table


def _checks(tables: dict[str, Table]) -> str:
    rows = [["table", "what", "is", "must be", ""]]
    for name, table in tables.items():
        rows += [_check(name, check) for check in table["checks"]]
    return _markdown(rows)


def _check(name: str, check: dict[str, Any]) -> list[str]:
    sense = {"<=": "≤", ">=": "≥"}[check["sense"]]
    return [
        f"[{name}](#{name})",
        check["what"],
        f"{check['value']:.3g}",
        f"{sense} {check['limit']:g}",
        "holds" if check["holds"] else "**fails**",
    ]


def _section(name: str, table: Table) -> str:
    """Title and text are those of the script's docstring, without the command line in it."""
    title, _, text = table["about"].strip().partition("\n")
    text = re.sub(r"(?m)^    .*\n\n?", "", text).strip()
    parts = [f'<a id="{name}"></a>\n\n## {title.rstrip(".")}', text, _markdown(list(_cells(table["rows"]))).rstrip()]
    if table["plot"]:
        draw(PLOTS / f"{name}.svg", table["rows"], **table["plot"])
        parts.append(f"![{table['plot']['y']}]({PLOTS.name}/{name}.svg)")
    return "\n\n".join([*parts, _FOOT.format(command=table["command"], **table["machine"])])


def _cells(rows: Sequence[dict[str, object]]) -> Iterator[list[str]]:
    yield list(rows[0])
    for row in rows:
        yield [shown(value) for value in row.values()]


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    head, *rest = (f"| {' | '.join(cells)} |\n" for cells in rows)
    return "".join([head, f"|{' --- |' * len(rows[0])}\n", *rest])


if __name__ == "__main__":
    main()
