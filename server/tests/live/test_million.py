"""Short form of benchmarks/million.py. Processor time, not seconds: others may be using the machine."""

import asyncio
import json
import time

import pytest
from million import YEAR, feedback, fill, latest, report, reports_beside

from zorky_server.store import StorePlace, open_store

PICTURES = 20_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store of a year, and what the command says of it."""
    folder = tmp_path_factory.mktemp("year")
    counts = asyncio.run(fill(folder, PICTURES))
    return folder, counts


def test_a_year_is_reported_with_little_work_and_memory(folder):
    folder, (pictures, _) = folder
    taken = report(folder, YEAR)
    assert json.loads((folder / "report").read_text())["total"]["pictures"] == pictures > 0.9 * PICTURES
    assert taken.cpu <= 3.0
    assert taken.peak <= 200


async def test_feedback_takes_little_work_and_goes_on_while_reports_are_made(folder):
    folder, _ = folder
    store = await open_store(StorePlace(folder), 3600)
    ids = await latest(store, 300)
    async with reports_beside(folder) as ended:
        began = time.process_time()
        taken = await feedback(store, ids, callers=16)
        work = time.process_time() - began
        while not ended:
            await feedback(store, ids[:1], callers=1)
    await store.close()
    assert len(taken) == 300
    assert work / 300 <= 0.005
    assert not any(ended)
