"""`zorky-train export`: writes a trained recogniser in each format, and what each costs and loses."""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein
from rich.console import Console
from rich.progress import track
from rich.table import Table

from zorky_server.tasks.handwriting.strip import padded_width, strip_from_crop, strip_tensor

from .charset import decode, loosen
from .evaluate import DevLines, Network, dev_sets
from .export_recognizer import averaged_network, export
from .lines import Engine, Sources
from .measure import write
from .network import Recognizer, load_exported, pretrained_path
from .package import store_in_half
from .quantize import Strips, quantized
from .train_recognizer import as_function

_CALIBRATION_LINES, _CALIBRATION_SEED = 100, 80
DRAWN_SEED = 79
TIMED_WIDTH = 600
"""Pixels: the line whose time is told is 48 x 600."""
_RUNS = 60
_PEER = "PP-OCRv6 small"
_PROVIDERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "CPU": ("CPUExecutionProvider", ("fp32", "fp16", "int8")),
    "CUDA": ("CUDAExecutionProvider", ("fp32", "fp16")),
    "TensorRT": ("TensorrtExecutionProvider", ("fp32", "fp16")),
}
"""Devices by name: the execution provider and the formats it is measured with. The integers are for a CPU: their zero
points are not 0, which TensorRT does not take."""


class Drawn(NamedTuple):
    """A synthetic line as the network sees it, (3, 48, W), and its text."""

    tensor: NDArray[np.float32]
    text: str


def draw(engine: Engine, count: int) -> list[Drawn]:
    """The engine's first lines."""
    lines = []
    for number in track(range(count), "drawing"):
        line = engine.line(number)
        strip = strip_from_crop(line.crop)
        lines.append(Drawn(strip_tensor(strip, padded_width(strip.shape[1])), line.text))
    return lines


def calibration_strips(sources: Sources) -> Strips:
    """The lines on which integers see the ranges of values."""
    return [line.tensor for line in draw(Engine(sources, _CALIBRATION_SEED), _CALIBRATION_LINES)]


def write_formats(network: Recognizer, folder: Path, calibration: Strips) -> dict[str, Path]:
    """Writes recognizer.onnx, recognizer.fp16.onnx and recognizer.int8.onnx; returns them by format.

    fp16: weights stored in half and computed in float32 on a CPU, in half by TensorRT. int8: see `quantize`.
    """
    paths = {"fp32": folder / "recognizer.onnx"}
    paths |= {name: folder / f"recognizer.{name}.onnx" for name in ("fp16", "int8")}
    export(network, paths["fp32"])
    onnx.save(store_in_half(onnx.load(paths["fp32"])), paths["fp16"])
    onnx.save(quantized(network, calibration), paths["int8"])
    return paths


@dataclass(frozen=True)
class _Candidate:
    """A format on a device."""

    device: str
    format: str
    path: Path
    network: Network


def candidates(paths: Mapping[str, Path]) -> list[_Candidate]:
    """Each format on each device of this machine."""
    found = []
    for device, (_, formats) in _PROVIDERS.items():
        for name in formats:
            network = _opened(paths[name], device, half=name == "fp16")
            if network:
                found.append(_Candidate(device, name, paths[name], network))
    return found


def _opened(path: Path, device: str, half: bool = False) -> Network | None:
    """The model on a device, or None where the machine has no such device."""
    provider = _PROVIDERS[device][0]
    if provider not in onnxruntime.get_available_providers():
        return None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    settings = {"trt_fp16_enable": half} if device == "TensorRT" else {}
    session = onnxruntime.InferenceSession(path, options, providers=[(provider, settings)])
    if session.get_providers()[0] != provider:  # onnxruntime goes on without a device that it cannot open
        return None
    name = session.get_inputs()[0].name

    def run(strips: NDArray[np.float32]) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = session.run(None, {name: strips})[0]
        return scores

    return run


def milliseconds(networks: Mapping[str, Callable[[], object]], clock: Callable[[], float]) -> dict[str, float]:
    """Median time of a call of each, called in turn so that other work on the machine slows all of them alike."""
    taken: dict[str, list[float]] = {name: [] for name in networks}
    for call in networks.values():
        call()
    for _ in range(_RUNS):
        for name, call in networks.items():
            started = clock()
            call()
            taken[name].append(1000 * (clock() - started))
    return {name: statistics.median(times) for name, times in taken.items()}


def _times(found: Sequence[_Candidate], device: str) -> dict[str, float]:
    """Of a line of 48 x 600 by each format and by the peer, which pads it less. On a CPU, seconds of the core."""
    x = np.random.default_rng(0).uniform(-1, 1, (1, 3, 48, padded_width(TIMED_WIDTH))).astype(np.float32)
    calls: dict[str, Callable[[], object]] = {one.format: partial(one.network, x) for one in found}
    peer = _opened(pretrained_path(), device)
    assert peer is not None, "the formats run on this device"
    calls[_PEER] = partial(peer, x[..., :TIMED_WIDTH].copy())
    return milliseconds(calls, time.thread_time if device == "CPU" else time.perf_counter)


