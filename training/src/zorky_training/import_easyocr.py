"""`zorky-train import-easyocr`: EasyOCR's published networks as a model folder that zorky-server serves.

    zorky-train import-easyocr --output served/handwriting
    zorky-server serve --models-dir served

Needs the extra `zorky-training[easyocr]`; weights that are not on the machine are downloaded by EasyOCR's own code.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor, nn
from torch.nn import functional

import zorky_models
from zorky_server.tasks.handwriting.detector import DEVIATION, MEAN, STEP
from zorky_server.tasks.handwriting.model import PARTS
from zorky_server.tasks.handwriting.strip import WIDTH_STEP, Geometry

from .export_recognizer import name_sides
from .package import UNCALIBRATED, file_entry

GEOMETRY = Geometry(height=64, stride=4)
"""Of generation 2."""
RECOGNIZERS: dict[str, list[str]] = {"cyrillic_g2": ["ru", "en"], "english_g2": ["en"]}
"""Recognisers and the languages of ours that they read."""

_OPSET = 20
GREY = (0.299, 0.587, 0.114)
"""Parts of red, green and blue in a grey value, as OpenCV has them."""
_IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and deviation of colours in [0, 1]: CRAFT's input."""
_LEVEL = 0.4
"""EasyOCR takes for text what has a higher score; our detector's maps are cut at 0.5."""

_torchvision = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]


def easyocr_module(name: str) -> Any:
    """A module of the installed easyocr. Raises ModuleNotFoundError where there is none.

    torchvision, which easyocr imports, fails beside a torch that its operators were not built for. The networks here
    use none of them, so declaring the two that it asks for on import is enough.
    """
    with suppress(ModuleNotFoundError):
        try:
            importlib.import_module("torchvision")
        except RuntimeError:
            for operator in ("nms", "qnms"):
                schema = f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
                _torchvision.define(schema)  # type: ignore[no-untyped-call]
    return importlib.import_module(f"easyocr.{name}")


class Generation2(nn.Module):
    """A generation-2 recogniser of EasyOCR's as it is served: strips (N, 3, 64, W) in [-1, 1] -> probabilities
    (N, W / 4 - 1, classes)."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("grey", torch.tensor(GREY)[:, None, None])
        self.grey: Tensor

    def forward(self, x: Tensor) -> Tensor:
        features = self.model.FeatureExtraction((x * self.grey).sum(1, keepdim=True))
        columns = features.mean(2).transpose(1, 2)
        for layer in self.model.SequenceModeling:
            columns = layer.linear(layer.rnn(columns)[0])
        return torch.softmax(self.model.Prediction(columns), 2)


class CraftMap(nn.Module):
    """CRAFT as our detector: pictures (N, 3, H, W) in [-1, 1] -> maps (N, 1, H, W) in [0, 1].

    CRAFT scores characters and the gaps inside words; both together are the core of a word, about as high as the cores
    of our lines. What joins cores to lines is our own post-processing.
    """

    def __init__(self, craft: nn.Module) -> None:
        super().__init__()
        self.craft = craft
        mean, deviation = (torch.tensor(values)[:, None, None] for values in _IMAGENET)
        self.register_buffer("factor", DEVIATION / 255 / deviation)
        self.register_buffer("shift", (MEAN / 255 - mean) / deviation)
        self.factor: Tensor
        self.shift: Tensor

    def forward(self, x: Tensor) -> Tensor:
        scores, _ = self.craft(x * self.factor + self.shift)
        joint = scores.amax(3)[:, None]
        halves = torch.clamp(joint * (0.5 / _LEVEL), 0, 1)
        return functional.interpolate(halves, scale_factor=2.0, mode="bilinear", align_corners=False)


def recognizer_network(character_count: int) -> Any:
    """EasyOCR's generation-2 network with random weights, for `character_count` characters and a blank."""
    model = easyocr_module("model.vgg_model").Model
    return model(input_channel=1, output_channel=256, hidden_size=256, num_class=1 + character_count).eval()


def craft_network() -> Any:
    """EasyOCR's detector with random weights."""
    return easyocr_module("craft").CRAFT().eval()


