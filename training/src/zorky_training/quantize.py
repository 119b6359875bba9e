"""The recogniser with its convolutions in 8-bit integers, quantised statically: a line reads the same in any batch.

Each tensor has one scale, so a channel of small values is lost beside one of large values. `equalized` first moves
such differences out of the tensors and into the weights around them, which have a scale a channel (cross-layer
equalisation, Nagel et al. 2019, arXiv 1906.04721). The network computes the same as before.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import ModelProto
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from torch import Tensor, nn
from torch.nn import functional

from .export_recognizer import export
from .network import Block, Gate, Recognizer

Strips = Sequence[NDArray[np.float32]]
"""Network inputs (3, 48, W) of any widths."""

_KEPT = (".stem.", ".gate.", "network.skip.", "network.reduce.", "network.local.")
"""Parts of the names of weights that stay in float32: they take little time, and errors in the stem go through all
that follows. Attention, norms and the head are no convolutions and stay so anyway."""
_GELU_FLOOR = -4.0
"""What Gelu is given is cut off here: Gelu(-4) is -0.0001, and the levels saved go to the values that count."""
_EVENNESS = 0.35
"""How much of the channels' differences is taken out of a residual sum, as a power: all of it would make the weights
that read the sum as uneven as the sum was. Chosen by how many steps of synthetic lines keep their best class."""
_LEAST = 1e-3
"""A channel's peak beside the largest one's counts as at least this: gates close some channels for good."""


def quantized(network: Recognizer, strips: Strips) -> ModelProto:
    """The network as an ONNX model with 8-bit convolutions. strips: some dozens, to see the ranges of values on."""
    peaks = Peaks.of(network, strips)
    with TemporaryDirectory() as scratch:
        plain, integer = Path(scratch) / "plain.onnx", Path(scratch) / "integer.onnx"
        export(equalized(network, peaks), plain)
        convolutions = [node for node in onnx.load(plain).graph.node if node.op_type == "Conv"]
        before_gelu = {
            node.output[0]: [{"rmin": np.float32(_GELU_FLOOR), "rmax": np.float32(peaks.before_gelu[node.input[1]])}]
            for node in convolutions
            if node.input[1] in peaks.before_gelu
        }
        quantize_static(
            plain, integer, _Reader(strips), quant_format=QuantFormat.QDQ, per_channel=True,
            op_types_to_quantize=["Conv"], nodes_to_exclude=[node.name for node in convolutions if _is_kept(node)],
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            # the strips' extremes are averaged: cutting rare values off loses less than coarse levels do
            extra_options={"TensorQuantOverrides": before_gelu, "CalibMovingAverage": True},
        )  # fmt: skip
        return onnx.load(integer)


def _is_kept(convolution: onnx.NodeProto) -> bool:
    return any(part in convolution.input[1] for part in _KEPT)


class _Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Feeds strips to onnxruntime's calibration one by one."""

    def __init__(self, strips: Strips) -> None:
        self._strips: Iterator[NDArray[np.float32]] = iter(strips)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        strip = next(self._strips, None)
        return None if strip is None else {"x": strip[None]}


@dataclass
class Peaks:
    """The largest magnitude of each channel, by module; before_gelu: the largest value, by the ONNX weight's name."""

    stem: Tensor = field(default_factory=lambda: torch.zeros(1))
    spatial: list[Tensor] = field(default_factory=list)
    block: list[Tensor] = field(default_factory=list)
    before_gelu: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, network: Recognizer, strips: Strips) -> Peaks:
        """Runs the network on the strips and looks on."""
        blocks = [block for block in network.blocks if isinstance(block, Block)]
        seen: dict[nn.Module, Tensor] = {}

        def look(module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            values = output if module in expands else output.abs()
            peak = values.amax((0, 2, 3))
            seen[module] = torch.maximum(seen.get(module, peak), peak)

        expands = {block.expand for block in blocks}
        watched = [network.stem, *blocks, *(block.spatial for block in blocks), *expands]
        hooks = [module.register_forward_hook(look) for module in watched]
        with torch.inference_mode():
            for strip in strips:
                network(torch.from_numpy(strip[None]))
        for hook in hooks:
            hook.remove()
        before_gelu = {
            f"network.blocks.{number}.expand.weight": float(seen[block.expand].max())
            for number, block in enumerate(blocks)
        }
        return cls(seen[network.stem], [seen[b.spatial] for b in blocks], [seen[b] for b in blocks], before_gelu)


class _ScaledGate(nn.Module):
    """A gate whose channels come in one scale and leave in another."""

    def __init__(self, gate: Gate, factor: Tensor) -> None:
        super().__init__()
        self.squeeze, self.excite = gate.squeeze, gate.excite
        self.register_buffer("factor", factor[:, None, None])
        self.factor: Tensor

    def forward(self, x: Tensor) -> Tensor:
        whole = functional.relu(self.squeeze(x.mean((2, 3), keepdim=True)))
        return x * (functional.hardsigmoid(self.excite(whole)) * self.factor)


@torch.no_grad()
def equalized(network: Recognizer, peaks: Peaks) -> Recognizer:
    """A network that computes the same from channels of like size.

    A depthwise convolution has a weight a channel and takes any change of scale for nothing; so does a gate, which
    multiplies each channel anyway. A residual block adds what goes into its mixer to what comes out, so both share
    their scales.
    """
    even = copy.deepcopy(network)
    scale = _relative(peaks.stem) ** _EVENNESS
    _divide_outputs(even.stem.out, scale)
    for block, spatial_peak, peak in zip(even.blocks, peaks.spatial, peaks.block, strict=True):
        assert isinstance(block, Block)
        block.spatial.weight.mul_(scale[:, None, None, None])
        scale = _relative(peak) ** _EVENNESS
        mixed = scale if block.residual else torch.ones(block.expand.in_channels)
        if isinstance(block.gate, Gate):
            entering = _relative(spatial_peak)
            _multiply_inputs(block.gate.squeeze, entering)
            block.gate = _ScaledGate(block.gate, entering / mixed)  # type: ignore[assignment]  # for export alone
        else:
            entering = mixed
        _divide_outputs(block.spatial, entering)
        _multiply_inputs(block.expand, mixed)
        _divide_outputs(block.compress, scale)
    _multiply_inputs(even.skip, scale)
    _multiply_inputs(even.reduce, scale)
    return even


def _relative(peaks: Tensor) -> Tensor:
    return (peaks / peaks.max()).clamp(min=_LEAST)


def _divide_outputs(convolution: nn.Conv2d, scale: Tensor) -> None:
    convolution.weight.div_(scale[:, None, None, None])
    if convolution.bias is not None:
        convolution.bias.div_(scale)


def _multiply_inputs(convolution: nn.Conv2d, scale: Tensor) -> None:
    convolution.weight.mul_(scale[:, None, None])
