"""How long one page takes when nothing else runs: the example pages as 1280x960 pictures and 4000x3000 photos.

    python benchmarks/latency.py [ROUNDS]

The pages are drawn, not photographed. Times are of the whole call as the client sees it, connection kept open.
"""

from __future__ import annotations

import io
import statistics
import sys
import time
from pathlib import Path

from PIL import Image
from running import publish, server

from zorky_client import Client

EXAMPLES = Path(__file__).parent.parent / "examples"
SIZES = {"1280x960": (1280, 960), "4000x3000": (4000, 3000)}


def pictures(size: tuple[int, int]) -> list[bytes]:
    """The example pages as JPEGs of this size, or upright of this size turned."""
    made = []
    for path in sorted(EXAMPLES.glob("*.jpg")):
        image = Image.open(path)
        wanted = size if image.width > image.height else size[::-1]
        file = io.BytesIO()
        image.resize(wanted, Image.Resampling.LANCZOS).save(file, "JPEG", quality=90)
        made.append(file.getvalue())
    return made


def main(rounds: int) -> None:
    """Measures both sizes in turn and publishes the table."""
    rows: list[dict[str, object]] = []
    with server() as serving, Client(serving.address) as client:
        for name, size in SIZES.items():
            files, seconds, words = pictures(size), [], 0
            for file in files:
                words += len(client.recognize(file).words)
            for file in files * rounds:
                started = time.perf_counter()
                client.recognize(file)
                seconds.append(time.perf_counter() - started)
            row = {"picture": name, "calls": len(seconds), "words a page": words / len(files)}
            cuts = statistics.quantiles(seconds, n=20)
            rows.append(row | {"median s": statistics.median(seconds), "p95 s": cuts[-1], "max s": max(seconds)})
    publish("latency", rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