def compared(found: Sequence[_Candidate], reference: Network, drawn: Sequence[Drawn], dev: Sequence[DevLines]) -> Rows:
    """A row for each candidate. reference: gives the probabilities that all are compared with."""
    times = {device: _times(of, device) for device in _PROVIDERS if (of := [c for c in found if c.device == device])}
    expected = [reference(line.tensor[None])[0] for line in track(drawn, "torch")]
    rows = []
    for one in found:
        took = times[one.device]
        frames = [one.network(line.tensor[None])[0] for line in track(drawn, f"{one.device} {one.format}")]
        row: dict[str, Any] = {
            "device": one.device, "format": one.format, "megabytes": one.path.stat().st_size / 1e6,
            "milliseconds": took[one.format], "to_peer": took[one.format] / took[_PEER],
        }  # fmt: skip
        errors = {"drawn": cer([line.text for line in drawn], frames)}
        errors |= {source.name: source.score(one.network).cer for source in dev}
        rows.append(row | _differences(frames, expected) | {"cer": errors})
    return rows


Rows = list[dict[str, Any]]


def cer(truths: Sequence[str], frames: Sequence[NDArray[np.float32]]) -> float:
    """Character error rate of greedy CTC over lines."""
    readings = [loosen(decode(one.argmax(1).tolist()).strip()) for one in frames]
    edits = sum(Levenshtein.distance(loosen(truth), read) for truth, read in zip(truths, readings, strict=True))
    return edits / sum(len(loosen(truth)) for truth in truths)


def _differences(frames: Sequence[NDArray[np.float32]], expected: Sequence[NDArray[np.float32]]) -> dict[str, float]:
    """largest: difference of two probabilities. same_steps: share of steps of the same best class."""
    pairs = list(zip(frames, expected, strict=True))
    same = np.concatenate([ours.argmax(1) == theirs.argmax(1) for ours, theirs in pairs])
    return {
        "largest": float(max(np.abs(ours - theirs).max() for ours, theirs in pairs)),
        "same_steps": float(same.mean()),
    }


def table(rows: Rows) -> Table:
    """For the screen: a column for each format on each device."""
    drawn = Table("", *(f"{row['device']} {row['format']}" for row in rows))
    drawn.add_row("MB", *(f"{row['megabytes']:.1f}" for row in rows))
    drawn.add_row("ms a line of 48x600", *(f"{row['milliseconds']:.1f}" for row in rows))
    drawn.add_row(f"of {_PEER}'s time", *(f"{row['to_peer']:.2f}" for row in rows))
    drawn.add_row("largest difference", *(f"{row['largest']:.1e}" for row in rows))
    drawn.add_row("same best class", *(f"{row['same_steps']:.2%}" for row in rows))
    for name in rows[0]["cer"]:
        drawn.add_row(f"CER {name}", *(f"{row['cer'][name]:.4f}" for row in rows))
    return drawn


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`zorky-train export`."""
    data = os.environ.get("ZORKY_DATA")
    parser = subparsers.add_parser("export", help="write a trained recogniser as ONNX in each format and compare them")
    parser.add_argument("--run", dest="folder", type=Path, default=Path("runs/recognizer"), help="the training run")
    parser.add_argument("--start", type=Path, help="an exported recognizer.onnx to write again, instead of a run's")
    parser.add_argument("--output", type=Path, help="folder for the formats (default: the run's)")
    parser.add_argument("--lines", type=int, default=1000, help="synthetic lines of held-out hands to compare on")
    parser.add_argument("--fonts", type=Path, default=Path("runs/fonts"), help="where `zorky-train fonts` put them")
    parser.add_argument(
        "--data", type=Path, default=Path(data) if data else None, help="folder with train/ and dev/ ($ZORKY_DATA)"
    )
    parser.add_argument("--json", type=Path, help="also write the table here")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    sources = Sources(arguments.fonts, arguments.data / "train" if arguments.data else None)
    network = _network(arguments)
    paths = write_formats(network, arguments.output or arguments.folder, calibration_strips(sources))
    drawn = draw(Engine(sources, DRAWN_SEED, held_out=True), arguments.lines)
    dev = dev_sets(arguments.data / "dev") if arguments.data else []
    logits = as_function(network)
    rows = compared(candidates(paths), lambda strips: _softmax(logits(strips)), drawn, dev)
    Console().print(table(rows))
    if arguments.json:
        write(arguments.json, {"lines": len(drawn), "formats": rows})


def _network(arguments: argparse.Namespace) -> Recognizer:
    if not arguments.start:
        return averaged_network(arguments.folder / "checkpoint.pt")
    network = Recognizer()
    load_exported(network, arguments.start)
    return network.eval()


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(2, keepdims=True))
    return np.asarray(powers / powers.sum(2, keepdims=True), np.float32)
