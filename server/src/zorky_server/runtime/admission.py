"""Admits or sheds, before any work: bounded pending work, and nothing that cannot finish in time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from .errors import Overloaded

_MEMORY = 0.8
"""Weight of the past in the running mean of service times."""


class Admission:
    """Counts the requests inside and estimates when a new one would be done."""

    def __init__(self, max_pending: int, parallel: int) -> None:
        """max_pending: requests inside at most, running or waiting. parallel: requests served at once."""
        self._max_pending = max_pending
        self._parallel = parallel
        self._inside = 0
        self._service = 0.0

    def estimate(self) -> float:
        """Seconds until a request that comes now would be answered: those before it, then itself."""
        return self._service * (1 + self._inside / self._parallel)

    @contextmanager
    def admit(self, deadline: float) -> Iterator[None]:
        """Counts a request in and out. Raises Overloaded at once when it cannot be served by `deadline` (monotonic)."""
        estimate = self.estimate()
        if self._inside >= self._max_pending:
            raise Overloaded(f"{self._inside} requests are pending", retry_after=self._wait(estimate))
        if self._inside and monotonic() + estimate > deadline:
            raise Overloaded(f"an answer would take {estimate:.1f} s", retry_after=self._wait(estimate))
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    def record(self, service: float) -> None:
        """Learns the seconds that one request took, without its waiting."""
        self._service = _MEMORY * self._service + (1 - _MEMORY) * service if self._service else service

    def _wait(self, estimate: float) -> float:
        return max(0.1, math.ceil(estimate * 10) / 10)
