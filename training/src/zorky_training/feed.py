"""From the line engine to batches of tensors, drawn by worker processes and the same for every run of a seed."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from zorky_server.tasks.handwriting.strip import STRIDE, padded_width, strip_from_crop, strip_tensor
from zorky_server.tasks.handwriting.values import Picture

from .charset import encode
from .lines import Engine, Sources

_JOB = 32
"""Lines a worker draws at a time."""
_POOL = 512
"""Lines that are sorted by width together: batches come from one pool."""
_POOLS_AHEAD = 2
_MAX_WIDTH = 1088
"""Pixels: wider strips are left out of training, they would be a batch of their own."""


class Sample(NamedTuple):
    """A strip (48, w, 3) uint8 and the class numbers of its text."""

    strip: Picture
    classes: list[int]


class Batch(NamedTuple):
    """images (N, 3, 48, W) in [-1, 1]; targets: all class numbers in one row; lengths (N,) of the targets."""

    images: Tensor
    targets: Tensor
    lengths: Tensor

    def split(self, parts: int) -> list[Batch]:
        """At most `parts` batches of nearly equal size that hold the same samples."""
        each = -(-len(self.images) // parts)
        lengths = torch.split(self.lengths, each)
        targets = torch.split(self.targets, [int(part.sum()) for part in lengths])
        return [Batch(*part) for part in zip(torch.split(self.images, each), targets, lengths, strict=True)]


class Place(NamedTuple):
    """The next batch to draw: its pool, and its number within the pool."""

    pool: int
    batch: int


_engine: Engine | None = None
"""The worker process's own engine."""


def _start_worker(sources: Sources, seed: int) -> None:
    global _engine
    _engine = Engine(sources, seed)


def _draw(first: int) -> list[Sample]:
    assert _engine is not None, "the pool's initializer runs before any job"
    samples = []
    for number in range(first, first + _JOB):
        line = _engine.line(number)
        samples.append(Sample(strip_from_crop(line.crop), encode(line.text)))
    return [sample for sample in samples if _learnable(sample)]


def _learnable(sample: Sample) -> bool:
    """CTC needs a step for each character and one more between two that are equal."""
    width, classes = sample.strip.shape[1], sample.classes
    needed = len(classes) + sum(a == b for a, b in pairwise(classes))
    return bool(width <= _MAX_WIDTH and needed <= width // STRIDE)


class Feed:
    """Endless batches from worker processes. Close it, or the workers stay."""

    def __init__(self, sources: Sources, seed: int, workers: int, pixel_columns: int) -> None:
        """pixel_columns: the most that a batch's count times padded width may be."""
        self._seed, self._columns = seed, pixel_columns
        context = multiprocessing.get_context("spawn")
        self._workers = ProcessPoolExecutor(workers, context, _start_worker, (sources, seed))

    def batches(self, pool: int = 0, skip: int = 0) -> Iterator[tuple[Place, Batch]]:
        """Yields each batch with the place after it, from which another run can go on."""
        waiting: deque[list[Future[list[Sample]]]] = deque()
        while True:
            while len(waiting) < _POOLS_AHEAD:
                waiting.append(self._order(pool + len(waiting)))
            samples = [sample for job in waiting.popleft() for sample in job.result()]
            for number, batch in enumerate(self._cut(samples, pool)):
                if number >= skip:
                    yield Place(pool, number + 1), _collate(batch)
            pool, skip = pool + 1, 0

    def close(self) -> None:
        self._workers.shutdown(cancel_futures=True)

    def _order(self, pool: int) -> list[Future[list[Sample]]]:
        return [self._workers.submit(_draw, first) for first in range(pool * _POOL, (pool + 1) * _POOL, _JOB)]

    def _cut(self, samples: list[Sample], pool: int) -> list[list[Sample]]:
        """Batches of like width under the budget, in random order."""
        rng = np.random.default_rng((self._seed, 1, pool))
        batches: list[list[Sample]] = [[]]
        for sample in sorted(samples, key=lambda sample: (sample.strip.shape[1], sample.classes)):
            if batches[-1] and (len(batches[-1]) + 1) * padded_width(sample.strip.shape[1]) > self._columns:
                batches.append([])
            batches[-1].append(sample)
        return [batches[i] for i in rng.permutation(len(batches))]


def _collate(samples: list[Sample]) -> Batch:
    width = padded_width(max(sample.strip.shape[1] for sample in samples))
    images = torch.from_numpy(np.stack([strip_tensor(sample.strip, width) for sample in samples]))
    targets = torch.tensor([c for sample in samples for c in sample.classes])
    return Batch(images, targets, torch.tensor([len(sample.classes) for sample in samples]))
