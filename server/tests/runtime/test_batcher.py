"""The batcher, on sessions of plain numpy that record what reaches them."""

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from math import inf
from time import monotonic

import numpy as np
import pytest
from numpy.typing import NDArray

from zorky_server.metrics import Metrics
from zorky_server.runtime.admission import Lane, Ticket
from zorky_server.runtime.batcher import Answer, Batcher, Call, Step
from zorky_server.runtime.errors import ModelFailed

numbers = count()


@dataclass
class Doubling:
    """Doubles its input; records batches; waits while the gate is closed; fails on negative numbers."""

    batches: list[list[float]] = field(default_factory=list)
    alone: list[bool] = field(default_factory=list)
    entered: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    gate: threading.Event = field(default_factory=threading.Event)
    device: str | None = None

    def run(self, batch: NDArray[np.float32], alone: bool = False) -> NDArray[np.float32]:
        self.batches.append(batch[:, 0].tolist())
        self.alone.append(alone)
        self.entered.release()
        self.gate.wait(10)
        if (batch < 0).any():
            raise ValueError("negative")
        return batch * 2


@dataclass(frozen=True)
class Number:
    value: float
    key: str = "a"
    cost: int = 1
    used: int = 1
    model: str = "double"

    @property
    def tensor(self) -> NDArray[np.float32]:
        return np.array([self.value], np.float32)


def ticket(lane: Lane = Lane.INTERACTIVE, deadline: float = inf) -> Ticket:
    return Ticket(lane, min(deadline, monotonic() + 60), next(numbers), deadline, None, 0.0)


class Caller:
    """Puts calls of one request and waits for their answers."""

    def __init__(self, batcher: Batcher, session: Doubling) -> None:
        self._batcher, self._session = batcher, session
        self.answers: dict[float, Answer | ModelFailed] = {}
        self._changed = threading.Condition()

    def put(self, *items: Number, ticket: Ticket) -> None:
        self._batcher.put([Call(ticket, self._session, item, self._answer(item.value)) for item in items])

    def _answer(self, value: float) -> Callable[[Answer | ModelFailed], None]:
        def answer(given: Answer | ModelFailed) -> None:
            with self._changed:
                self.answers[value] = given
                self._changed.notify_all()

        return answer

    async def answered(self, number: int) -> dict[float, Answer | ModelFailed]:
        def wait() -> None:
            with self._changed:
                assert self._changed.wait_for(lambda: len(self.answers) >= number, 10), self.answers

        await asyncio.to_thread(wait)
        return self.answers

    async def values(self, number: int) -> dict[float, float]:
        answers = await self.answered(number)
        return {value: float(one.output[0]) for value, one in answers.items() if isinstance(one, Answer)}


@asynccontextmanager
async def working(session: Doubling, workers: int = 1, budget: int = 100) -> AsyncIterator[tuple[Batcher, Caller]]:
    """A batcher whose first `workers` runs wait at the gate, so that what is put next has to wait; open it to go on."""
    batcher = Batcher(workers, budget, Metrics())
    batcher.start()
    caller = Caller(batcher, session)
    for i in range(workers):
        caller.put(Number(100 + i, key=f"first {i}"), ticket=ticket())
        await asyncio.to_thread(session.entered.acquire)
    try:
        yield batcher, caller
    finally:
        session.gate.set()
        await batcher.stop()


async def test_items_that_wait_share_a_batch_up_to_the_budget_and_only_with_their_key() -> None:
    session = Doubling()
    async with working(session, budget=2) as (_, caller):
        caller.put(Number(1), Number(2, key="b"), Number(3), Number(4), ticket=ticket())
        session.gate.set()
        assert await caller.values(5) == {100: 200, 1: 2, 2: 4, 3: 6, 4: 8}
    assert session.batches[1:] == [[1, 3], [2], [4]]


async def test_an_item_beyond_the_budget_runs_alone() -> None:
    session = Doubling()
    async with working(session, budget=2) as (_, caller):
        caller.put(Number(1, cost=50), Number(2, cost=50), ticket=ticket())
        session.gate.set()
        await caller.values(3)
    assert session.batches[1:] == [[1], [2]]


async def test_lines_of_several_requests_share_a_batch() -> None:
    session = Doubling()
    async with working(session) as (_, caller):
        caller.put(Number(1), ticket=ticket())
        caller.put(Number(2), ticket=ticket(Lane.BULK))
        session.gate.set()
        await caller.values(3)
    assert session.batches[1:] == [[1, 2]]


async def test_no_worker_stays_idle_for_the_sake_of_a_fuller_batch() -> None:
    session = Doubling()
    async with working(session, workers=2) as (batcher, caller):
        session.gate.set()
        await caller.values(2)
        session.gate.clear()
        caller.put(Number(1), Number(2), Number(3), Number(4), ticket=ticket())
        for _ in range(2):
            assert await asyncio.to_thread(session.entered.acquire, timeout=10)
        session.gate.set()
        await caller.values(6)
        assert batcher.depth() == {"interactive": 0, "bulk": 0}
    assert sorted(len(batch) for batch in session.batches[2:]) == [2, 2]


