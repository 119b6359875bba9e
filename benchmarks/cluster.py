"""Three replicas behind HAProxy, as a deployment would run them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from replica import Replica
from running import METERED

import zorky_models

REPLICAS = 3
_CONFIGURATION = Path(__file__).with_name("haproxy.cfg")
_LAME_DUCK = 2.0
"""Seconds, in which the balancer, who asks four times a second, notices twice over."""
_PATIENCE = 120.0
_IN_SIGHT = 0.02
"""Seconds between two looks at something awaited."""


class Cluster:
    """The replicas share a folder of models and nothing else. Use `with`; `address` is HAProxy's."""

    def __init__(self, folder: Path) -> None:
        """folder: an empty one, for all that they write."""
        self._models = Models(folder)
        flags = ("--workers", "1", "--lame-duck", str(_LAME_DUCK), *METERED)
        self.replicas = [
            Replica(folder / str(number), *flags, "--models-dir", str(self._models.link)) for number in range(REPLICAS)
        ]
        self._log = folder / "haproxy.log"
        self._stats = folder / "stats"
        self._front = socket.create_server(("127.0.0.1", 0))
        self._balancer: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        for replica in self.replicas:
            replica.launch()
        wait_until(lambda: all(replica.is_serving() for replica in self.replicas))
        self._balance()
        wait_until(lambda: all(self.is_up(number) for number in range(REPLICAS)))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._balancer:
            self._balancer.kill()
            self._balancer.wait()
        self._front.close()
        for replica in self.replicas:
            replica.kill()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._front.getsockname()[1]}"

    @property
    def version(self) -> str:
        """Of the model that the replicas started with."""
        return self._models.version

    def is_up(self, number: int) -> bool:
        """Whether HAProxy gives this replica new calls."""
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(str(self._stats))
            asked.sendall(b"show servers state replicas\n")
            lines = asked.makefile().read().splitlines()
        # version, names of the columns, servers: the sixth column is 2 for a server that runs
        return lines[2 + number].split()[5] == "2"

    def restart(self, number: int) -> None:
        """As a deployment does it: asks the replica to stop, waits for its end, starts it, waits until it gets calls.
        Raises RuntimeError when it does not end with status 0."""
        replica = self.replicas[number]
        replica.tell(signal.SIGTERM)
        wait_until(lambda: replica.ended() is not None)
        if replica.ended() != 0:
            raise RuntimeError(f"replica {number} ended with {replica.ended()}; it said:\n{replica.log.read_text()}")
        replica.start()
        wait_until(lambda: self.is_up(number))

    def kill(self, number: int) -> None:
        """SIGKILL; returns when HAProxy has noticed."""
        self.replicas[number].kill()
        wait_until(lambda: not self.is_up(number))

    def start(self, number: int) -> None:
        """Starts one that was killed; returns when it gets calls."""
        self.replicas[number].start()
        wait_until(lambda: self.is_up(number))

    def reload(self, version: str, *, broken: bool = False) -> None:
        """Puts a model of this version in place and tells all replicas; returns when each has switched or refused.
        broken: one byte of its recogniser is another."""
        before = self._reloads(broken)
        self._models.install(version, broken=broken)
        for replica in self.replicas:
            replica.tell(signal.SIGHUP)
        wait_until(lambda: all(now > then for now, then in zip(self._reloads(broken), before, strict=True)))

    def _reloads(self, broken: bool) -> list[float]:
        outcome = "refused" if broken else "switched"
        return [replica.serving.metric("zorky_reloads_total", outcome=outcome) for replica in self.replicas]

    def _balance(self) -> None:
        addresses = {f"REPLICA_{number}": one.address for number, one in enumerate(self.replicas, start=1)}
        front = self._front.fileno()
        with self._log.open("wb") as log:
            self._balancer = subprocess.Popen(
                ["haproxy", "-db", "-f", str(_CONFIGURATION)],
                env=os.environ | addresses | {"FRONT": str(front), "STATS": str(self._stats)},
                pass_fds=[front],
                stdout=log,
                stderr=log,
            )
        wait_until(self._stats.exists)


class Models:
    """Versions of the installed model beside each other, and a link to the one in use: switched at once, never half."""

    def __init__(self, folder: Path) -> None:
        self.link = folder / "models"
        self._folder = folder
        self._count = 0
        self.version = str(json.loads((zorky_models.ROOT / "handwriting" / "manifest.json").read_text())["version"])
        self.install(self.version)

    def install(self, version: str, *, broken: bool = False) -> None:
        """Copies the installed model under another version and lets the link point to it."""
        self._count += 1
        root = self._folder / f"models-{self._count}"
        model = Path(shutil.copytree(zorky_models.ROOT / "handwriting", root / "handwriting"))
        manifest = json.loads((model / "manifest.json").read_text())
        (model / "manifest.json").write_text(json.dumps(manifest | {"version": version}))
        if broken:
            _flip_a_byte(model / manifest["weights"]["recognizer"]["file"])
        draft = self.link.with_name("models.new")
        draft.symlink_to(root)
        draft.replace(self.link)


def _flip_a_byte(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


def wait_until(holds: Callable[[], bool]) -> None:
    """Raises TimeoutError when it takes more than two minutes."""
    end = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(_IN_SIGHT)
