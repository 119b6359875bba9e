"""Puts trained weights into the folder that is shipped: stored in half the bytes, calibrated, named by a manifest."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper
from rich.console import Console
from rich.progress import track

from zorky_server.tasks.handwriting.calibration import Calibration
from zorky_server.tasks.handwriting.model import PARTS, load_model

from .calibrate import fit, kind_weights, read_lines
from .charset import CHARSET
from .measure import Reads, accuracy_rows, confidence_rows
from .reading import Zorky
from .report import accuracy_table, confidence_table, on_screen
from .samples import dev_samples

_SMALL = 1024
"""Numbers: shorter tensors are stored as they are. They save nothing, and scales of integer weights are among them."""
UNCALIBRATED = Calibration("none", (0.0, 0.0, 0.0), (0.0, 1.0))
"""What new weights are read with, to fit their calibration on."""
_LARGEST = float(np.finfo(np.float16).max)


def store_in_half(model: ModelProto) -> ModelProto:
    """The same graph with its weights stored as float16 and widened by the runtime once, when it loads.

    Computation stays in float32, so it is as fast as before; a weight keeps 11 significant bits.
    """
    kept, narrow, casts = [], [], []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < _SMALL or np.abs(values).max() > _LARGEST:
            kept.append(tensor)
            continue
        name = f"{tensor.name}.half"
        narrow.append(numpy_helper.from_array(values.astype(np.float16), name))
        casts.append(helper.make_node("Cast", [name], [tensor.name], to=TensorProto.FLOAT))
    smaller = ModelProto()
    smaller.CopyFrom(model)
    del smaller.graph.initializer[:], smaller.graph.node[:]
    smaller.graph.initializer.extend([*kept, *narrow])
    smaller.graph.node.extend([*casts, *model.graph.node])
    del smaller.graph.value_info[:]
    onnx.checker.check_model(smaller)
    return smaller


def write_manifest(folder: Path, version: str, calibration: Calibration, metrics: dict[str, Any]) -> None:
    """folder/manifest.json: names, hashes, charset, calibration and figures of the weights that lie in folder."""
    manifest = {
        "name": folder.name,
        "version": version,
        "languages": ["ru", "en"],
        "weights": {part: file_entry(folder / file) for part, file in PARTS.items()},
        "charset": CHARSET,
        "calibration": {"id": calibration.id, "word": list(calibration.word), "line": list(calibration.line)},
        "metrics": metrics,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")


def file_entry(path: Path) -> dict[str, str]:
    """How the manifest names a file."""
    return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`zorky-train package`."""
    data = os.environ.get("ZORKY_DATA")
    parser = subparsers.add_parser("package", help="calibrate trained weights and put them where they are shipped")
    parser.add_argument("--detector", type=Path, help="a new detector.onnx; without it, the folder's stays")
    parser.add_argument("--recognizer", type=Path, help="a new recognizer.onnx; without it, the folder's stays")
    parser.add_argument(
        "--data", type=Path, default=Path(data) if data else None, help="folder with dev/ (default: $ZORKY_DATA)"
    )
    parser.add_argument("--version", required=True, help="version of the model, for example 2026.11.1")
    parser.add_argument("--folder", type=Path, default=Path("models/src/zorky_models/handwriting"))
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    if not arguments.data:
        raise SystemExit("name the measuring data by --data or ZORKY_DATA")
    with TemporaryDirectory() as scratch:  # the folder is as it was until all is ready
        folder = Path(shutil.copytree(arguments.folder, Path(scratch) / arguments.folder.name))
        for part in ("detector", "recognizer"):
            if new := getattr(arguments, part):
                onnx.save(store_in_half(onnx.load(new)), folder / PARTS[part])
        write_manifest(folder, arguments.version, UNCALIBRATED, {})
        reads = _read(folder, arguments.data / "dev")
        write_manifest(folder, arguments.version, calibrated(reads), _metrics(reads))
        shutil.copytree(folder, arguments.folder, dirs_exist_ok=True)


def _read(folder: Path, dev: Path) -> Reads:
    """What the model in the folder reads in the measuring data."""
    zorky = Zorky(load_model(folder))
    return {one.name: [zorky.read(sample) for sample in track(one.samples, one.name)] for one in dev_samples(dev)}


def _metrics(reads: Reads) -> dict[str, dict[str, float]]:
    """The figures that the manifest keeps; all of them go to the screen."""
    accuracy, confidence = accuracy_rows(reads), confidence_rows(reads)
    Console().print(on_screen(accuracy_table(accuracy)), on_screen(confidence_table(confidence)))
    return {"cer": {row["set"]: row["cer"] for row in accuracy}, "ece": {row["of"]: row["ece"] for row in confidence}}


def calibrated(reads: Reads) -> Calibration:
    """The calibration that fits these readings, named by its numbers: two that differ never share a name."""
    lines = [line for name, of_set in reads.items() for line in read_lines(name, of_set)]
    fitted = fit(lines, "", kind_weights(lines))
    digest = hashlib.sha256(json.dumps([fitted.word, fitted.line]).encode()).hexdigest()
    return replace(fitted, id=f"dev-{digest[:8]}")
