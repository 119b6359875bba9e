"""Start and idleness

    python benchmarks/start.py [--full]

*Serving* is the time from the start of the process until its health says so, its files already in the disk's cache;
*CPU* is the processor time that this takes. *Idle* is the processor time that it takes while nobody asks for anything,
as a share of one core over 20 seconds.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from running import METERED, Check, cpu_seconds, full, process, publish, script, wait_for_file

IDLE = 20.0
"""Seconds."""


@contextmanager
def started() -> Iterator[tuple[float, int]]:
    """Runs a server until the block ends; gives the seconds until it served, and its process."""
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder) / "port"
        command = [script("zorky-server", "zorky-server"), "serve", "--port", "0", "--port-file", port_file]
        began = time.perf_counter()
        with process([*command, "--data-dir", folder, "--lame-duck", "0", *METERED]) as running:
            wait_for_file(port_file, running)
            with grpc.insecure_channel(f"127.0.0.1:{port_file.read_text().strip()}") as channel:
                answer = HealthStub(channel).Check(HealthCheckRequest(), wait_for_ready=True)
            if answer.status != HealthCheckResponse.SERVING:
                raise RuntimeError("the server wrote its port before it was serving")
            yield time.perf_counter() - began, running.pid


def figures(idle: float) -> tuple[float, float, float]:
    """Of one start: seconds until it served, processor time until then, share of a core in `idle` seconds."""
    with started() as (seconds, pid):
        cpu = cpu_seconds(pid)
        time.sleep(idle)
        return seconds, cpu, (cpu_seconds(pid) - cpu) / idle


def main(rounds: int) -> None:
    """Publishes the medians of some starts, after one that fills the disk's cache."""
    with started():
        pass
    seconds, cpu, idle = (median(values) for values in zip(*(figures(IDLE) for _ in range(rounds)), strict=True))
    row = {"starts": rounds, "serving s": seconds, "CPU s": cpu, "idle": idle}
    checks = [Check("start to serving, s", seconds, "<=", 3.0), Check("idle, of a core", idle, "<=", 0.01)]
    publish("start", [row], checks=checks)


if __name__ == "__main__":
    main(5 if full() else 1)
