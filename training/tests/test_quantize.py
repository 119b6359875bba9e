"""Integer weights: rescaled alone they compute the same, quantised nearly so, and a line reads alike in company."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray

from zorky_training.evaluate import onnx_network
from zorky_training.network import Block, Gate, Recognizer, load_pretrained, pretrained_path
from zorky_training.package import store_in_half
from zorky_training.quantize import Peaks, equalized, quantized
from zorky_training.train_recognizer import as_function

pytestmark = pytest.mark.torch

Strip = NDArray[np.float32]


@pytest.fixture(scope="module")
def strips() -> list[Strip]:
    """Grey ramps with dark strokes: what they say does not matter."""
    random = np.random.default_rng(5)
    made = []
    for width in (128, 192, 192, 256):
        strip = np.ones((3, 48, width), np.float32)
        for left in range(8, width - 8, 12):
            strip[:, 8:40, left : left + int(random.integers(2, 6))] = random.uniform(-1, -0.5)
        made.append(strip)
    return made


@pytest.fixture(scope="module")
def network() -> Recognizer:
    trained = Recognizer().eval()
    load_pretrained(trained, pretrained_path())
    return trained


def test_an_equalised_network_computes_the_same_from_channels_of_like_size(
    network: Recognizer, strips: list[Strip]
) -> None:
    before = Peaks.of(network, strips)
    even = equalized(network, before)
    expected, got = (as_function(one)(strips[0][None]) for one in (network, even))
    assert np.abs(expected - got).max() < 1e-3 * np.abs(expected).max()
    gated = [
        number
        for number, block in enumerate(network.blocks)
        if isinstance(block, Block) and isinstance(block.gate, Gate)
    ]
    after = Peaks.of(even, strips)
    for number in gated:
        assert unevenness(after.spatial[number]) < 0.5 * unevenness(before.spatial[number])


def unevenness(peaks: torch.Tensor) -> float:
    return float(peaks.max() / peaks.median())


@pytest.fixture(scope="module")
def integer(network: Recognizer, strips: list[Strip], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("int8") / "recognizer.onnx"
    onnx.save(quantized(network, strips), path)
    return path


def test_integers_read_nearly_as_floats_do(network: Recognizer, strips: list[Strip], integer: Path) -> None:
    read = onnx_network(integer)
    for strip in strips:
        expected = torch.softmax(torch.from_numpy(as_function(network)(strip[None])), 2).numpy()
        assert (read(strip[None]).argmax(2) == expected.argmax(2)).mean() > 0.9


def test_a_line_reads_the_same_alone_and_in_a_batch(strips: list[Strip], integer: Path) -> None:
    read = onnx_network(integer)
    together = read(np.stack(strips[1:3]))
    for strip, batched in zip(strips[1:3], together, strict=True):
        np.testing.assert_allclose(read(strip[None])[0], batched, atol=1e-5)


def test_packaging_leaves_the_scales_as_they_are(strips: list[Strip], integer: Path, tmp_path: Path) -> None:
    packaged = store_in_half(onnx.load(integer))
    stored = {tensor.name: tensor.data_type for tensor in packaged.graph.initializer}
    quantizing = [node for node in packaged.graph.node if node.op_type == "DequantizeLinear"]
    assert {stored[node.input[1]] for node in quantizing} == {onnx.TensorProto.FLOAT}
    onnx.save(packaged, tmp_path / "packaged.onnx")
    before, after = (onnx_network(path)(strips[0][None]) for path in (integer, tmp_path / "packaged.onnx"))
    assert (before.argmax(2) == after.argmax(2)).mean() > 0.95


def test_most_weights_are_stored_in_a_byte(integer: Path) -> None:
    sizes = dict.fromkeys((onnx.TensorProto.INT8, onnx.TensorProto.FLOAT), 0)
    for tensor in onnx.load(integer).graph.initializer:
        if tensor.data_type in sizes:
            sizes[tensor.data_type] += int(np.prod(tensor.dims))
    assert sizes[onnx.TensorProto.INT8] > 4 * sizes[onnx.TensorProto.FLOAT]
