"""Trains the recogniser on synthetic handwriting. The knobs come first, the loop is the function `train`."""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from .charset import BLANK
from .evaluate import DevLines, Network, Score, dev_sets
from .feed import Batch, Feed, Place
from .fonts import fetch
from .lines import Sources
from .network import Recognizer, load_exported, load_pretrained, pretrained_path
from .run_log import RunLog


@dataclass(frozen=True)
class Knobs:
    """Everything that decides what a training run becomes."""

    lines: int = 250_000
    """Lines to train on; the learning rate reaches its end with the last one."""
    seed: int = 1
    pixel_columns: int = 10_240
    """A batch's count times padded width: 32 lines of 320 pixels."""
    rate: float = 7e-4
    """Highest learning rate of the backbone."""
    head_rate: float = 3e-3
    """Highest learning rate of the head."""
    warm_up: int = 3_000
    """Lines over which the rates rise; they then fall by a cosine to `last_rate` of the highest."""
    last_rate: float = 0.02
    weight_decay: float = 0.02
    clip: float = 3.0
    """Gradients are scaled down to this norm."""
    memory: float = 0.998
    """Decay of the averaged weights, a step; they are what is measured and exported."""
    workers: int = 1
    threads: int = 2
    """Each takes a part of a batch: on busy cores half as fast again as two threads inside each operation."""


QUICK = Knobs(lines=40_000)
"""Twenty minutes on two CPU cores that multiply bfloat16, an hour on two that do not."""

SAVE_SECONDS = 120
MEASURE_SECONDS = 900
MEASURED_CROPS = 60
"""Of each set, while training: all of them take two minutes."""
REPORT_STEPS = 20


