"""The batcher, on sessions of plain numpy that record what reaches them."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from zorky_server.runtime.batcher import Batcher, Lane
from zorky_server.runtime.errors import ModelFailed


@dataclass
class Doubling:
    """Doubles its input; records batches; waits while the gate is closed; fails on negative numbers."""

    batches: list[list[float]] = field(default_factory=list)
    entered: threading.Event = field(default_factory=threading.Event)
    gate: threading.Event = field(default_factory=threading.Event)

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        self.batches.append(batch[:, 0].tolist())
        self.entered.set()
        self.gate.wait(10)
        if (batch < 0).any():
            raise ValueError("negative")
        return batch * 2


@dataclass(frozen=True)
class Number:
    value: float
    key: str = "a"
    cost: int = 1
    model: str = "double"

    @property
    def tensor(self) -> NDArray[np.float32]:
        return np.array([self.value], np.float32)


@asynccontextmanager
async def working(session: Doubling, workers: int = 1, budget: int = 100, open_: bool = True) -> AsyncIterator[Batcher]:
    if open_:
        session.gate.set()
    batcher = Batcher({"double": session}, workers, budget)
    work = asyncio.create_task(batcher.work())
    try:
        yield batcher
    finally:
        session.gate.set()
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def values(batcher: Batcher, *items: Number, **options: object) -> list[float]:
    return [answer.output[0] for answer in await batcher.run(items, **options)]  # type: ignore[arg-type]  # test's brevity


async def occupied(session: Doubling, batcher: Batcher) -> "asyncio.Task[list[float]]":
    """A worker held at the closed gate, so that what comes next has to wait."""
    task = asyncio.create_task(values(batcher, Number(0, key="first")))
    await asyncio.to_thread(session.entered.wait, 10)
    return task


async def test_answers_come_in_the_order_of_the_items() -> None:
    async with working(Doubling(), workers=2) as batcher:
        assert await values(batcher, Number(3), Number(1, key="b"), Number(2)) == [6, 2, 4]


async def test_items_that_wait_share_a_batch_up_to_the_budget_and_only_with_their_key() -> None:
    session = Doubling()
    async with working(session, budget=2, open_=False) as batcher:
        first = await occupied(session, batcher)
        rest = asyncio.create_task(values(batcher, Number(1), Number(2, key="b"), Number(3), Number(4)))
        await asyncio.sleep(0.01)
        session.gate.set()
        await asyncio.gather(first, rest)
    assert session.batches[1:] == [[1, 3], [2], [4]]


async def test_an_item_beyond_the_budget_runs_alone() -> None:
    async with working(Doubling(), budget=2) as batcher:
        assert await values(batcher, Number(1, cost=50)) == [2]


async def test_interactive_goes_before_bulk_and_the_earliest_deadline_first() -> None:
    session = Doubling()
    async with working(session, budget=1, open_=False) as batcher:
        waiting = [await occupied(session, batcher)]
        for value, options in [
            (1, {"lane": Lane.BULK, "deadline": 1.0}),
            (2, {"deadline": 9.0}),
            (3, {"deadline": 5.0}),
        ]:
            waiting.append(asyncio.create_task(values(batcher, Number(value), **options)))
            await asyncio.sleep(0.01)
        session.gate.set()
        await asyncio.gather(*waiting)
    assert session.batches[1:] == [[3], [2], [1]]


async def test_work_given_up_never_reaches_a_session() -> None:
    session = Doubling()
    async with working(session, open_=False) as batcher:
        first = await occupied(session, batcher)
        given_up = asyncio.create_task(values(batcher, Number(7)))
        await asyncio.sleep(0.01)
        given_up.cancel()
        with suppress(asyncio.CancelledError):
            await given_up
        session.gate.set()
        await first
        assert await values(batcher, Number(8)) == [16]
    assert [7] not in session.batches


async def test_one_bad_item_fails_alone() -> None:
    session = Doubling()
    async with working(session, open_=False) as batcher:
        first = await occupied(session, batcher)
        good = asyncio.create_task(values(batcher, Number(1), Number(2)))
        bad = asyncio.create_task(values(batcher, Number(-1)))
        await asyncio.sleep(0.01)
        session.gate.set()
        await first
        assert await good == [2, 4]
        with pytest.raises(ModelFailed, match="negative"):
            await bad
    assert [1, 2, -1] in session.batches


async def test_a_model_that_loses_outputs_is_found_out() -> None:
    class Losing(Doubling):
        def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
            return batch[1:]

    async with working(Losing()) as batcher:
        with pytest.raises(ModelFailed, match="0 outputs for 1 inputs"):
            await values(batcher, Number(1))


async def test_an_answer_tells_how_many_shared_its_batch_and_how_long_it_waited() -> None:
    session = Doubling()
    async with working(session, open_=False) as batcher:
        first = await occupied(session, batcher)
        rest = asyncio.create_task(batcher.run([Number(1), Number(2)]))
        await asyncio.sleep(0.05)
        session.gate.set()
        await first
        answers = await rest
    assert [answer.batch_size for answer in answers] == [2, 2]
    assert all(0.04 < answer.waited < 1 for answer in answers)
