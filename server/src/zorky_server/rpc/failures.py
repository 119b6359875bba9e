"""Counts of calls that were not answered with OK, on their way to the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ..store import Failure

_KINDS = 1000
"""How many kinds are told apart between two writes. Callers choose their own names, so their number has no bound."""


class Failures:
    """Counts until they are taken. For one thread."""

    def __init__(self) -> None:
        self._counts: Counter[Failure] = Counter()

    def count(self, failure: Failure, times: int = 1) -> None:
        """Adds to one kind; where there are too many, to that of callers without a name."""
        if failure not in self._counts and len(self._counts) >= _KINDS:
            failure = Failure(failure.method, "", failure.status, failure.reason)
        self._counts[failure] += times

    def take(self) -> Mapping[Failure, int]:
        """All counts so far; they begin anew."""
        taken, self._counts = self._counts, Counter()
        return taken

    def give_back(self, taken: Mapping[Failure, int]) -> None:
        """Counts that could not be written, to be taken again."""
        for failure, times in taken.items():
            self.count(failure, times)