class Run:
    """A training run as it stands: network, optimizer, averaged weights, and where in the feed it is."""

    def __init__(self, knobs: Knobs, folder: Path) -> None:
        self.knobs, self.folder = knobs, folder
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = Recognizer().to(self.device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth faster on a CPU
        self.optimizer = optimizer_of(self.network, knobs)
        self.lines, self.steps, self.seconds = 0, 0, 0.0
        self.place = Place(0, 0)
        self._parts = 1 if self.device.type == "cuda" else knobs.threads
        self._threads = ThreadPoolExecutor(self._parts)
        self.average = {name: value.clone() for name, value in self.network.state_dict().items()}

    def start(self, exported: Path | None = None) -> None:
        """Takes up the checkpoint in the run's folder, or starts from an exported recogniser or PP-OCRv6's weights."""
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            if exported:
                load_exported(self.network, exported)
            else:
                load_pretrained(self.network, pretrained_path())
            self.average = {name: value.clone() for name, value in self.network.state_dict().items()}
            return
        kept = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(kept["network"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.average = kept["average"]
        self.lines, self.steps, self.seconds = kept["progress"]
        self.place = Place(*kept["place"])

    def save(self) -> None:
        """Writes the checkpoint beside the old one and swaps them, so that a kill at any moment leaves one whole."""
        state = {
            "network": self.network.state_dict(), "optimizer": self.optimizer.state_dict(), "average": self.average,
            "progress": (self.lines, self.steps, self.seconds), "place": tuple(self.place), "knobs": asdict(self.knobs),
        }  # fmt: skip
        torch.save(state, self.folder / "checkpoint.new")
        (self.folder / "checkpoint.new").replace(self.folder / "checkpoint.pt")

    def step(self, batch: Batch) -> float:
        """One update; returns the loss (nats a character)."""
        _set_rates(self.optimizer, self.knobs, self.lines)
        results = list(self._threads.map(self._gradients, batch.split(self._parts)))
        characters = int(batch.lengths.sum())
        for parameter, *parts in zip(self.network.parameters(), *(gradients for _, gradients in results), strict=True):
            parameter.grad = torch.stack(parts).sum(0) / characters
        nn.utils.clip_grad_norm_(self.network.parameters(), self.knobs.clip)
        self.optimizer.step()
        self.lines, self.steps = self.lines + len(batch.images), self.steps + 1
        self._remember()
        return sum(loss for loss, _ in results) / characters

    def _gradients(self, part: Batch) -> tuple[float, tuple[Tensor, ...]]:
        """Loss of a part of a batch, and its gradients."""
        images = part.images.to(self.device, memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=multiplies_bfloat16(self.device)):
            logits = self.network(images)
        loss = ctc_loss(logits.float(), part)
        return float(loss.detach()), torch.autograd.grad(loss, list(self.network.parameters()))

    def measure(self, dev: list[DevLines]) -> list[Score]:
        """Scores of the averaged weights."""
        network = as_function(self.averaged())
        return [one.score(network) for one in dev]

    def averaged(self) -> Recognizer:
        """The network with the averaged weights."""
        network = Recognizer()
        network.load_state_dict(self.average)
        return network.eval()

    def _remember(self) -> None:
        """Exponential moving average, with a short memory at the start."""
        memory = min(self.knobs.memory, 1 - 1 / (2 + self.lines / 300))
        for name, value in self.network.state_dict().items():
            self.average[name].lerp_(value, 1 - memory)


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether mixed precision pays: a CPU with AVX-512 BF16 or AMX takes half the time for a step."""
    if device.type == "cuda":
        return True
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


def ctc_loss(logits: Tensor, batch: Batch) -> Tensor:
    """CTC loss summed over the batch, in nats; logits (N, T, classes)."""
    steps = torch.full((len(logits),), logits.shape[1])
    scores = functional.log_softmax(logits, 2).transpose(0, 1)
    targets = batch.targets.to(logits.device)
    return functional.ctc_loss(scores, targets, steps, batch.lengths, BLANK, "sum", zero_infinity=True)


def optimizer_of(network: Recognizer, knobs: Knobs) -> torch.optim.AdamW:
    head = set(network.head.parameters())
    body = [p for p in network.parameters() if p not in head and p.ndim > 1]
    plain = [p for p in network.parameters() if p not in head and p.ndim == 1]
    groups = [
        {"params": body, "peak": knobs.rate, "weight_decay": knobs.weight_decay},
        {"params": plain, "peak": knobs.rate, "weight_decay": 0.0},
        {"params": list(head), "peak": knobs.head_rate, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=knobs.rate, betas=(0.9, 0.98))


def _set_rates(optimizer: torch.optim.Optimizer, knobs: Knobs, lines: int) -> None:
    """Linear warm-up, then a cosine."""
    fall = min(1.0, lines / knobs.lines)
    cosine = knobs.last_rate + (1 - knobs.last_rate) * (1 + np.cos(np.pi * fall)) / 2
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * float(min((lines + 1) / knobs.warm_up, cosine))


def train(knobs: Knobs, folder: Path, sources: Sources, dev: list[DevLines], exported: Path | None = None) -> Run:
    """Trains until knobs.lines, taking up an earlier run in `folder`. An interrupt or SIGTERM saves and stops.

    exported: a recogniser to start from, where there is no earlier run; PP-OCRv6's weights otherwise.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    run, log = Run(knobs, folder), RunLog(folder)
    run.start(exported)
    if run.lines >= knobs.lines:
        log.console.print(f"{folder} is trained: give more --lines, or another --run")
        return run
    feed = Feed(sources, knobs.seed, knobs.workers, knobs.pixel_columns)
    losses: deque[float] = deque(maxlen=100)
    saved = measured = before = time.monotonic()
    try:
        with log.shown(knobs.lines, run.lines):
            for place, batch in feed.batches(*run.place):
                losses.append(run.step(batch))
                run.place, now = place, time.monotonic()
                run.seconds, before = run.seconds + now - before, now
                recent = sum(losses) / len(losses)
                log.step(run.lines, run.lines / run.seconds, recent)
                if run.steps % REPORT_STEPS == 0:
                    log.loss(run.lines, run.seconds, recent)
                if now - saved > SAVE_SECONDS:
                    run.save()
                    saved = now
                if now - measured > MEASURE_SECONDS:
                    log.scores(run.lines, run.seconds, run.measure(dev))
                    before = measured = time.monotonic()
                if run.lines >= knobs.lines:
                    break
            log.scores(run.lines, run.seconds, run.measure(dev))
    except KeyboardInterrupt:
        log.console.print("interrupted: saved, the same command goes on from here")
    finally:
        feed.close()
        run.save()
    return run


def as_function(network: Recognizer) -> Network:
    """The network on NumPy arrays, giving logits."""

    def run(strips: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            logits: NDArray[np.float32] = network(torch.from_numpy(strips)).numpy()
        return logits

    return run


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    data = os.environ.get("ZORKY_DATA")
    root = Path(data) if data else None
    parser = subparsers.add_parser("recognizer", help="train the recogniser; the same command again goes on")
    parser.add_argument("--quick", action="store_true", help="40,000 lines")
    parser.add_argument("--run", dest="folder", type=Path, default=Path("runs/recognizer"), help="checkpoint and plots")
    parser.add_argument("--fonts", type=Path, default=Path("runs/fonts"), help="where `zorky-train fonts` put them")
    parser.add_argument("--data", type=Path, default=root, help="folder with train/ and dev/ (default: $ZORKY_DATA)")
    parser.add_argument("--start", type=Path, help="an exported recognizer.onnx to start from, instead of PP-OCRv6's")
    parser.add_argument("--lines", type=int, help="lines to train on, instead of the recipe's")
    parser.add_argument("--seed", type=int, help="instead of the recipe's")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    if not arguments.fonts.is_dir():
        fetch(arguments.fonts)
    knobs = QUICK if arguments.quick else Knobs()
    changes = {name: getattr(arguments, name) for name in ("lines", "seed") if getattr(arguments, name) is not None}
    sources = Sources(arguments.fonts, arguments.data / "train" if arguments.data else None)
    dev = dev_sets(arguments.data / "dev", MEASURED_CROPS) if arguments.data else []
    train(Knobs(**(asdict(knobs) | changes)), arguments.folder, sources, dev, arguments.start)
