"""Short form of benchmarks/rolling.py: three replicas behind HAProxy, under load all the time."""

import pytest
from cluster import Cluster
from rolling import failure_check, hot_swap, one_killed, rolling_restart, swap_checks

pytestmark = pytest.mark.haproxy

CALLS = 200


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("cluster")) as three:
        yield three


async def test_a_rolling_restart_costs_no_call(cluster):
    calls = await rolling_restart(cluster, CALLS)
    assert not calls.failures


async def test_a_killed_replica_costs_no_call_that_is_tried_again(cluster):
    calls = await one_killed(cluster, CALLS)
    assert not calls.failures


async def test_a_model_is_replaced_under_load_and_a_broken_one_never_serves(cluster):
    calls = await hot_swap(cluster, CALLS)
    checks = [failure_check("hot swap", calls), *swap_checks(calls, cluster.version)]
    assert [check for check in checks if not check.holds] == []
