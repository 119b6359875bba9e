"""EasyOCR's networks, with random weights, compute the same in our model format and are served by our reader."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from zorky_server.tasks.handwriting.model import PARTS, load_model
from zorky_server.tasks.handwriting.values import Layout
from zorky_training.evaluate import onnx_network
from zorky_training.import_easyocr import (
    GEOMETRY,
    CraftMap,
    craft_network,
    export_recognizer,
    load_weights,
    recognizer_network,
    write_model,
)
from zorky_training.reading import Zorky
from zorky_training.samples import Sample

pytestmark = [pytest.mark.torch, pytest.mark.easyocr]

CHARSET = " 0123456789абвгдежзиклмнопрстуфхцчшщъыьэюяabcdefghijklmnopqrstuvwxyz.,-"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    """A network with random weights and a file that holds them as EasyOCR publishes its own."""
    torch.manual_seed(3)
    network = recognizer_network(len(CHARSET))
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
    path: Path = tmp_path_factory.mktemp("weights") / "network.pth"
    torch.save({f"module.{name}": value for name, value in network.state_dict().items()}, path)
    return network, path


@pytest.fixture(scope="module")
def folder(published: tuple[Any, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = tmp_path_factory.mktemp("served") / "handwriting"
    made.mkdir()
    network = recognizer_network(len(CHARSET))
    load_weights(network, published[1])
    export_recognizer(network, made / PARTS["recognizer"])
    write_model(made, "cyrillic_g2", "1.7.2", CHARSET)
    return made


@pytest.mark.parametrize(("count", "width"), [(1, 256), (3, 64)])
def test_the_recogniser_computes_the_same(published: tuple[Any, Path], folder: Path, count: int, width: int) -> None:
    strips = np.random.default_rng(4).uniform(-1, 1, (count, 3, GEOMETRY.height, width)).astype(np.float32)
    grey = np.tensordot(strips, np.array([0.299, 0.587, 0.114], np.float32), (1, 0))[:, None]
    with torch.inference_mode():
        expected = torch.softmax(published[0](torch.from_numpy(grey), None), 2).numpy()
    assert np.abs(onnx_network(folder / PARTS["recognizer"])(strips) - expected).max() < 1e-5


def test_the_folder_is_served(folder: Path) -> None:
    model = load_model(folder)
    assert (model.identity.name, model.geometry, model.charset) == ("easyocr-cyrillic_g2", GEOMETRY, CHARSET)
    page = np.full((240, 640, 3), 235, np.uint8)
    cv2.putText(page, "Zorky 2026", (60, 140), cv2.FONT_HERSHEY_SIMPLEX, 3.0, (60, 40, 30), 4, cv2.LINE_AA)
    read = Zorky(model).read(Sample("page", cv2.imencode(".png", page)[1].tobytes(), "", Layout.PAGE, "nobody"))
    assert set(read.text) <= set(CHARSET) | {"\n"}


def test_craft_marks_its_characters_and_the_gaps_between() -> None:
    craft = craft_network()
    pictures = torch.rand(1, 3, 64, 96) * 2 - 1
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    colours = ((pictures + 1) / 2 - mean[:, None, None]) / deviation[:, None, None]
    with torch.inference_mode():
        scores, _ = craft(colours)
        marked = CraftMap(craft)(pictures)
    assert marked.shape == (1, 1, 64, 96)
    halves = (1.25 * scores.amax(3)[:, None]).clamp(0, 1)
    expected = torch.nn.functional.interpolate(halves, scale_factor=2.0, mode="bilinear", align_corners=False)
    torch.testing.assert_close(marked, expected, atol=1e-5, rtol=1e-5)
