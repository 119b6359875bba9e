"""The engine, driving generators of the tests' own over a session of plain numpy."""

import asyncio
import time
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from zorky_server.metrics import Metrics
from zorky_server.runtime.engine import Engine, drive
from zorky_server.runtime.errors import Expired, ModelFailed, Overloaded


class Doubling:
    device = None

    def run(self, batch: NDArray[np.float32], alone: bool = False) -> NDArray[np.float32]:  # noqa: ARG002 (Session's)
        time.sleep(0.02)
        if (batch < 0).any():
            raise ValueError("negative")
        return batch * 2


@dataclass(frozen=True)
class Call:
    value: float
    model: str = "double"
    key: str = "a"
    cost: int = 1
    used: int = 1

    @property
    def tensor(self) -> NDArray[np.float32]:
        return np.array([self.value], np.float32)


@dataclass(frozen=True)
class Ask:
    stage: str
    calls: Sequence[Call] = ()


SESSIONS = {"double": Doubling()}
Steps = Generator[Ask, Sequence[NDArray[np.float32]], float]


def quadruple(value: float) -> Steps:
    time.sleep(0.03)
    yield Ask("prepare")
    (doubled,) = yield Ask("double", [Call(value)])
    (again,) = yield Ask("double", [Call(float(doubled[0]))])
    return float(again[0])


@asynccontextmanager
async def running(max_pending: int = 64) -> AsyncIterator[Engine]:
    engine = Engine(workers=2, budget=8, max_pending=max_pending, metrics=Metrics())
    engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def test_a_task_gets_the_outputs_it_asked_for_and_its_value_comes_back() -> None:
    async with running() as engine:
        outcomes = await asyncio.gather(*(engine.run(quadruple(i), SESSIONS) for i in range(20)))
    assert [outcome.value for outcome in outcomes] == [4 * i for i in range(20)]


async def test_every_moment_is_counted_once() -> None:
    async with running() as engine:
        outcome = await engine.run(quadruple(1), SESSIONS)
    assert outcome.stages["prepare"] >= 0.03
    assert outcome.stages["double"] >= 0.04
    assert sum(outcome.stages.values()) + outcome.queue == pytest.approx(outcome.total, abs=1e-3)


async def test_what_a_task_raises_reaches_its_caller_and_nobody_else() -> None:
    def broken() -> Steps:
        yield Ask("prepare")
        raise LookupError("nothing here")

    async with running() as engine:
        good, bad = await asyncio.gather(
            engine.run(quadruple(1), SESSIONS), engine.run(broken(), SESSIONS), return_exceptions=True
        )
        assert isinstance(bad, LookupError)
        assert not isinstance(good, BaseException)
        assert good.value == 4


async def test_a_failing_model_fails_the_task_that_called_it() -> None:
    async with running() as engine:
        with pytest.raises(ModelFailed):
            await engine.run(quadruple(-1), SESSIONS)
        assert (await engine.run(quadruple(2), SESSIONS)).value == 8


async def test_a_request_beyond_the_bound_is_shed_before_any_of_its_work() -> None:
    touched = []

    def touching() -> Steps:
        touched.append(True)
        return (yield from quadruple(1))

    async with running(max_pending=1) as engine:
        inside = asyncio.create_task(engine.run(quadruple(1), SESSIONS))
        await asyncio.sleep(0.01)
        with pytest.raises(Overloaded):
            await engine.run(touching(), SESSIONS)
        await inside
    assert not touched


async def test_a_caller_who_leaves_frees_the_place() -> None:
    async with running(max_pending=1) as engine:
        leaving = asyncio.create_task(engine.run(quadruple(1), SESSIONS))
        await asyncio.sleep(0.01)
        leaving.cancel()
        await asyncio.wait([leaving])
        assert (await engine.run(quadruple(3), SESSIONS)).value == 12


async def test_a_deadline_that_passes_ends_the_wait_and_the_work() -> None:
    reached = []

    def slow() -> Steps:
        yield Ask("double", [Call(1)])
        reached.append("after the model")
        return 0.0

    async with running() as engine:
        with pytest.raises(Expired):
            await engine.run(slow(), SESSIONS, deadline=time.monotonic() + 0.005)
        await asyncio.sleep(0.05)
    assert not reached


async def test_a_timeout_of_the_tasks_own_is_no_passed_deadline() -> None:
    def broken() -> Steps:
        yield Ask("prepare")
        raise TimeoutError("the task's own")

    async with running() as engine:
        with pytest.raises(TimeoutError, match="the task's own"):
            await engine.run(broken(), SESSIONS, deadline=time.monotonic() + 60)


async def test_a_model_that_the_task_does_not_have_fails_the_task_alone() -> None:
    def asking() -> Steps:
        yield Ask("prepare", [Call(1, model="unheard of")])
        return 0.0

    async with running() as engine:
        with pytest.raises(KeyError, match="unheard of"):
            await engine.run(asking(), SESSIONS)
        assert (await engine.run(quadruple(2), SESSIONS)).value == 8


async def test_a_broken_worker_ends_the_work_instead_of_leaving_callers_waiting() -> None:
    class Priceless(Call):
        def __getattribute__(self, name: str) -> object:
            if name == "used":
                raise SystemExit("a worker's last words")
            return super().__getattribute__(name)

    def breaking() -> Steps:
        yield Ask("double", [Priceless(1)])
        return 0.0

    engine = Engine(workers=1, budget=8, max_pending=4, metrics=Metrics())
    broken = engine.start()
    caller = asyncio.create_task(engine.run(breaking(), SESSIONS))
    done, _ = await asyncio.wait([broken], timeout=5)
    caller.cancel()
    assert done
    assert isinstance(broken.exception(), SystemExit)


def test_a_task_driven_without_an_engine_comes_to_the_same_value() -> None:
    assert drive(quadruple(3), SESSIONS) == 12
