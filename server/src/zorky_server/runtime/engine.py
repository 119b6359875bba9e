"""Runs tasks: admission first, then their plain steps and their model calls on the workers, until the value is there.

A task is a generator. It yields what the models shall run and the name of the stage, is sent the outputs, and returns
its value. It knows nothing of threads, events or batches. The event loop sees a request twice: when it comes in, and
when its value is there. In between the workers hand it on among themselves.
"""

from __future__ import annotations

import asyncio
import math
import threading
from collections import defaultdict
from collections.abc import Generator, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..metrics import Metrics
from .admission import Admission, Lane, Ticket
from .batcher import Answer, Batcher, Call, Item, Step
from .errors import Expired, ModelFailed
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


class Engine:
    """Owns the workers and the order in which requests are served."""

    def __init__(self, *, workers: int, budget: int, max_pending: int, metrics: Metrics) -> None:
        """workers: jobs that run at once. budget: padded pixels a batch. max_pending: requests inside at most."""
        self._batcher = Batcher(workers, budget, metrics)
        self._admission = Admission(max_pending, workers, metrics)
        self._metrics = metrics
        metrics.watch(self._admission.__len__, self._batcher.depth)

    def start(self) -> asyncio.Future[None]:
        """Starts the workers. The future ends only, and with an exception, when one of them breaks."""
        return self._batcher.start()

    async def stop(self) -> None:
        """Stops the workers. Call it when no request is inside."""
        await self._batcher.stop()

    async def run(
        self,
        steps: Steps[T],
        sessions: Mapping[str, Session],
        *,
        kind: Hashable = None,
        deadline: float = math.inf,
        lane: Lane = Lane.INTERACTIVE,
    ) -> Outcome[T]:
        """Runs a task to its value.

        sessions: the models that it calls, by name; they stay until it is done. kind: tasks of one kind cost about the
        same. deadline: moment of time.monotonic(). Raises Overloaded at once, before any work, when it cannot be met or
        too much is pending; Expired when it has passed; ModelFailed when a model fails; and whatever the task raises.
        """
        with self._admission.admit(kind, deadline, lane) as ticket:
            value: asyncio.Future[Outcome[T]] = asyncio.get_running_loop().create_future()
            self._batcher.put([_Journey(steps, sessions, ticket, self._batcher, value).first_step])
            try:
                outcome = await self._before(deadline, value)
            finally:
                ticket.left = True
                self._batcher.forget(ticket)
            self._admission.learn(ticket)
            self._metrics.staged({**outcome.stages, "queue": outcome.queue})
            return outcome

    async def _before(self, deadline: float, value: asyncio.Future[T]) -> T:
        left = None if math.isinf(deadline) else deadline - monotonic()
        try:
            async with asyncio.timeout(left) as limit:
                return await value
        except asyncio.CancelledError:  # the transport knows the deadline too, and may be quicker to give up
            self._metrics.cancelled() if monotonic() < deadline else self._expired()
            raise
        except TimeoutError:
            if not limit.expired():  # the task's own
                raise
            self._expired()
            raise Expired("the deadline passed before the answer was there") from None

    def _expired(self) -> None:
        self._metrics.expired()
        self._admission.missed()


def drive(steps: Steps[T], sessions: Mapping[str, Session], alone: bool = False) -> T:
    """Runs a task to its value on this thread, without waiting for anyone: for warming up, and for measuring.

    alone: as in Session.run.
    """
    outputs: Outputs | None = None
    while True:
        try:
            ask = next(steps) if outputs is None else steps.send(outputs)
        except StopIteration as end:
            value: T = end.value
            return value
        outputs = [sessions[item.model].run(item.tensor[np.newaxis], alone)[0] for item in ask.calls]


class _Journey(Generic[T]):
    """One request on its way through the workers: in a plain step, or waiting until the last of its calls is answered.

    Every moment since its arrival counts for one stage or as waiting.
    """

    def __init__(
        self,
        steps: Steps[T],
        sessions: Mapping[str, Session],
        ticket: Ticket,
        batcher: Batcher,
        value: asyncio.Future[Outcome[T]],
    ) -> None:
        self._steps = steps
        self._sessions = sessions
        self._ticket = ticket
        self._batcher = batcher
        self._value = value
        self._loop = value.get_loop()
        self._counting = threading.Lock()
        self._answers: list[Answer | None] = []
        self._stage = ""
        self._arrived = self._mark = monotonic()
        self._stages: dict[str, float] = defaultdict(float)
        self._queue = 0.0
        self._largest_batch = 0

    @property
    def first_step(self) -> Step:
        """Begins the task."""
        return Step(self._ticket, partial(self._step, None))

    def _step(self, outputs: Outputs | None) -> None:
        """Plain work up to the task's next calls, or to its value."""
        self._queue += self._lap(monotonic())
        try:
            self._call(self._next_calls(outputs))
        except StopIteration as end:
            self._stages[self._stage] += self._lap(monotonic())
            self._tell(self._outcome(end.value))
        except Exception as error:  # the task's own, for whoever asked for it
            self._tell(error)

    def _next_calls(self, outputs: Outputs | None) -> Sequence[Item]:
        began = monotonic()
        try:
            while True:
                ask = next(self._steps) if outputs is None else self._steps.send(outputs)
                self._stage = ask.stage
                self._stages[ask.stage] += self._lap(monotonic())
                if ask.calls:
                    return ask.calls
                outputs = []
        finally:
            self._ticket.spent += monotonic() - began

    def _call(self, items: Sequence[Item]) -> None:
        self._answers = [None] * len(items)
        self._batcher.put(
            [
                Call(self._ticket, self._sessions[item.model], item, partial(self._answered, i))
                for i, item in enumerate(items)
            ]
        )

    def _answered(self, index: int, answer: Answer | ModelFailed) -> None:
        """One call is answered, on any worker. After the last one the task goes on."""
        if isinstance(answer, ModelFailed):
            self._ticket.left = True
            self._tell(answer)
            return
        with self._counting:
            self._answers[index] = answer
            answers = [one for one in self._answers if one is not None]
        if len(answers) == len(self._answers):
            self._worked(answers)
            self._batcher.put([Step(self._ticket, partial(self._step, [one.output for one in answers]))])

    def _worked(self, answers: Sequence[Answer]) -> None:
        """The time since the calls were made was waiting until the first of them was begun."""
        self._queue += self._lap(min(one.began for one in answers))
        self._stages[self._stage] += self._lap(monotonic())
        self._largest_batch = max(self._largest_batch, *(one.batch_size for one in answers))

    def _lap(self, now: float) -> float:
        lap, self._mark = now - self._mark, now
        return lap

    def _outcome(self, value: T) -> Outcome[T]:
        return Outcome(value, dict(self._stages), self._queue, self._mark - self._arrived, self._largest_batch)

    def _tell(self, outcome: Outcome[T] | Exception) -> None:
        self._loop.call_soon_threadsafe(_settle, self._value, outcome)


def _settle(value: asyncio.Future[Outcome[T]], outcome: Outcome[T] | Exception) -> None:
    if value.done():  # the caller has left, or another call failed before
        return
    if isinstance(outcome, Exception):
        value.set_exception(outcome)
    else:
        value.set_result(outcome)
