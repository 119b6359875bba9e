"""Counts of calls that were not answered with OK, on their way to the store."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping

from ..store import Failure

_NAMES = 50
"""Callers told apart until the server stops. They choose their names themselves, so the number of names has no bound,
and each has rows of its own in the store."""


class Failures:
    """Counts until they are taken. For one thread."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        """clock: seconds since 1970."""
        self._clock = clock
        self._names: set[str] = set()
        self._counts: Counter[Failure] = Counter()

    def count(self, method: str, client: str, status: str, reason: str) -> None:
        """Adds one that ended now; where there are too many names, to callers without one."""
        if len(self._names) < _NAMES:
            self._names.add(client)
        known = client if client in self._names else ""
        self._counts[Failure(int(self._clock() // 3600), method, known, status, reason)] += 1

    def take(self) -> Mapping[Failure, int]:
        """All counts so far; they begin anew."""
        taken, self._counts = self._counts, Counter()
        return taken

    def give_back(self, taken: Mapping[Failure, int]) -> None:
        """Counts that could not be written, to be taken again."""
        self._counts.update(taken)
