"""The engine, driving generators of the tests' own over a session of plain numpy."""

import asyncio
import time
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from zorky_server.runtime.engine import Engine
from zorky_server.runtime.errors import ModelFailed, Overloaded


class Doubling:
    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
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

    @property
    def tensor(self) -> NDArray[np.float32]:
        return np.array([self.value], np.float32)


@dataclass(frozen=True)
class Ask:
    stage: str
    calls: Sequence[Call] = ()


Steps = Generator[Ask, Sequence[NDArray[np.float32]], float]


def quadruple(value: float) -> Steps:
    time.sleep(0.03)
    yield Ask("prepare")
    (doubled,) = yield Ask("double", [Call(value)])
    (again,) = yield Ask("double", [Call(float(doubled[0]))])
    return float(again[0])


@asynccontextmanager
async def running(max_pending: int = 64) -> AsyncIterator[Engine]:
    engine = Engine({"double": Doubling()}, workers=2, budget=8, max_pending=max_pending)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


async def test_a_task_gets_the_outputs_it_asked_for_and_its_value_comes_back() -> None:
    async with running() as engine:
        outcomes = await asyncio.gather(*(engine.run(quadruple(i)) for i in range(20)))
    assert [outcome.value for outcome in outcomes] == [4 * i for i in range(20)]


async def test_every_moment_is_counted_once() -> None:
    async with running() as engine:
        outcome = await engine.run(quadruple(1))
    assert outcome.stages["prepare"] >= 0.03
    assert outcome.stages["double"] >= 0.04
    assert sum(outcome.stages.values()) + outcome.queue == pytest.approx(outcome.total, abs=1e-3)


async def test_what_a_task_raises_reaches_its_caller_and_nobody_else() -> None:
    def broken() -> Steps:
        yield Ask("prepare")
        raise LookupError("nothing here")

    async with running() as engine:
        good, bad = await asyncio.gather(engine.run(quadruple(1)), engine.run(broken()), return_exceptions=True)
        assert isinstance(bad, LookupError)
        assert not isinstance(good, BaseException)
        assert good.value == 4


async def test_a_failing_model_fails_the_task_that_called_it() -> None:
    async with running() as engine:
        with pytest.raises(ModelFailed):
            await engine.run(quadruple(-1))
        assert (await engine.run(quadruple(2))).value == 8


async def test_a_request_beyond_the_bound_is_shed_before_any_of_its_work() -> None:
    touched = []

    def touching() -> Steps:
        touched.append(True)
        return (yield from quadruple(1))

    async with running(max_pending=1) as engine:
        inside = asyncio.create_task(engine.run(quadruple(1)))
        await asyncio.sleep(0.01)
        with pytest.raises(Overloaded):
            await engine.run(touching())
        await inside
    assert not touched


async def test_a_caller_who_leaves_frees_the_place() -> None:
    async with running(max_pending=1) as engine:
        leaving = asyncio.create_task(engine.run(quadruple(1)))
        await asyncio.sleep(0.01)
        leaving.cancel()
        await asyncio.wait([leaving])
        assert (await engine.run(quadruple(3))).value == 12


async def test_a_broken_worker_ends_the_work_instead_of_leaving_callers_waiting() -> None:
    class Priceless(Call):
        def __getattribute__(self, name: str) -> object:
            if name == "cost":
                raise RuntimeError("no cost")
            return super().__getattribute__(name)

    def breaking() -> Steps:
        yield Ask("double", [Priceless(1)])
        return 0.0

    engine = Engine({"double": Doubling()}, workers=1, budget=8, max_pending=4)
    work = await engine.start()
    caller = asyncio.create_task(engine.run(breaking()))
    done, _ = await asyncio.wait([work], timeout=5)
    caller.cancel()
    assert done
    assert work.exception() is not None
