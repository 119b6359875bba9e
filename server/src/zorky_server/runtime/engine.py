"""Runs tasks: admission first, their plain steps on threads, their model calls through the batcher.

A task is a generator. It yields what the models shall run and the name of the stage, is sent the outputs, and returns
its value. It knows nothing of threads, events or batches.
"""

from __future__ import annotations

import asyncio
import math
from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from .admission import Admission
from .batcher import Answer, Batcher, Item, Lane
from .sessions import Session

T = TypeVar("T")
Outputs = Sequence[NDArray[np.float32]]


class Ask(Protocol):
    """What a task yields."""

    @property
    def stage(self) -> str:
        """Names the work done since the last answer, and the run of these calls."""
        ...

    @property
    def calls(self) -> Sequence[Item]:
        """What the models shall run; may be empty."""
        ...


Steps = Generator[Ask, Outputs, T]


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """A task's value and where its time went, in seconds."""

    value: T
    stages: Mapping[str, float]
    """Work by the stage's name, without waiting."""
    queue: float
    """Waiting, before the start and for free workers."""
    total: float
    largest_batch: int


class _Journey:
    """The clock of one request: every moment since its arrival counts for one stage or as waiting."""

    def __init__(self) -> None:
        self.arrived = self._mark = monotonic()
        self.stages: dict[str, float] = defaultdict(float)
        self.queue = 0.0
        self.largest_batch = 0

    def waited(self) -> None:
        """The time since the last mark was waiting."""
        self.queue += self._lap()

    def worked(self, stage: str, waited: float = 0.0) -> None:
        """The time since the last mark belongs to the stage, but for `waited` seconds of it."""
        self.stages[stage] += max(0.0, self._lap() - waited)
        self.queue += waited

    def _lap(self) -> float:
        now = monotonic()
        lap, self._mark = now - self._mark, now
        return lap

    def outcome(self, value: T) -> Outcome[T]:
        return Outcome(value, dict(self.stages), self.queue, self._mark - self.arrived, self.largest_batch)


@dataclass(frozen=True, slots=True)
class _Finished(Generic[T]):
    value: T


class Engine:
    """Owns the workers and the order in which requests are served."""

    def __init__(self, sessions: Mapping[str, Session], *, workers: int, budget: int, max_pending: int) -> None:
        """workers: batches and plain steps that run at once. budget: padded pixels a batch. See Admission."""
        self._batcher = Batcher(sessions, workers, budget)
        self._admission = Admission(max_pending, workers)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="task")
        self._turns = asyncio.Semaphore(2 * workers)  # one page decodes while another's lines are read
        self._work: asyncio.Task[None] | None = None

    async def start(self) -> asyncio.Task[None]:
        """Starts the workers. The task returned ends only when a worker broke or `stop` was called."""
        self._work = asyncio.create_task(self._batcher.work(), name="batcher")
        return self._work

    async def stop(self) -> None:
        """Stops the workers. Call it when no request is inside."""
        if self._work:
            self._work.cancel()
            await asyncio.wait([self._work])

    async def run(self, steps: Steps[T], *, deadline: float = math.inf, lane: Lane = Lane.INTERACTIVE) -> Outcome[T]:
        """Runs a task to its value.

        deadline: moment of time.monotonic(). Raises Overloaded at once, before any work, when it cannot be met or too
        much is pending; ModelFailed when a model fails; and whatever the task itself raises.
        """
        with self._admission.admit(deadline):
            journey = _Journey()
            async with self._turns:
                journey.waited()
                outcome = await self._travel(steps, journey, deadline, lane)
            self._admission.record(outcome.total - outcome.queue)
            return outcome

    async def _travel(self, steps: Steps[T], journey: _Journey, deadline: float, lane: Lane) -> Outcome[T]:
        loop, outputs, stage = asyncio.get_running_loop(), None, ""
        while True:
            step = await loop.run_in_executor(self._threads, _advance, steps, outputs)
            if isinstance(step, _Finished):
                journey.worked(stage)
                return journey.outcome(step.value)
            answers = await self._batcher.run(step.calls, deadline, lane)
            stage, outputs = step.stage, [answer.output for answer in answers]
            journey.largest_batch = max(journey.largest_batch, *(answer.batch_size for answer in answers), 0)
            journey.worked(stage, _waited(answers))


def _advance(steps: Steps[T], outputs: Outputs | None) -> Ask | _Finished[T]:
    """One plain step, on a thread. StopIteration cannot pass a future, so the end is a value."""
    try:
        return next(steps) if outputs is None else steps.send(outputs)
    except StopIteration as end:
        return _Finished(end.value)


def _waited(answers: Sequence[Answer]) -> float:
    """How long nothing of a call ran: until the first of its items did."""
    return min((answer.waited for answer in answers), default=0.0)