def load_weights(network: nn.Module, path: Path) -> None:
    """Loads weights as EasyOCR publishes them: saved from a network that was spread over several devices."""
    state: Mapping[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    network.load_state_dict({name.removeprefix("module."): value for name, value in state.items()})


def export_recognizer(network: Any, path: Path) -> None:
    """Writes a recogniser with dynamic batch and width (a multiple of 64) to one ONNX file."""
    batch, step = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("step", min=1, max=64)
    example = torch.zeros(2, 3, GEOMETRY.height, 3 * WIDTH_STEP)
    _export(Generation2(network), example, path, {0: batch, 3: WIDTH_STEP * step})


def export_detector(network: nn.Module, path: Path) -> None:
    """Writes CRAFT with dynamic height and width (multiples of 32) to one ONNX file."""
    rows, columns = (torch.export.Dim(name, min=1, max=256) for name in ("rows", "columns"))
    _export(CraftMap(network), torch.zeros(1, 3, 3 * STEP, 4 * STEP), path, {2: STEP * rows, 3: STEP * columns})


def _export(network: nn.Module, example: Tensor, path: Path, dynamic: dict[int, Any]) -> None:
    torch.onnx.export(
        network.eval(), (example,), path, dynamo=True, external_data=False, opset_version=_OPSET, verbose=False,
        input_names=["x"], output_names=["probabilities"], dynamic_shapes=(dynamic,),
    )  # fmt: skip
    name_sides(path)


def write_model(folder: Path, recognizer: str, version: str, charset: str) -> None:
    """folder/manifest.json for recognizer.onnx and detector.onnx there; what is missing is taken from zorky-models."""
    for file in PARTS.values():
        if not (folder / file).exists():
            shutil.copy(zorky_models.ROOT / "handwriting" / file, folder / file)
    calibration = {name: getattr(UNCALIBRATED, name) for name in ("id", "word", "line")}
    manifest = {
        "name": f"easyocr-{recognizer}", "version": version, "languages": RECOGNIZERS[recognizer],
        "weights": {part: file_entry(folder / file) for part, file in PARTS.items()},
        "charset": charset, "geometry": asdict(GEOMETRY), "calibration": calibration,
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")


def _published(model: Mapping[str, Any], folder: Path) -> Path:
    """The weights' file, downloaded when it is missing. Raises SystemExit when it is not the published one."""
    path = folder / str(model["filename"])
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        easyocr_module("utils").download_and_unzip(model["url"], model["filename"], str(folder))
    if hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() != model["md5sum"]:
        raise SystemExit(f"{path} is not what {model['url']} holds")
    return path


def add_command(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`zorky-train import-easyocr`."""
    parser = subparsers.add_parser("import-easyocr", help="EasyOCR's own weights as a model folder to serve")
    parser.add_argument("--recognizer", choices=list(RECOGNIZERS), default="cyrillic_g2")
    parser.add_argument("--detector", choices=("zorky", "craft"), default="zorky", help="zorky: the installed one")
    parser.add_argument(
        "--weights", type=Path, default=Path("~/.EasyOCR/model").expanduser(), help="folder where EasyOCR keeps them"
    )
    parser.add_argument("--output", type=Path, required=True, help="new folder; its name must be handwriting to serve")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    config = easyocr_module("config")
    arguments.output.mkdir(parents=True)
    recognizer = config.recognition_models["gen2"][arguments.recognizer]
    charset = "".join(recognizer["characters"])
    network = recognizer_network(len(charset))
    load_weights(network, _published(recognizer, arguments.weights))
    export_recognizer(network, arguments.output / PARTS["recognizer"])
    if arguments.detector == "craft":
        craft = craft_network()
        load_weights(craft, _published(config.detection_models["craft"], arguments.weights))
        export_detector(craft, arguments.output / PARTS["detector"])
    write_model(arguments.output, arguments.recognizer, importlib.import_module("easyocr").__version__, charset)
    Console().print(f"{arguments.output}: {arguments.recognizer}, detector {arguments.detector}")
