"""A PostgreSQL of one's own, thrown away afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_USER = "zorky"
_RECKLESS = ("fsync=off", "full_page_writes=off")
_PATIENCE = 60.0


def binaries() -> Path | None:
    """The folder of PostgreSQL's programs; None where it is not installed. Debian keeps it off the PATH."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None, key=lambda path: int(path.parent.name))


class Postgres:
    """A running server, reached through a socket in its own folder."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        """durable: what was committed survives a crash of the machine; else only one of the server."""
        self.folder = folder
        self.data = folder / "data"
        self._binaries = binaries()
        self._durable = durable
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        self._run("initdb", "-D", str(self.data), "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-sync")
        self._process = self._started()

    def create(self) -> str:
        """Makes an empty database and returns its URL."""
        database = f"test_{uuid.uuid4().hex}"
        self._run("createdb", "-h", str(self.folder), "-U", _USER, database)
        return f"postgresql://{_USER}@/{database}?host={self.folder}"

    def ask(self, database: str, statement: str) -> str:
        """What psql prints as the answer, columns separated by bars."""
        flags = ("-h", str(self.folder), "-U", _USER, "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1")
        return self._run("psql", *flags, "-c", statement, database).strip()

    def restart(self, number: signal.Signals = signal.SIGINT) -> None:
        """Ends it (SIGINT: in order; SIGQUIT: as if it had crashed) and starts it again."""
        self.stop(number)
        self.start()

    def start(self) -> None:
        """Starts it again after `stop`."""
        self._process = self._started()

    def stop(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """Ends it."""
        self._process.send_signal(number)
        self._process.wait(_PATIENCE)

    def _started(self) -> subprocess.Popen[bytes]:
        settings = ["listen_addresses=", f"unix_socket_directories={self.folder}"]
        settings += () if self._durable else _RECKLESS
        flags = [word for setting in settings for word in ("-c", setting)]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [f"{self._binaries}/postgres", "-D", self.data, *flags], stdout=log, stderr=log, **_as_nobody_special()
            )
        end = time.monotonic() + _PATIENCE
        while subprocess.run([f"{self._binaries}/pg_isready", "-q", "-h", self.folder]).returncode:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError((self.folder / "log").read_text())
            time.sleep(0.02)
        return process

    def _run(self, program: str, *flags: str) -> str:
        return subprocess.run(
            [f"{self._binaries}/{program}", *flags],
            check=True,
            capture_output=True,
            text=True,
            cwd=self.folder,
            **_as_nobody_special(),
        ).stdout


def _as_nobody_special() -> dict[str, object]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    return {"user": "postgres", "group": pwd.getpwnam("postgres").pw_gid, "extra_groups": []}


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """One that runs until the block ends."""
    with tempfile.TemporaryDirectory(prefix="zorky-pg-") as folder:
        server = Postgres(Path(folder), durable=durable)
        try:
            yield server
        finally:
            server.stop()
