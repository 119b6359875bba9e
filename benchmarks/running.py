"""A server of one's own for a measurement, and the tables that come of it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

import zorky_models

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
METERED = ("--metrics-port", "0")
"""Flags of a server whose `metric` is asked."""
Row = Mapping[str, object]

_SCREEN = 160
"""Columns: tables are wide."""
_LOAD = os.getloadavg()[0]
"""How busy the machine was before the measurement."""


@dataclass(frozen=True)
class Check:
    """What must hold of a table: `value` is at most (or at least) `limit`."""

    what: str
    value: float
    sense: Literal["<=", ">="]
    limit: float

    @property
    def holds(self) -> bool:
        return self.value <= self.limit if self.sense == "<=" else self.value >= self.limit


@dataclass(frozen=True)
class Plot:
    """How a table is drawn: the columns of both axes, and the one that tells the lines or bars apart."""

    kind: Literal["lines", "bars"]
    x: str
    y: str
    by: str


@dataclass(frozen=True)
class Server:
    """A zorky-server that is serving. port_file: its metrics' port lies beside it."""

    address: str
    pid: int
    port_file: Path

    def metric(self, name: str, **labels: str) -> float:
        """The sum over all samples of this name and with these labels; needs a server started with METERED."""
        port = self.port_file.with_name(f"{self.port_file.name}.metrics").read_text().strip()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
            samples = re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", page.read().decode(), re.MULTILINE)
        wanted = {f'{label}="{value}"' for label, value in labels.items()}
        return sum(float(value) for found, value in samples if wanted <= set(found.split(",")))


def script(package: str, name: str) -> Path:
    """The command of an installed package, in whichever environment it is."""
    files = distribution(package).files or []
    return Path(str(next(file for file in files if file.name == name).locate())).resolve()


@contextmanager
def server(*flags: str) -> Iterator[Server]:
    """Runs zorky-server with these flags on a free port with an empty data folder until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder) / "port"
        command = [script("zorky-server", "zorky-server"), "serve", "--port", "0", "--port-file", port_file]
        command += ["--data-dir", folder, "--log-level", "warning", "--lame-duck", "0", *flags]
        with process(command) as started:
            wait_for_file(port_file, started)
            address = f"127.0.0.1:{port_file.read_text().strip()}"
            subprocess.run(
                [script("zorky-client", "zorky"), "health", "--server", address, "--wait", "60"],
                check=True,
                capture_output=True,
            )
            yield Server(address, started.pid, port_file)


@contextmanager
def process(command: Sequence[object], **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a command until the block ends; what it says goes to a file that is shown when the block fails."""
    with tempfile.TemporaryFile() as said:
        started = subprocess.Popen(
            [str(word) for word in command], stdout=said, stderr=said, env=os.environ | environment, cwd=ROOT
        )
        try:
            yield started
        except BaseException:
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace")[-4000:])
            raise
        finally:
            started.terminate()
            started.wait()


def wait_for_file(path: Path, started: subprocess.Popen[bytes], seconds: float = 120) -> None:
    """Waits until a process has written a file. Raises RuntimeError when it ends or takes longer."""
    end = time.monotonic() + seconds
    while not path.exists():
        if started.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"{started.args!r} is not serving")
        time.sleep(0.02)


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and all that it started and that still runs."""
    ticks, children = dict[int, int](), defaultdict[int, list[int]](list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            fields = stat.read_text().rpartition(")")[2].split()
            ticks[int(stat.parent.name)] = int(fields[11]) + int(fields[12])
            children[int(fields[1])].append(int(stat.parent.name))
    family = [pid]
    for one in family:
        family += children[one]
    return sum(ticks.get(one, 0) for one in family) / os.sysconf("SC_CLK_TCK")


def full() -> bool:
    """Whether the command line of a table's script asks for the long measurement."""
    about = sys.modules["__main__"].__doc__
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="measure for longer")
    return bool(parser.parse_args().full)


def publish(name: str, rows: Sequence[Row], *, plot: Plot | None = None, checks: Sequence[Check] = ()) -> None:
    """Prints a table and keeps it in results/NAME.json, from which report.py makes a section of the page: with the
    docstring of the script that runs, whose first line is the title, its command line, and the machine's description.

    checks: what the table must show.
    """
    console = Console(width=_SCREEN)
    console.print(_table(rows))
    for check in checks:
        holds = "holds" if check.holds else "FAILS"
        console.print(f"{holds}: {check.what}: {check.value:.3g} {check.sense} {check.limit:.3g}")
    about = sys.modules["__main__"].__doc__ or ""
    command = " ".join(["python", str(Path(sys.argv[0]).resolve().relative_to(ROOT)), *sys.argv[1:]])
    kept: dict[str, Any] = {"machine": machine(), "about": about, "command": command}
    kept |= {"checks": [asdict(check) | {"holds": check.holds} for check in checks]}
    kept |= {"plot": asdict(plot) if plot else None, "rows": rows}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def machine() -> dict[str, object]:
    """What the measurement ran on, what it measured, and how many processes were running when it began."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    manifest = json.loads((zorky_models.ROOT / "handwriting" / "manifest.json").read_text())
    return {
        "processor": f"{len(names)} x {names[0]}", "system": platform.platform(), "python": platform.python_version(),
        "model": manifest["version"], "load": _LOAD,
    }  # fmt: skip


def _table(rows: Sequence[Row]) -> Table:
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(shown(value) for value in row.values()))
    return table


def shown(value: object) -> str:
    """A value as tables show it; None is a dash."""
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
