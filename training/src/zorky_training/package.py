"""Puts trained weights into the folder that is shipped: stored in half the bytes, calibrated, named by a manifest."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper, numpy_helper
from rich.console import Console
from rich.progress import track

from zorky_server.tasks.handwriting.calibration import SCORES, Calibration
from zorky_server.tasks.handwriting.model import PARTS, load_model

from .calibrate import fit, read_lines
from .charset import CHARSET
from .measure import accuracy_rows, confidence_rows
from .reading import Zorky
from .report import accuracy_table, confidence_table, on_screen
from .samples import dev_samples

_SMALL = 256
"""Numbers: shorter tensors are stored as they are, they save nothing."""
UNCALIBRATED = Calibration("none", (0.0,) * (1 + SCORES), (0.0, 1.0))
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
    parser = subparsers.add_parser("package", help="calibrate trained weights and put them where they are shipped")
    parser.add_argument("--detector", type=Path, default=Path("runs/detector/detector.onnx"))
    parser.add_argument("--recognizer", type=Path, default=Path("runs/recognizer/recognizer.onnx"))
    parser.add_argument("--dev", type=Path, required=True, help="folder with ru_pages, ru_words, en_lines, printed")
    parser.add_argument("--version", required=True, help="version of the model, for example 2026.11.1")
    parser.add_argument("--folder", type=Path, default=Path("models/src/zorky_models/handwriting"))
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    folder, version = arguments.folder, arguments.version
    for part in ("detector", "recognizer"):
        onnx.save(store_in_half(onnx.load(getattr(arguments, part))), folder / f"{part}.onnx")
    write_manifest(folder, version, UNCALIBRATED, {})
    zorky = Zorky(load_model(folder))
    reads = {one.name: [zorky.read(sample) for sample in one.samples] for one in track(dev_samples(arguments.dev))}
    accuracy, confidence = accuracy_rows(reads), confidence_rows(reads)
    Console().print(on_screen(accuracy_table(accuracy)), on_screen(confidence_table(confidence)))
    calibration = fit([line for name, of_set in reads.items() for line in read_lines(name, of_set)], f"dev-{version}")
    cer = {row["set"]: row["cer"] for row in accuracy}
    write_manifest(folder, version, calibration, {"cer": cer, "ece": {row["of"]: row["ece"] for row in confidence}})
