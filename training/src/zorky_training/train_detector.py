"""Fine-tunes PP-OCRv6's text detector to lines of handwriting on synthetic pages.

Loss as in DB (Liao et al., AAAI 2020): cross entropy over all core pixels and three times as many of the hardest
others, plus dice.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import onnx
import torch
from numpy.random import Generator
from onnx import ModelProto
from rich.progress import Progress
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own documentation names it so)
from torch.utils.data import DataLoader, IterableDataset

from zorky_server.tasks.handwriting.detector import detector_input

from .detector_targets import core_map
from .lines import Sources
from .onnx_graph import OnnxGraph
from .pages import PageEngine
from .sheet import Band

CROP = 512
"""Pixels at detector scale."""
CROPS_A_PAGE = 4
POOL = 24
"""Crops from which one is drawn at random, so that those of one page do not come together."""
BATCH = 4
FROZEN = 30
"""The first weights see edges and strokes, the same in all writing; freezing them saves a third of a step."""
RATE = 3e-4
WARM_UP = 20
"""Steps over which the rate rises to RATE."""
DECAY = 0.4
"""The last part of a run, over which the rate falls to zero along half a cosine; a run can go on from where it held."""
MEMORY = 0.98
"""Of the running average of weights that is shipped."""
TUNED = 0.55
"""Share of the tuned weights in the shipped ones, the rest being the original's: finds more lines of pages unlike those
trained on (Wortsman et al., Robust Fine-tuning of Zero-shot Models, CVPR 2022)."""
WEIGHT_DECAY = 1e-4
HARD_NEGATIVES = 3
SAVE_EVERY = 50
PAGE_SEED = 20

Sample = tuple[Tensor, Tensor, Tensor]
"""Input ([N,] 3, CROP, CROP) float32, target and what counts of it ([N,] CROP, CROP) uint8."""


def published_detector() -> ModelProto:
    """PP-OCRv6's small detector (Apache-2.0) from the installed `rapidocr` package."""
    spec = find_spec("rapidocr")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("training starts from weights inside the package rapidocr: pip install rapidocr")
    return onnx.load(Path(spec.origin).parent / "models" / "PP-OCRv6_det_small.onnx")


class Crops(IterableDataset[Sample]):
    """Endless crops of synthetic pages, from page `start` on."""

    def __init__(self, sources: Sources, start: int) -> None:
        self._sources, self._start = sources, start

    def __iter__(self) -> Iterator[Sample]:
        engine, number, pool = PageEngine(self._sources, PAGE_SEED), self._start, list[Sample]()
        while True:
            while len(pool) < POOL:
                pool += page_crops(engine, number)
                number += 1
            yield pool.pop(int(np.random.default_rng(number).integers(len(pool))))


def page_crops(engine: PageEngine, number: int) -> Iterator[Sample]:
    page, rng = engine.page(number), np.random.default_rng(number)
    seen = detector_input(page.picture)
    target, counts = core_map(page.bands, seen.scale, seen.tensor.shape[1:])
    maps = [torch.from_numpy(array) for array in (seen.tensor, target, counts)]
    for _ in range(CROPS_A_PAGE):
        corner = _corner(page.bands, seen.scale, target.shape, rng)
        image, wanted, counted = (_cut(part, corner, paper) for part, paper in zip(maps, (1.0, 0, 1), strict=True))
        yield image, wanted, counted


def _corner(bands: Sequence[Band], scale: float, size: tuple[int, ...], rng: Generator) -> tuple[int, int]:
    """Row and column where a crop starts that shows a part of some line, if there is one."""
    focus = rng.uniform((0, 0), size)
    if bands:
        band = bands[int(rng.integers(len(bands)))]
        at = int(rng.integers(len(band.top)))
        focus = (band.top[at] * scale)[::-1]
    start = np.clip(focus - rng.uniform(0, CROP, 2), 0, np.maximum(np.array(size) - CROP, 0))
    return int(start[0]), int(start[1])


def _cut(part: Tensor, corner: tuple[int, int], paper: float) -> Tensor:
    """A CROP x CROP window of (..., h, w), filled up with `paper`."""
    piece = part[..., corner[0] : corner[0] + CROP, corner[1] : corner[1] + CROP]
    return F.pad(piece, (0, CROP - piece.shape[-1], 0, CROP - piece.shape[-2]), value=paper)


