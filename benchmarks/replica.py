"""One server process whose life a measurement holds in its hands."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from running import Server, script

_PATIENCE = 120.0
"""Seconds that starting may take, and stopping."""
_PYTHON = script("zorky-server", "zorky-server").with_name("python")
"""Of the environment that has the server, which need not be the one that measures."""
SERVE = ("-m", "zorky_server")


class Replica:
    """A `zorky-server serve` on a free port that it keeps when started again. Use `with`: it ends killed."""

    def __init__(self, folder: Path, *flags: str, program: Sequence[str] = SERVE) -> None:
        """folder: for its data, port file and log. program: arguments of Python that run the server."""
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "log"
        self._port_file = folder / "port"
        self._command = [str(_PYTHON), *program, "serve", *("--data-dir", str(folder)), *flags]
        self._port = "0"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def launch(self) -> None:
        """Starts the process without waiting for it."""
        self._port_file.unlink(missing_ok=True)
        command = [*self._command, "--port", self._port, "--port-file", str(self._port_file)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def start(self) -> None:
        """Starts it and returns when it serves. Raises RuntimeError when it does not."""
        self.launch()
        patience = time.monotonic() + _PATIENCE
        while not self.is_serving():
            if self._running.poll() is not None or time.monotonic() > patience:
                raise RuntimeError(f"the server did not start; it said:\n{self.log.read_text()}")
            time.sleep(0.02)

    def is_serving(self) -> bool:
        """Whether it got so far since it was launched."""
        if not self._port_file.exists():
            return False
        self._port = self._port_file.read_text().strip()
        return True

    @property
    def serving(self) -> Server:
        """To ask for its metrics, when it was started with METERED."""
        return Server(self.address, self._running.pid, self._port_file)

    def tell(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        self._running.send_signal(number)

    def ended(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._running.poll()

    def kill(self) -> None:
        """SIGKILL, without goodbye."""
        self._running.kill()
        self._running.wait()

    def resident(self) -> int:
        """Bytes of memory that it has now."""
        return self._status("VmRSS")

    def resident_peak(self) -> int:
        """Bytes of memory that it had at most."""
        return self._status("VmHWM")

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the server was never launched")
        return self._process

    def _status(self, name: str) -> int:
        status = Path(f"/proc/{self._running.pid}/status").read_text()
        found = re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)
        if found is None:
            raise RuntimeError(f"the server ended; it said:\n{self.log.read_text()}")
        return int(found[1]) * 1024
