"""Overload

Pages of 1280x960 (drawn), deadlines of 2 s. First the peak: callers who wait for their answers. Then 1, 3 and 10 times
as many calls a second, sent whether or not anybody answers (a Poisson process), and health probes every 100 ms all
along. A call's time starts at the moment at which it was to be sent. Goodput: answers within the deadline. Accepted:
all that was not refused, so a call that never got its answer counts among the slow ones.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from time import monotonic

from drawn import pages
from load import Answer, Caller, Effort, closed_loop, is_serving, open_loop, percentile, probed
from running import Check, Plot, full, publish, server

DEADLINE = 2.0
FACTORS = (1, 3, 10)
_LONGEST = 1280
_WARM_UP = 2.0
"""Seconds at the start of a load that do not count: nobody waits yet."""
_CONCURRENCY = 8
"""Callers who find the peak: enough that no core waits, few enough that none of them waits for long."""
_CONNECTIONS = 4


@dataclass(frozen=True, slots=True)
class Span:
    """What happened under one load, from its first call to its last answer."""

    answers: Sequence[Answer]
    probes: Sequence[Answer]
    started: float
    seconds: float
    """For how long calls were sent."""
    effort: float
    """Share of a core that the generator itself took."""
    deadline: float = DEADLINE

    @property
    def goodput(self) -> float:
        """Answers within the deadline a second, while calls came."""
        first, last = self.started + _WARM_UP, self.started + self.seconds
        good = [one for one in self.answers if one.ok and one.seconds <= self.deadline and first <= one.done < last]
        return len(good) / (last - first)

    @property
    def accepted(self) -> list[float]:
        """Seconds that calls took that were not refused, those without an answer in the end included."""
        return [one.seconds for one in self.answers if not one.refused]

    @property
    def refusals(self) -> list[Answer]:
        return [one for one in self.answers if one.refused]

    @property
    def failures(self) -> list[Answer]:
        """Neither answered nor refused nor out of time."""
        return [one for one in self.answers if not one.ok and not one.refused and one.code.name != "DEADLINE_EXCEEDED"]

    @property
    def failed_probes(self) -> int:
        return sum(not is_serving(one) for one in self.probes)


async def peak_of(address: str, seconds: float, longest: int = _LONGEST) -> Span:
    """Callers who wait for their answers. longest: pixels of the longer side of their pages."""
    requests = cycle(pages(longest))
    async with Caller(address, connections=_CONNECTIONS) as caller, probed(address) as probes:
        started, effort = monotonic(), Effort()
        answers = await closed_loop(lambda: caller.call(next(requests)), _CONCURRENCY, seconds)
        return Span(answers, probes, started, seconds, effort.share(), deadline=math.inf)


async def overload(address: str, rate: float, seconds: float, longest: int = _LONGEST) -> Span:
    """Callers who do not wait. rate: calls a second."""
    requests = cycle(pages(longest))
    async with Caller(address, connections=_CONNECTIONS) as caller, probed(address) as probes:
        started, effort = monotonic(), Effort()
        answers = await open_loop(
            lambda moment: caller.call(next(requests), patience=DEADLINE, intended=moment),
            rate,
            seconds,
            random.Random(rate),
        )
        return Span(answers, probes, started, seconds, effort.share())


def row_of(name: str, span: Span, peak: float) -> dict[str, object]:
    """A row of the table."""
    refusals = [one.seconds for one in span.refusals]
    return {
        "load": name,
        "calls/s": len(span.answers) / span.seconds,
        "goodput/s": span.goodput,
        "of peak": span.goodput / peak,
        "accepted p50 s": percentile(span.accepted, 50),
        "accepted p99 s": percentile(span.accepted, 99),
        "refused": len(refusals),
        "refusal p99 ms": 1e3 * percentile(refusals, 99) if refusals else None,
        "failed": len(span.failures),
        "probes": len(span.probes),
        "probes failed": span.failed_probes,
        "probe p99 ms": 1e3 * percentile([one.seconds for one in span.probes], 99),
        "sent late p99 ms": 1e3 * percentile([one.sent - one.intended for one in span.answers], 99),
        "generator's cores": span.effort,
    }


def checks_of(name: str, span: Span, peak: float) -> list[Check]:
    """What must hold under a load."""
    refusals = [one.seconds for one in span.refusals]
    probes = [one.seconds for one in span.probes]
    late = [one.sent - one.intended for one in span.answers]
    checks = [
        Check(f"{name}: p99 of calls sent too late, ms", 1e3 * percentile(late, 99), "<=", 50),
        Check(f"{name}: goodput / peak", span.goodput / peak, ">=", 0.9),
        Check(f"{name}: p99 of the accepted, s", percentile(span.accepted, 99), "<=", DEADLINE),
        Check(f"{name}: p99 of health probes, ms", 1e3 * percentile(probes, 99), "<=", 100),
        *breaches(name, span),
    ]
    if refusals:
        checks.append(Check(f"{name}: p99 of refusals, ms", 1e3 * percentile(refusals, 99), "<=", 50))
    return checks


def breaches(name: str, span: Span) -> list[Check]:
    """What must hold on any machine, however slow."""
    silent = sum(one.retry_after is None for one in span.refusals)
    return [
        Check(
            f"{name}: failed calls {dict(Counter(one.code.name for one in span.failures))}", len(span.failures), "<=", 0
        ),
        Check(f"{name}: refusals without RetryInfo", silent, "<=", 0),
        Check(f"{name}: failed health probes", span.failed_probes, "<=", 0),
    ]


async def measure(address: str, seconds: float) -> None:
    """Publishes the table."""
    await peak_of(address, _WARM_UP + 2)
    best = await peak_of(address, seconds)
    peak = best.goodput
    rows, checks = [row_of("peak", best, peak)], []
    for factor in FACTORS:
        span = await overload(address, factor * peak, seconds)
        rows.append(row_of(f"{factor}x", span, peak))
        checks += checks_of(f"{factor}x", span, peak)
    publish("overload", rows, plot=Plot("bars", "load", "of peak", "load"), checks=checks)


if __name__ == "__main__":
    length = 30.0 if full() else 10.0
    with server() as one:
        asyncio.run(measure(one.address, length))