def detection_loss(logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
    """logits (N, 1, h, w); target and counts (N, h, w), 0 or 1."""
    logits, target, counts = logits[:, 0].float(), target.float(), counts.float()
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none") * counts
    positive = target * counts
    negatives = (entropy * (1 - target)).flatten()
    number = int(min(HARD_NEGATIVES * max(float(positive.sum()), 100.0), len(negatives)))
    balanced = ((entropy * target).sum() + negatives.topk(number).values.sum()) / (positive.sum() + number)
    found = logits.sigmoid() * counts
    dice = 1 - (2 * (found * positive).sum() + 1) / (found.square().sum() + positive.sum() + 1)
    return balanced + dice


class Learner:
    """The network, its optimiser and its running average."""

    def __init__(self) -> None:
        model = published_detector()
        logits = model.graph.node[-1].input[0]
        self.graph = OnnxGraph(model, [logits])
        self.graph.freeze(FROZEN)
        self._trained = [weight for weight in self.graph.parameters() if weight.requires_grad]
        self._optimizer = torch.optim.AdamW(self._trained, RATE, weight_decay=WEIGHT_DECAY)
        self.average = deepcopy(self.graph)
        self._original = deepcopy(self.graph)

    def learn(self, sample: Sample, rate: float) -> float:
        """One step on a batch; returns the loss before it."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        image, target, counts = sample
        # Convolutions take half the time when channels come last.
        loss = detection_loss(self.graph(image.contiguous(memory_format=torch.channels_last)), target, counts)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        torch.nn.utils.clip_grad_norm_(self._trained, 5.0)
        self._optimizer.step()
        with torch.no_grad():
            for mean, weight in zip(self.average.parameters(), self.graph.parameters(), strict=True):
                mean.lerp_(weight, 1 - MEMORY)
        return loss.item()

    def shipped(self) -> ModelProto:
        """The published graph with the weights to ship."""
        blend, model = deepcopy(self.average), published_detector()
        with torch.no_grad():
            for weight, original in zip(blend.parameters(), self._original.parameters(), strict=True):
                weight.lerp_(original, 1 - TUNED)
        blend.write_back(model)
        return model

    def state(self) -> dict[str, Any]:
        return {
            "graph": self.graph.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self.average.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.graph.load_state_dict(state["graph"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.average.load_state_dict(state["average"])


@dataclass(frozen=True)
class Run:
    """Where a training run keeps its state, so that it goes on where it stopped."""

    folder: Path

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    @property
    def losses(self) -> Path:
        return self.folder / "loss.csv"

    def save(self, step: int, learner: Learner) -> None:
        torch.save({"step": step, **learner.state()}, self.checkpoint.with_suffix(".new"))
        self.checkpoint.with_suffix(".new").replace(self.checkpoint)
        onnx.save(learner.shipped(), self.folder / "detector.onnx")

    def resume(self, learner: Learner) -> int:
        """The step to go on with."""
        if not self.checkpoint.exists():
            return 0
        state = torch.load(self.checkpoint, weights_only=True)
        learner.restore(state)
        return int(state["step"])

    def log(self, step: int, loss: float) -> None:
        with self.losses.open("a", newline="") as file:
            csv.writer(file).writerow((step, f"{loss:.5f}"))

    def plot(self) -> None:
        """The loss and its running mean over 25 steps as a picture beside the table."""
        matplotlib.use("agg")
        from matplotlib import pyplot  # only after the backend is chosen

        rows = np.loadtxt(self.losses, delimiter=",", ndmin=2)
        window = min(25, len(rows))
        smooth = np.convolve(rows[:, 1], np.ones(window) / window, "valid")
        figure, axes = pyplot.subplots(figsize=(7, 4))
        axes.plot(rows[:, 0], rows[:, 1], alpha=0.3)
        axes.plot(rows[window - 1 :, 0], smooth)
        axes.set(xlabel="step", ylabel="loss", title="Detector")
        figure.savefig(self.folder / "loss.png", dpi=110)
        pyplot.close(figure)


def rate_at(step: int, steps: int) -> float:
    """The learning rate at one of `steps`: a short rise, a plateau, a fall."""
    left = (steps - step) / (DECAY * steps)
    return RATE * min(1.0, (step + 1) / WARM_UP) * (0.5 - 0.5 * math.cos(math.pi * min(1.0, left)))


def train(sources: Sources, folder: Path, steps: int, workers: int) -> None:
    """Trains up to step `steps`; leaves detector.onnx, checkpoint.pt, loss.csv and loss.png in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    run, learner = Run(folder), Learner()
    first = run.resume(learner)
    batches = iter(DataLoader(Crops(sources, first * BATCH // CROPS_A_PAGE), BATCH, num_workers=workers))
    with Progress() as progress:
        task = progress.add_task("detector", total=steps, completed=first)
        for step in range(first, steps):
            loss = learner.learn(next(batches), rate_at(step, steps))
            run.log(step, loss)
            progress.update(task, advance=1, description=f"detector loss {loss:.3f}")
            if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
                run.save(step + 1, learner)
    run.plot()


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("detector", help="fine-tune the text detector; goes on where it stopped")
    parser.add_argument("--fonts", type=Path, default=Path("runs/fonts"), help="folder with handwriting fonts")
    parser.add_argument("--data", type=Path, help="folder with more hands: fonts/ and ru_traces.jsonl.gz")
    parser.add_argument("--folder", type=Path, default=Path("runs/detector"))
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="processes that draw pages")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    torch.set_num_threads(arguments.threads)
    train(Sources(arguments.fonts, arguments.data), arguments.folder, arguments.steps, arguments.workers)
