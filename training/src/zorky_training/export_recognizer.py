"""Writes a trained recogniser as ONNX: input `x` (N, 3, 48, W), output `probabilities` (N, W / 4, classes)."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from zorky_server.tasks.handwriting.strip import HEIGHT, WIDTH_STEP

from .network import Recognizer

_OPSET = 20


class Served(nn.Module):
    """The network as it is served: probabilities instead of logits."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.network(x), 2)


def export(network: nn.Module, path: Path) -> None:
    """Writes the network with dynamic batch and width (a multiple of 64, as strips are padded) to one ONNX file."""
    batch, step = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("step", min=1, max=64)
    example = torch.zeros(2, 3, HEIGHT, 3 * WIDTH_STEP)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        Served(network).eval(), (example,), path, dynamo=True, external_data=False, opset_version=_OPSET, verbose=False,
        input_names=["x"], output_names=["probabilities"], dynamic_shapes=({0: batch, 3: WIDTH_STEP * step},),
    )  # fmt: skip
    name_sides(path)


def name_sides(path: Path) -> None:
    """Names the sides of a model's output instead of counting them: behind an LSTM the exporter keeps the example's."""
    model = onnx.load(path)
    for number, side in enumerate(model.graph.output[0].type.tensor_type.shape.dim):
        side.dim_param = f"side_{number}"
    del model.graph.value_info[:]
    onnx.save(model, path)


def averaged_network(checkpoint: Path) -> Recognizer:
    """The averaged weights that a training run keeps in its checkpoint, without denormals: they slow a CPU down."""
    network = Recognizer()
    average = torch.load(checkpoint, weights_only=True)["average"]
    tiny = torch.finfo(torch.float32).tiny
    network.load_state_dict({name: torch.where(value.abs() < tiny, 0.0, value) for name, value in average.items()})
    return network.eval()
