"""Gathers items of all requests into batches.

A batch forms from what waits when a worker becomes free; there is no timer. The most urgent item leads: interactive
before bulk, then the earliest deadline, then the first come. Items that may share its batch join in the same order, up
to a budget of padded pixels. Items whose callers have left are dropped before they reach a session.
"""

from __future__ import annotations

import asyncio
import math
from bisect import insort
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count
from time import monotonic
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import ModelFailed
from .sessions import Session


class Lane(IntEnum):
    """Who waits: a person, or nobody."""

    INTERACTIVE = 0
    BULK = 1


class Item(Protocol):
    """One input for a model, as a task gives it."""

    @property
    def model(self) -> str:
        """Name of the model."""
        ...

    @property
    def key(self) -> Hashable:
        """Items of one model and equal keys may share a batch: their tensors have one shape."""
        ...

    @property
    def cost(self) -> int:
        """Padded pixels."""
        ...

    @property
    def tensor(self) -> NDArray[np.float32]:
        """The input without the batch dimension."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's output for one item, how long the item waited (seconds), and how many shared its batch."""

    output: NDArray[np.float32]
    waited: float
    batch_size: int


@dataclass(order=True, slots=True)
class _Pending:
    lane: Lane
    deadline: float
    number: int
    item: Item = field(compare=False)
    since: float = field(compare=False)
    answer: asyncio.Future[Answer] = field(compare=False)


class Batcher:
    """Runs items on sessions with a fixed number of workers, each of which runs one batch at a time."""

    def __init__(self, sessions: Mapping[str, Session], workers: int, budget: int) -> None:
        """budget: padded pixels of one batch; a single item may exceed it."""
        self._sessions = sessions
        self._budget = budget
        self._workers = workers
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="model")
        self._pending: list[_Pending] = []
        self._numbers = count()
        self._arrived = asyncio.Condition()

    async def work(self) -> None:
        """Runs the workers until cancelled. Ends with an exception only when a worker is broken."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._worker())

    async def run(
        self, items: Sequence[Item], deadline: float = math.inf, lane: Lane = Lane.INTERACTIVE
    ) -> list[Answer]:
        """Answers in the order of the items. Raises ModelFailed when the model fails on one of them."""
        loop, now = asyncio.get_running_loop(), monotonic()
        pending = [_Pending(lane, deadline, next(self._numbers), item, now, loop.create_future()) for item in items]
        async with self._arrived:
            for one in pending:
                insort(self._pending, one)
            self._arrived.notify(len(pending))
        try:
            return await asyncio.gather(*(one.answer for one in pending))
        finally:
            for one in pending:
                one.answer.cancel()

    async def _worker(self) -> None:
        while True:
            async with self._arrived:
                await self._arrived.wait_for(lambda: self._pending)
                batch = self._take()
            if batch:
                await self._answer(batch)

    def _take(self) -> list[_Pending]:
        """Removes the next batch from what is pending. Empty when all that was pending has been given up."""
        self._pending = [one for one in self._pending if not one.answer.done()]
        if not self._pending:
            return []
        lead, spent = self._pending[0].item, 0
        batch: list[_Pending] = []
        for one in self._pending:
            fits = not batch or spent + one.item.cost <= self._budget
            if fits and (one.item.model, one.item.key) == (lead.model, lead.key):
                batch.append(one)
                spent += one.item.cost
        taken = {one.number for one in batch}
        self._pending = [one for one in self._pending if one.number not in taken]
        return batch

    async def _answer(self, batch: list[_Pending]) -> None:
        """Runs a batch and answers every waiter. When it fails, runs its items one by one, so that one fails alone."""
        started = monotonic()
        try:
            outputs = await self._run_session(batch)
        except Exception as error:  # whatever a session raises belongs to its waiters, not to the worker
            if len(batch) > 1:
                for one in batch:
                    await self._answer([one])
            elif not batch[0].answer.done():
                batch[0].answer.set_exception(ModelFailed(f"{batch[0].item.model}: {error}"))
            return
        for one, output in zip(batch, outputs, strict=True):
            if not one.answer.done():
                one.answer.set_result(Answer(output, started - one.since, len(batch)))

    async def _run_session(self, batch: list[_Pending]) -> NDArray[np.float32]:
        session = self._sessions[batch[0].item.model]
        tensors = [one.item.tensor for one in batch]
        loop = asyncio.get_running_loop()
        outputs = await loop.run_in_executor(self._threads, lambda: session.run(np.stack(tensors)))
        if len(outputs) != len(batch):
            raise ModelFailed(f"{len(outputs)} outputs for {len(batch)} inputs")
        return outputs
