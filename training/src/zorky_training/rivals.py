"""`zorky-train rivals`: the recogniser and other networks, each trained on the same lines and measured alike."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import nn

from zorky_server.tasks.handwriting.strip import padded_width

from .evaluate import DevLines, dev_sets, onnx_network
from .export_recognizer import export
from .feed import Feed
from .formats import DRAWN_SEED, TIMED_WIDTH, Drawn, cer, draw, milliseconds
from .lines import Engine, Sources
from .measure import write
from .network import Recognizer, load_pretrained, pretrained_path
from .rival_networks import ColumnNetwork, EasyOcrGeneration2
from .train_recognizer import Knobs, Run, as_function, optimizer_of

Row = dict[str, Any]


def _from_published() -> Recognizer:
    network = Recognizer()
    load_pretrained(network, pretrained_path())
    return network


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "zorky": _from_published,
    "zorky, random start": Recognizer,
    "columns": ColumnNetwork,
    "easyocr generation 2": EasyOcrGeneration2,
}
"""By name. `zorky` starts from PP-OCRv6 small as the served one did; all others start from random weights."""


class _Rival(Run):
    """A run of the same training with another network."""

    def __init__(self, make: Callable[[], nn.Module], knobs: Knobs, folder: Path) -> None:
        super().__init__(knobs, folder)
        torch.manual_seed(knobs.seed)
        self._make = make
        made: Any = make()
        self.network = made.to(self.device)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as Run does
        self.optimizer = optimizer_of(self.network, knobs)
        self.average = {name: value.clone() for name, value in self.network.state_dict().items()}

    def averaged(self) -> Recognizer:
        """The network with the averaged weights."""
        network: Any = self._make()
        network.load_state_dict(self.average)
        averaged: Recognizer = network.eval()
        return averaged


def trained(make: Callable[[], nn.Module], knobs: Knobs, folder: Path, sources: Sources) -> _Rival:
    """Trains a network for knobs.lines of the feed, the same ones for every network of one seed."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    run, feed = _Rival(make, knobs, folder), Feed(sources, knobs.seed, knobs.workers, knobs.pixel_columns)
    try:
        for _, batch in feed.batches():
            started = time.monotonic()
            run.step(batch)
            run.seconds += time.monotonic() - started
            if run.lines >= knobs.lines:
                return run
    finally:
        feed.close()
    raise AssertionError("the feed is endless")


def row(name: str, run: _Rival, drawn: Sequence[Drawn], dev: Sequence[DevLines]) -> Row:
    """What a trained network reads."""
    network = run.averaged()
    read = as_function(network)
    errors = {"drawn": cer([line.text for line in drawn], [read(line.tensor[None])[0] for line in drawn])}
    errors |= {one.name: one.score(read).cer for one in dev}
    weights = sum(parameter.numel() for parameter in network.parameters())
    return {"network": name, "weights": weights, "lines": run.lines, "training_seconds": run.seconds, "cer": errors}


def times(networks: Mapping[str, nn.Module]) -> dict[str, float]:
    """Milliseconds of a core for a line of 48 x 600 with onnxruntime, float32."""
    x = np.random.default_rng(0).uniform(-1, 1, (1, 3, 48, padded_width(TIMED_WIDTH))).astype(np.float32)
    calls: dict[str, Callable[[], object]] = {}
    with TemporaryDirectory() as scratch:
        for number, (name, network) in enumerate(networks.items()):
            path = Path(scratch) / f"{number}.onnx"
            export(network.eval(), path)
            calls[name] = partial(onnx_network(path), x)
    return milliseconds(calls, time.thread_time)


def table(rows: Sequence[Row]) -> Table:
    """For the screen: a column a network."""
    drawn = Table("", *(row["network"] for row in rows))
    drawn.add_row("weights, millions", *(f"{row['weights'] / 1e6:.2f}" for row in rows))
    drawn.add_row("lines", *(f"{row['lines']:,}" for row in rows))
    drawn.add_row("training lines a second", *(f"{row['lines'] / row['training_seconds']:.1f}" for row in rows))
    drawn.add_row("ms a line of 48x600", *(f"{row['milliseconds']:.1f}" for row in rows))
    for name in rows[0]["cer"]:
        drawn.add_row(f"CER {name}", *(f"{row['cer'][name]:.4f}" for row in rows))
    return drawn


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`zorky-train rivals`."""
    data = os.environ.get("ZORKY_DATA")
    parser = subparsers.add_parser("rivals", help="train other networks on the same lines and compare")
    parser.add_argument("--networks", nargs="+", choices=list(NETWORKS), default=list(NETWORKS), metavar="NAME")
    parser.add_argument("--lines", type=int, default=Knobs().lines, help="lines that each is trained on")
    parser.add_argument("--seed", type=int, default=Knobs().seed)
    parser.add_argument("--drawn", type=int, default=500, help="synthetic lines of held-out hands to measure on")
    parser.add_argument("--run", dest="folder", type=Path, default=Path("runs/rivals"), help="keeps the weights")
    parser.add_argument("--fonts", type=Path, default=Path("runs/fonts"), help="where `zorky-train fonts` put them")
    parser.add_argument(
        "--data", type=Path, default=Path(data) if data else None, help="folder with train/ and dev/ ($ZORKY_DATA)"
    )
    parser.add_argument("--json", type=Path, help="also write the table here")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    sources = Sources(arguments.fonts, arguments.data / "train" if arguments.data else None)
    drawn = draw(Engine(sources, DRAWN_SEED, held_out=True), arguments.drawn)
    dev = dev_sets(arguments.data / "dev") if arguments.data else []
    knobs = Knobs(lines=arguments.lines, seed=arguments.seed)
    rows: list[Row] = []
    networks: dict[str, nn.Module] = {}
    for name in track(arguments.networks, "training"):
        folder = arguments.folder / name.replace(", ", "-").replace(" ", "-")
        folder.mkdir(parents=True, exist_ok=True)
        run = trained(NETWORKS[name], knobs, folder, sources)
        run.save()
        rows.append(row(name, run, drawn, dev))
        networks[name] = run.averaged()
    taken = times(networks)
    rows = [one | {"milliseconds": taken[one["network"]]} for one in rows]
    Console().print(table(rows))
    if arguments.json:
        write(arguments.json, {"seed": arguments.seed, "drawn_lines": len(drawn), "networks": rows})
