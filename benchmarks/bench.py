"""Measures everything, one table after the other, and writes docs/performance.md.

    make bench [FULL=1]
    .make/bench-venv/bin/python benchmarks/bench.py [--full] [TABLE ...]

With names of tables, measures these alone; the page keeps the others as they were.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from time import monotonic

import report


def measured(table: str, flags: list[str]) -> bool:
    """Runs one table's script; whether it came to an end."""
    print(f"\n== {table}", flush=True)
    started = monotonic()
    status = subprocess.run([sys.executable, str(Path(__file__).parent / f"{table}.py"), *flags]).returncode
    print(f"== {table}: {'measured' if status == 0 else 'BROKE'} in {monotonic() - started:.0f} s", flush=True)
    return status == 0


def main() -> None:
    """Exits with 1 when a table could not be measured; what a table shows does not change the status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="measure for longer")
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(report.TABLES)} (default: all)")
    arguments = parser.parse_args()
    if unknown := set(arguments.tables) - set(report.TABLES):
        parser.error(f"no such table: {', '.join(sorted(unknown))}")
    flags = ["--full"] if arguments.full else []
    broken = [table for table in arguments.tables or report.TABLES if not measured(table, flags)]
    report.main()
    sys.exit(f"not measured: {', '.join(broken)}" if broken else 0)


if __name__ == "__main__":
    main()
