"""Start and idleness

    python benchmarks/start.py [--full]

*Serving* is the time from the start of the process until its health says so, its files already in the disk's cache;
*CPU* is the processor time that this takes. *Idle* is the processor time that it takes while nobody asks for anything,
as a share of one core over 20 seconds.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from running import METERED, Check, cpu_seconds, full, process, publish, script, wait_for_file

IDLE = 20.0
"""Seconds."""


def started() -> tuple[float, float, float]:
    """One server's seconds until it serves, its processor time until then, and its share of a core when idle."""
    with tempfile.TemporaryDirectory() as folder:
        port_file = Path(folder) / "port"
        command = [script("zorky-server", "zorky-server"), "serve", "--port", "0", "--port-file", port_file]
        began = time.perf_counter()
        with process([*command, "--data-dir", folder, "--lame-duck", "0", *METERED]) as running:
            wait_for_file(port_file, running)
            with grpc.insecure_channel(f"127.0.0.1:{port_file.read_text().strip()}") as channel:
                answer = HealthStub(channel).Check(HealthCheckRequest(), wait_for_ready=True)
            serving = time.perf_counter() - began
            if answer.status != HealthCheckResponse.SERVING:
                raise RuntimeError("the server wrote its port before it was serving")
            cpu = cpu_seconds(running.pid)
            time.sleep(IDLE)
            return serving, cpu, (cpu_seconds(running.pid) - cpu) / IDLE


def main(rounds: int) -> None:
    """Publishes the medians of some starts, after one that fills the disk's cache."""
    started()
    found = [started() for _ in range(rounds)]
    serving, cpu, idle = (median(values) for values in zip(*found, strict=True))
    row = {"starts": rounds, "serving s": serving, "CPU s": cpu, "idle": idle}
    checks = [Check("start to serving, s", serving, "<=", 3.0), Check("idle, of a core", idle, "<=", 0.01)]
    publish("start", [row], checks=checks)


if __name__ == "__main__":
    main(5 if full() else 1)
