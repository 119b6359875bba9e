"""What was acknowledged survives `kill -9`, and is there once. Short form of benchmarks/durability.py."""

import pytest
from durability import endure
from postgres import postgres

KILLS = 2
ENOUGH = 100


async def test_what_was_acknowledged_before_kill_9_is_there_after_it_and_once_on_sqlite(tmp_path):
    acknowledged, found = await endure(tmp_path, None, KILLS)
    assert len(acknowledged.feedback) > ENOUGH
    assert acknowledged.again > 0, "kills hit while feedback was on its way"
    assert found.is_well, found


@pytest.mark.postgres
async def test_what_was_acknowledged_before_kill_9_is_there_after_it_and_once_on_postgresql(tmp_path):
    with postgres(durable=True) as server:
        acknowledged, found = await endure(tmp_path, server, KILLS)
    assert len(acknowledged.feedback) > ENOUGH
    assert acknowledged.again > 0, "kills hit while feedback was on its way"
    assert found.is_well, found
