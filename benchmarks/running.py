"""A server of one's own for a measurement, and the tables that come of it."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

BIN = Path(sys.executable).parent
RESULTS = Path(__file__).parent / "results"


@contextmanager
def server() -> Iterator[str]:
    """Runs zorky-server on a free port with an empty data folder; gives its address."""
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder) / "port"
        command = [BIN / "zorky-server", "serve", "--port", "0", "--port-file", port_file, "--data-dir", folder]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while not port_file.exists() and process.poll() is None:
                time.sleep(0.05)
            address = f"127.0.0.1:{port_file.read_text().strip()}"
            subprocess.run([BIN / "zorky", "health", "--server", address, "--wait", "60"], check=True)
            yield address
        finally:
            process.terminate()
            process.wait()


def publish(name: str, rows: Sequence[dict[str, object]]) -> None:
    """Prints a table and keeps it with the machine's description in results/NAME.json."""
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row.values()))
    Console().print(table)
    machine = {"processor": _processor(), "system": platform.platform(), "python": platform.python_version()}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps({"machine": machine, "rows": rows}, indent=2) + "\n")


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}"
