"""Gathers jobs of all requests, and works on them: plain steps one by one, model calls in batches.

A worker that is free takes the most urgent job, and nothing stands between it and its next one: no timer, no event
loop. The most urgent is interactive before bulk (but for a share that bulk always gets), then the earliest deadline,
then the first come: work that was begun is finished before new work begins. Calls that may share a batch join the most
urgent one in the same order, up to a budget of padded pixels, and to no more than would leave another worker idle. Jobs
whose callers have left or whose deadline has passed never run.
"""

from __future__ import annotations

import asyncio
import math
import threading
from bisect import insort
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from time import monotonic, thread_time
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..metrics import Metrics
from .admission import Lane, Ticket
from .errors import ModelFailed
from .sessions import Session

_BULK_TURN = 8
"""Where both lanes wait, every eighth job is bulk."""


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
    def used(self) -> int:
        """Pixels that are not padding."""
        ...

    @property
    def tensor(self) -> NDArray[np.float32]:
        """The input without the batch dimension."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's output for one item, when it was begun (monotonic), and how many shared its batch."""

    output: NDArray[np.float32]
    began: float
    batch_size: int


@dataclass(eq=False, slots=True)
class Step:
    """A plain step of a task."""

    ticket: Ticket
    take: Callable[[], None]
    since: float = field(default_factory=monotonic)


@dataclass(eq=False, slots=True)
class Call:
    """A model's run of one item. `answer` is called once, on the worker's thread."""

    ticket: Ticket
    session: Session
    item: Item
    answer: Callable[[Answer | ModelFailed], None]
    since: float = field(default_factory=monotonic)

    @property
    def group(self) -> tuple[int, Hashable]:
        """What all calls of one batch have in common."""
        return id(self.session), self.item.key


Job = Step | Call


def _urgency(job: Job) -> tuple[Ticket, int]:
    """Of one request the largest goes first, so that all end at about the same time."""
    return job.ticket, -job.item.cost if isinstance(job, Call) else 0


def _device(job: Job) -> str | None:
    return job.session.device if isinstance(job, Call) else None


