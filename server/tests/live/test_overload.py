"""Short form of benchmarks/overload.py, with limits that a slow and busy machine keeps too."""

from load import percentile
from overload import DEADLINE, breaches, overload, peak_of

LONGEST = 640
"""Pixels of the pages' longer side: small ones, so that a few seconds have many."""


async def test_three_times_what_can_be_done_leaves_most_of_it_done_in_time(server):
    await peak_of(server.address, 3.0, LONGEST)
    peak = (await peak_of(server.address, 5.0, LONGEST)).goodput
    span = await overload(server.address, 3 * peak, 8.0, LONGEST)
    assert span.refusals, "the load was none"
    assert [check for check in breaches("3x", span) if not check.holds] == []
    assert span.goodput >= 0.6 * peak
    assert percentile(span.accepted, 95) <= DEADLINE
    assert percentile([one.seconds for one in span.refusals], 50) <= 0.25
