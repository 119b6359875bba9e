"""Short form of benchmarks/soak.py: starting up costs a few KiB a request, so the control keeps more of each."""

import numpy as np
from replica import SERVE, Replica
from soak import CROPS, LEAKING, soak, theil_sen

REQUESTS = 600
KEPT = 64 * 1024
MAX_SLOPE = 24 * 1024


async def test_memory_does_not_grow_with_the_requests(tmp_path):
    with Replica(tmp_path, program=SERVE) as server:
        found = await soak(server, REQUESTS, CROPS)
    assert found.wrong == 0, found.ends
    assert found.slope() < MAX_SLOPE
    assert found.peak < 600e6


async def test_a_leak_is_found_out(tmp_path, monkeypatch):
    monkeypatch.setenv("LEAK", str(KEPT))
    with Replica(tmp_path, program=LEAKING) as server:
        found = await soak(server, REQUESTS, CROPS)
    assert found.wrong == 0, found.ends
    assert found.slope() > MAX_SLOPE


def test_a_quarter_of_wild_points_does_not_turn_the_slope():
    x = np.arange(40.0)
    y = 3.0 * x
    y[::4] += 1e6
    assert theil_sen(list(zip(x, y, strict=True))) == 3.0