async def test_what_a_device_shall_run_gathers_while_it_is_busy_and_plain_steps_go_on() -> None:
    batcher = Batcher(3, 100, Metrics())
    session, stepped = Doubling(device="gpu"), threading.Event()
    caller = Caller(batcher, session)
    batcher.start()
    caller.put(Number(1), ticket=ticket())
    await asyncio.to_thread(session.entered.acquire)
    caller.put(Number(2), Number(3), ticket=ticket())
    caller.put(Number(4), ticket=ticket())
    batcher.put([Step(ticket(), stepped.set)])
    assert await asyncio.to_thread(stepped.wait, 10)
    session.gate.set()
    await caller.values(4)
    await batcher.stop()
    assert session.batches == [[1], [2, 3, 4]]


async def test_interactive_goes_before_bulk_and_the_earliest_deadline_first() -> None:
    session, now = Doubling(), monotonic()
    async with working(session, budget=1) as (_, caller):
        caller.put(Number(1), ticket=ticket(Lane.BULK, now + 100))
        caller.put(Number(2), ticket=ticket(deadline=now + 9))
        caller.put(Number(3), ticket=ticket(deadline=now + 5))
        session.gate.set()
        await caller.values(4)
    assert session.batches[1:] == [[3], [2], [1]]


async def test_what_was_begun_goes_before_what_came_later() -> None:
    session = Doubling()
    async with working(session, budget=1) as (_, caller):
        early, late = ticket(), ticket()
        caller.put(Number(2), ticket=late)
        caller.put(Number(1), ticket=early)
        session.gate.set()
        await caller.values(3)
    assert session.batches[1:] == [[1], [2]]


async def test_of_one_request_the_longest_line_goes_first() -> None:
    session = Doubling()
    async with working(session, budget=1) as (_, caller):
        caller.put(Number(1, cost=5), Number(2, cost=50), Number(3, cost=20), ticket=ticket())
        session.gate.set()
        await caller.values(4)
    assert session.batches[1:] == [[2], [3], [1]]


async def test_bulk_gets_its_share_among_any_number_of_interactive_items() -> None:
    session = Doubling()
    async with working(session, budget=1) as (_, caller):
        caller.put(Number(-0.0, key="bulk"), ticket=ticket(Lane.BULK))
        for value in range(1, 21):
            caller.put(Number(value), ticket=ticket())
        session.gate.set()
        await caller.values(22)
    assert session.batches.index([0]) <= 8


async def test_work_given_up_never_reaches_a_session() -> None:
    session = Doubling()
    async with working(session) as (batcher, caller):
        left = ticket()
        caller.put(Number(7), ticket=left)
        batcher.forget(left)
        assert batcher.depth()["interactive"] == 0
        leaving = ticket()
        caller.put(Number(9), ticket=leaving)
        leaving.left = True
        caller.put(Number(8), ticket=ticket())
        session.gate.set()
        await caller.values(2)
    assert session.batches[1:] == [[8]]


async def test_work_past_its_deadline_never_reaches_a_session() -> None:
    session = Doubling()
    async with working(session) as (_, caller):
        caller.put(Number(7), ticket=ticket(deadline=monotonic() + 0.02))
        caller.put(Number(8), ticket=ticket())
        await asyncio.sleep(0.05)
        session.gate.set()
        await caller.values(2)
    assert session.batches[1:] == [[8]]


async def test_one_bad_item_fails_alone() -> None:
    session = Doubling()
    async with working(session) as (_, caller):
        caller.put(Number(1), Number(-1), Number(2), ticket=ticket())
        session.gate.set()
        answers = await caller.answered(4)
    assert isinstance(answers[-1], ModelFailed)
    assert "negative" in str(answers[-1])
    assert await caller.values(4) == {100: 200, 1: 2, 2: 4}
    assert [1, -1, 2] in session.batches


async def test_a_model_that_loses_outputs_is_found_out() -> None:
    class Losing(Doubling):
        def run(self, batch: NDArray[np.float32], alone: bool = False) -> NDArray[np.float32]:
            return super().run(batch, alone)[1:]

    session = Losing()
    async with working(session) as (_, caller):
        session.gate.set()
        answers = await caller.answered(1)
    assert "0 outputs for 1 inputs" in str(answers[100])


async def test_a_run_is_alone_only_when_nothing_else_runs_or_waits() -> None:
    session = Doubling()
    async with working(session) as (_, caller):
        caller.put(Number(1), Number(2, key="b"), ticket=ticket())
        session.gate.set()
        await caller.values(3)
    assert session.alone == [True, False, True]


async def test_an_answer_tells_how_many_shared_its_batch_and_the_ticket_what_it_cost() -> None:
    session, one = Doubling(), ticket()
    async with working(session) as (_, caller):
        caller.put(Number(1), Number(2), ticket=one)
        session.gate.set()
        answers = await caller.answered(3)
    assert [answers[value].batch_size for value in (1, 2)] == [2, 2]  # type: ignore[union-attr]  # no failure here
    assert 0 < one.spent < 1


async def test_an_idle_worker_holds_nothing_of_the_last_picture() -> None:
    class Picture:
        def step(self) -> None:
            """Plain work on it."""

    picture = Picture()
    batcher, gone = Batcher(1, 1, Metrics()), threading.Event()
    weakref.finalize(picture, gone.set)
    batcher.start()
    batcher.put([Step(ticket(), picture.step)])
    del picture
    assert await asyncio.to_thread(gone.wait, 10)
    await batcher.stop()


async def test_a_broken_worker_is_told_of() -> None:
    def breaking() -> None:
        raise RuntimeError("a worker's last words")

    batcher = Batcher(1, 1, Metrics())
    broken = batcher.start()
    batcher.put([Step(ticket(), breaking)])
    with pytest.raises(RuntimeError, match="last words"):
        await asyncio.wait_for(broken, 10)