class Batcher:
    """Works on jobs with a fixed number of threads."""

    def __init__(self, workers: int, budget: int, metrics: Metrics) -> None:
        """budget: padded pixels of one batch; a single item may exceed it."""
        self._workers = workers
        self._budget = budget
        self._metrics = metrics
        self._pending: dict[Lane, list[Job]] = {lane: [] for lane in Lane}
        self._arrived = threading.Condition()
        self._running = 0
        self._busy: set[str] = set()
        self._since_bulk = 0
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def start(self) -> asyncio.Future[None]:
        """Starts the workers. The future ends with an exception when one breaks, and never otherwise."""
        broken = asyncio.get_running_loop().create_future()
        self._threads = [
            threading.Thread(target=self._worker, args=(broken,), name=f"worker-{i}", daemon=True)
            for i in range(self._workers)
        ]
        for thread in self._threads:
            thread.start()
        return broken

    async def stop(self) -> None:
        """Ends the workers after what they are doing."""
        with self._arrived:
            self._stopping = True
            self._arrived.notify_all()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def put(self, jobs: Sequence[Job]) -> None:
        """Adds jobs. From any thread."""
        with self._arrived:
            for job in jobs:
                insort(self._pending[job.ticket.lane], job, key=_urgency)
            self._arrived.notify(len(jobs))

    def forget(self, ticket: Ticket) -> None:
        """Drops the jobs of a request whose caller has left."""
        with self._arrived:
            self._pending[ticket.lane] = [job for job in self._pending[ticket.lane] if job.ticket is not ticket]

    def depth(self) -> dict[str, int]:
        """Jobs that wait, by the lane's name."""
        return {lane.name.lower(): len(jobs) for lane, jobs in self._pending.items()}

    def _worker(self, broken: asyncio.Future[None]) -> None:
        try:
            while self._turn():
                pass
        except BaseException as error:  # whatever it is, nobody else would ever hear of it
            broken.get_loop().call_soon_threadsafe(_break, broken, error)

    def _turn(self) -> bool:
        """One batch. A method of its own, so that an idle worker holds nothing of the last picture. False: stop."""
        taken = self._next()
        if taken is None:
            return False
        batch, alone = taken
        self._work(batch, alone)
        self._done(batch[0])
        return True

    def _next(self) -> tuple[list[Job], bool] | None:
        """Waits for the next batch, and tells whether nothing else waits or runs. None: stop."""
        with self._arrived:
            while not self._stopping:
                if batch := self._taken(monotonic()):
                    self._running += 1
                    if device := _device(batch[0]):
                        self._busy.add(device)
                    return batch, self._running == 1 and not any(self._pending.values())
                self._arrived.wait()
            return None

    def _done(self, job: Job) -> None:
        with self._arrived:
            self._running -= 1
            if device := _device(job):
                self._busy.discard(device)
                self._arrived.notify()

    def _taken(self, now: float) -> list[Job]:
        """Removes the most urgent job, and those that may share its batch. Empty when nothing is left to do."""
        for lane, jobs in self._pending.items():
            if any(job.ticket.is_gone(now) for job in jobs):
                self._pending[lane] = [job for job in jobs if not job.ticket.is_gone(now)]
        lead = self._lead()
        if lead is None:
            return []
        batch: list[Job] = [lead]
        if isinstance(lead, Call):
            batch += self._company(lead)
        for job in batch:
            self._pending[job.ticket.lane].remove(job)
            self._metrics.waited(job.ticket.lane.name.lower(), now - job.since)
        return batch

    def _lead(self) -> Job | None:
        interactive, bulk = self._first(Lane.INTERACTIVE), self._first(Lane.BULK)
        self._since_bulk = self._since_bulk + 1 if interactive and bulk else 0
        if bulk and (not interactive or self._since_bulk == _BULK_TURN):
            self._since_bulk = 0
            return bulk
        return interactive

    def _first(self, lane: Lane) -> Job | None:
        """The lane's most urgent job that can run: while a device is busy, what it shall run next gathers."""
        return next((job for job in self._pending[lane] if _device(job) not in self._busy), None)

    def _company(self, lead: Call) -> list[Call]:
        """The calls that share the lead's batch."""
        alike = [
            job
            for jobs in self._pending.values()
            for job in jobs
            if isinstance(job, Call) and job.group == lead.group and job is not lead
        ]
        fitting = self._budget // max(1, lead.item.cost)
        idle = 1 if _device(lead) else self._workers - self._running
        fair = math.ceil((1 + len(alike)) / idle)  # each idle worker gets a share
        return alike[: max(1, min(fitting, fair)) - 1]

    def _work(self, batch: list[Job], alone: bool) -> None:
        if isinstance(batch[0], Step):
            batch[0].take()
        else:
            self._answer([job for job in batch if isinstance(job, Call)], alone)

    def _answer(self, batch: list[Call], alone: bool) -> None:
        """Runs a batch and answers every caller. When it fails, runs its items one by one, so that one fails alone."""
        began = monotonic()
        try:
            outputs = self._run_session(batch, alone)
        except Exception as error:  # whatever a session raises belongs to those who called it, not to the worker
            for call in batch:
                if len(batch) > 1:
                    self._answer([call], alone)
                else:
                    call.answer(ModelFailed(f"{call.item.model}: {error}"))
            return
        for call, output in zip(batch, outputs, strict=True):
            call.answer(Answer(output, began, len(batch)))

    def _run_session(self, batch: list[Call], alone: bool) -> NDArray[np.float32]:
        tensors = [call.item.tensor for call in batch]
        stacked = np.stack(tensors) if len(tensors) > 1 else tensors[0][np.newaxis]
        began, spent = monotonic(), thread_time()
        outputs = batch[0].session.run(stacked, alone)
        self._account(batch, monotonic() - began, thread_time() - spent, alone)
        if len(outputs) != len(batch):
            raise ModelFailed(f"{len(outputs)} outputs for {len(batch)} inputs")
        return outputs

    def _account(self, batch: list[Call], seconds: float, cpu_seconds: float, alone: bool) -> None:
        """Charges each request its part; who had every core pays for every core."""
        with self._arrived:  # one request's calls may end on several workers at once
            for call in batch:
                call.ticket.spent += seconds * (self._workers if alone else 1) / len(batch)
        used = sum(call.item.used for call in batch)
        padding = sum(call.item.cost for call in batch) - used
        self._metrics.ran(batch[0].item.model, len(batch), seconds, cpu_seconds, used, padding)


def _break(broken: asyncio.Future[None], error: BaseException) -> None:
    if not broken.done():
        broken.set_exception(error)
