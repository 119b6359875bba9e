"""Reads every picture in examples/ with a server of its own; `make demo` runs it.

Prints what was read, and writes demo/<page>.csv and demo/<page>.png.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from zorky_client import Client, Recognition, ZorkyError
from zorky_client.formats.annotated import annotated
from zorky_client.formats.picture import Picture
from zorky_client.formats.plain import CsvWriter

PAGES = Path(__file__).parent
OUT = PAGES.parent / "demo"
START_SECONDS = 60
STOP_SECONDS = 30

console = Console(highlight=False)


@contextmanager
def running_server() -> Iterator[str]:
    """Starts a server on a free port with a data folder of its own; yields its address; stops it whatever happens."""
    with tempfile.TemporaryDirectory() as folder:
        port_file, log = Path(folder, "port"), Path(folder, "log")
        command = [Path(sys.executable).with_name("zorky-server"), "serve", "--port", "0", "--port-file", port_file]
        with log.open("wb") as out:
            settings = ["--data-dir", folder, "--lame-duck", "0"]
            server = subprocess.Popen([*map(str, command), *settings], stdout=out, stderr=subprocess.STDOUT)
        try:
            yield f"localhost:{_port(server, port_file, log)}"
        finally:
            server.terminate()
            server.wait(STOP_SECONDS)


def _port(server: subprocess.Popen[bytes], port_file: Path, log: Path) -> int:
    end = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < end:
        if port_file.exists() and (port := port_file.read_text().strip()):
            return int(port)
        time.sleep(0.05)
    sys.exit(f"the server did not start; it said:\n{log.read_text()}")


def show(page: Path, result: Recognition) -> None:
    """Prints the text and a table of its words."""
    console.rule(f"[bold]{page.name}[/]")
    console.print(result.text, markup=False)
    table = Table("word", "confidence", "line", "corners (x, y)", header_style="dim")
    for number, line in enumerate(result.lines):
        for word in line.words:
            corners = "  ".join(f"{corner.x:.0f},{corner.y:.0f}" for corner in word.quad.points)
            table.add_row(word.text, f"{word.confidence:.2f}", str(number), corners)
    console.print(table)
    console.print(f"[dim]{len(result.words)} words in {result.timings.total:.2f} s[/]")


def keep(page: Path, result: Recognition) -> None:
    """Writes demo/<page>.csv and demo/<page>.png."""
    picture = Picture(page.name, page)
    with (OUT / f"{page.stem}.csv").open("wb") as file:
        CsvWriter(file).add(picture, result)
    annotated(picture, result).save(OUT / f"{page.stem}.png")
    console.print(f"written: demo/{page.stem}.csv, demo/{page.stem}.png")


def main() -> None:
    """Reads all pages; ends with 1 when one cannot be read or nothing is found in it."""
    pages = sorted(path for path in PAGES.iterdir() if path.suffix in {".jpg", ".png"})
    if not pages:
        sys.exit(f"no pictures in {PAGES}")
    OUT.mkdir(exist_ok=True)
    console.print("starting a server …")
    with running_server() as address, Client(address) as client:
        client.wait_ready(START_SECONDS)
        for page in pages:
            result = client.recognize(page)
            show(page, result)
            keep(page, result)
            if not result.text:
                sys.exit(f"nothing was read in {page.name}")
    console.print(f"\n[bold green]Pages read: {len(pages)}.[/] The server has stopped.")


if __name__ == "__main__":
    try:
        main()
    except (ZorkyError, OSError) as error:
        sys.exit(f"demo failed: {error}")
