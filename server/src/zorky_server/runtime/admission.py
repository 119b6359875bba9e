"""Admits or sheds, before any work: bounded pending work, and nothing that cannot finish in time.

What a request costs is learned by its kind, which the caller names (requests of one kind cost about the same). Whether
it can finish in time is the processor demand test of earliest deadline first (Baruah, Rosier and Howell 1990): the work
that goes before it, shared by the workers, and then its own must end before its deadline; nor may it push one that was
admitted before beyond its own. Estimates are stretched until nearly all answers come when they were expected: what else
the machine does, refusing among it, shows in nothing but that.
"""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count
from time import monotonic

from ..metrics import Metrics, Reason
from .errors import Overloaded

_MEMORY = 0.8
"""Weight of the past in the running mean of what a kind costs."""
_REST = 0.1
"""Part of its estimate that a request which took longer than estimated still needs, as far as anyone can tell."""
_PATIENCE = 10.0
"""Seconds after which one who waits without a deadline is as urgent as one whose deadline is now."""
_AFTERWARDS = 0.1
"""Seconds before the deadline at which the value must be there, for recording and sending it."""
_SLACK = 0.05
"""Seconds by which any value may come later than estimated, however small its work."""
_WIDER, _NARROWER = 0.1, 0.002
"""Added to the stretch by a value that came late, and taken off by one in time: it settles where one in 50 is late (a
quantile by the method of Robbins and Monro)."""
_WIDEST = 4.0


class Lane(IntEnum):
    """Who waits: a person, or nobody."""

    INTERACTIVE = 0
    BULK = 1


@dataclass(order=True, slots=True)
class Ticket:
    """The place of one request that was admitted. Tickets sort by urgency, and no two are equal."""

    lane: Lane
    due: float
    """Moment of time.monotonic() by which the answer should be there."""
    number: int
    deadline: float = field(compare=False)
    """Moment of time.monotonic() after which nobody wants the answer; may be infinity."""
    kind: Hashable = field(compare=False)
    estimate: float = field(compare=False)
    """Seconds of one core that it is expected to cost."""
    spent: float = field(compare=False, default=0.0)
    """Seconds of one core that it has cost so far."""
    admitted: float = field(compare=False, default_factory=monotonic)
    """Moment of time.monotonic()."""
    planned: float = field(compare=False, default=0.0)
    """Seconds from then to its value, as estimated without any stretch."""
    left: bool = field(compare=False, default=False)
    """Whether nobody waits for the answer any more."""

    @property
    def rest(self) -> float:
        """Seconds of one core that it still needs."""
        return max(self.estimate - self.spent, _REST * self.estimate)

    def is_gone(self, now: float) -> bool:
        """Whether work on it is of no use any more."""
        return self.left or now >= self.deadline


class Admission:
    """Knows the requests inside, and estimates when a new one would be done. Used on the event loop alone."""

    def __init__(self, max_pending: int, workers: int, metrics: Metrics) -> None:
        """max_pending: requests inside at most, running or waiting. workers: cores that serve them."""
        self._max_pending = max_pending
        self._workers = workers
        self._metrics = metrics
        self._inside: list[Ticket] = []
        self._costs: dict[Hashable, float] = {}
        self._numbers = count()
        self._stretch = 1.0

    def __len__(self) -> int:
        """Requests inside."""
        return len(self._inside)

    @contextmanager
    def admit(self, kind: Hashable, deadline: float, lane: Lane) -> Iterator[Ticket]:
        """Counts a request in and out. Raises Overloaded at once when it cannot be served by `deadline` (monotonic)."""
        due = min(deadline, monotonic() + _PATIENCE)
        ticket = Ticket(lane, due, next(self._numbers), deadline, kind, self._expected(kind))
        if len(self._inside) >= self._max_pending:
            self._shed("full", f"{len(self._inside)} requests are pending", self._work(self._inside) / self._workers)
        lateness = self._lateness(ticket)
        if lateness > 0 and self._inside:  # an idle server tries even the impossible
            self._shed("late", f"no answer could be given before the deadline, but {lateness:.1f} s later", lateness)
        insort(self._inside, ticket)
        try:
            yield ticket
        finally:
            ticket.left = True
            self._inside.remove(ticket)

    def learn(self, ticket: Ticket) -> None:
        """Remembers what a request has cost whose value is there, and whether it was there when it was expected."""
        known = self._costs.get(ticket.kind, ticket.spent)
        self._costs[ticket.kind] = _MEMORY * known + (1 - _MEMORY) * ticket.spent
        late = monotonic() > ticket.admitted + self._stretch * ticket.planned + _SLACK
        self._stretch = min(_WIDEST, self._stretch + _WIDER) if late else max(1.0, self._stretch - _NARROWER)

    def missed(self) -> None:
        """Remembers that a request was admitted in vain: its deadline passed."""
        self._stretch = min(_WIDEST, self._stretch + _WIDER)

    def _expected(self, kind: Hashable) -> float:
        """Seconds of one core: what the kind cost lately, or all kinds on average where it is new."""
        if kind in self._costs or not self._costs:
            return self._costs.get(kind, 0.0)
        return sum(self._costs.values()) / len(self._costs)

    def _lateness(self, new: Ticket) -> float:
        """Seconds by which the new one, or one that it pushes back, would miss its deadline; 0 or less: none would."""
        now = monotonic()
        before = [ticket for ticket in self._inside if ticket < new]
        ahead = self._work(before)
        new.planned = self._time(ahead, new)
        worst = self._end(now, ahead, new) - new.deadline
        for ticket in self._inside[len(before) :]:
            if self._end(now, ahead, ticket) <= ticket.deadline:  # one that is late already is no reason to refuse
                worst = max(worst, self._end(now, ahead + new.rest, ticket) - ticket.deadline)
            ahead += ticket.rest
        return worst

    def _end(self, now: float, ahead: float, ticket: Ticket) -> float:
        return now + self._stretch * self._time(ahead, ticket) + _SLACK + _AFTERWARDS

    def _time(self, ahead: float, ticket: Ticket) -> float:
        return ahead / self._workers + ticket.rest

    @staticmethod
    def _work(tickets: list[Ticket]) -> float:
        return sum(ticket.rest for ticket in tickets)

    def _shed(self, reason: Reason, message: str, wait: float) -> None:
        self._metrics.shed(reason)
        raise Overloaded(message, retry_after=max(0.1, math.ceil(wait * 10) / 10))
