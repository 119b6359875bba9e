"""Runs an ONNX graph in torch with its weights as parameters, so that it can be trained on.

Fine-tuning a published ONNX model usually means rebuilding its architecture, loading the weights by name and exporting
again. Here the graph itself is the module: `write_back` puts the trained weights into it, and the tuned model differs
from the original in its numbers alone. Covers the operators of the PP-OCR detectors and recognisers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own documentation names it so)

from .onnx_fusion import fused_nodes, initializers

Attributes = dict[str, Any]

_WEIGHT_SLOTS = {
    "Conv": (1, 2),
    "ConvTranspose": (1, 2),
    "MatMul": (0, 1),
    "Add": (0, 1),
    "Sub": (0, 1),
    "Mul": (0, 1),
    "Div": (0, 1),
    "LayerNormalization": (1, 2),
    "BatchNormalization": (1, 2),
}
"""Inputs that may be trained, by operator. Batch normalisation keeps its statistics: scale and shift are trained."""


class OnnxGraph(nn.Module):
    """The graph as a module: positional tensors in the order of the graph's inputs, to a tensor or a tuple of them.

    outputs: names of the tensors to compute, intermediate ones included; the graph's own outputs by default.
    Raises NotImplementedError for an operator it does not know.
    """

    def __init__(self, model: ModelProto | Path | str, outputs: Sequence[str] | None = None) -> None:
        super().__init__()
        graph = (model if isinstance(model, ModelProto) else onnx.load(model)).graph
        self._outputs = list(outputs or (value.name for value in graph.output))
        self._steps = [_Step.of(node) for node in fused_nodes(graph, self._outputs)]
        arrays = initializers(graph)
        used = {name for step in self._steps for name in step.inputs}
        self._inputs = [value.name for value in graph.input if value.name not in arrays]
        self._trained = [name for name in arrays if name in self._trainable(arrays)]
        for name in sorted(used & arrays.keys()):
            tensor = torch.from_numpy(_without_denormals(np.array(arrays[name])))
            if name in self._trained:
                self.register_parameter(_attribute(name), nn.Parameter(tensor))
            else:
                self.register_buffer(_attribute(name), tensor, persistent=False)
        self._constants = sorted(used & arrays.keys())

    def forward(self, *inputs: Tensor) -> Any:
        values: dict[str, Tensor] = {name: getattr(self, _attribute(name)) for name in self._constants}
        values |= dict(zip(self._inputs, inputs, strict=True))
        for step in self._steps:
            values[step.output] = step.run(*(values[name] for name in step.inputs))
        results = tuple(values[name] for name in self._outputs)
        return results[0] if len(results) == 1 else results

    def freeze(self, count: int) -> None:
        """Leaves the first `count` weights, in order of execution, as they are: no gradient is computed before them."""
        in_order = dict.fromkeys(name for step in self._steps for name in step.inputs if name in self._trained)
        for name in list(in_order)[:count]:
            getattr(self, _attribute(name)).requires_grad_(False)

    def write_back(self, model: ModelProto) -> None:
        """Puts the trained weights into `model`, the graph this was made from."""
        for tensor in model.graph.initializer:
            if tensor.name in self._trained:
                array = _without_denormals(getattr(self, _attribute(tensor.name)).detach().cpu().numpy())
                tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))

    def _trainable(self, arrays: dict[str, Any]) -> set[str]:
        slots = ((step, slot) for step in self._steps for slot in _WEIGHT_SLOTS.get(step.op, ()))
        names = {step.inputs[slot] for step, slot in slots if slot < len(step.inputs)}
        return {name for name in names & arrays.keys() if _is_weight(arrays[name])}


def _without_denormals(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Weight decay left 255,000 denormal weights in PP-OCRv6 small's detector: they make it 3.5 times slower."""
    if array.dtype != np.float32:
        return array
    return np.where(np.abs(array) < np.finfo(np.float32).tiny, np.float32(0), array)


def _is_weight(array: Any) -> bool:
    return bool(array.dtype == np.float32 and (array.ndim > 1 or array.size > 1))


def _attribute(name: str) -> str:
    return "w_" + name.replace(".", "/")


@dataclass(frozen=True)
class _Step:
    op: str
    inputs: tuple[str, ...]
    output: str
    run: Callable[..., Tensor]

    @classmethod
    def of(cls, node: NodeProto) -> _Step:
        operator = _OPERATORS.get(node.op_type)
        if operator is None:
            raise NotImplementedError(f"ONNX operator {node.op_type} (node {node.name})")
        attributes = {a.name: _plain(helper.get_attribute_value(a)) for a in node.attribute}

        def run(*values: Tensor) -> Tensor:
            return operator(attributes, *values)

        return cls(node.op_type, tuple(node.input), node.output[0], run)


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _padded(a: Attributes, x: Tensor, fill: float) -> Tensor:
    """x padded as the node asks; SAME_UPPER puts the odd pixel behind."""
    kernel, strides = a["kernel_shape"], a.get("strides", [1, 1])
    if a.get("auto_pad", "NOTSET") == "SAME_UPPER":
        total = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(x.shape[2:], kernel, strides, strict=True)]
        top, left = (t // 2 for t in total)
        bottom, right = total[0] - top, total[1] - left
    else:
        top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
    return F.pad(x, (left, right, top, bottom), value=fill) if top or left or bottom or right else x


def _conv(a: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    flat = None if bias is None else bias.reshape(-1)
    pads, padding = a.get("pads", [0, 0, 0, 0]), (0, 0)
    if "auto_pad" not in a and pads[:2] == pads[2:]:
        padding = (pads[0], pads[1])
    else:
        x = _padded(a, x, 0.0)
    return F.conv2d(x, weight, flat, a["strides"], padding, a["dilations"], a["group"])


def _conv_transpose(a: Attributes, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    flat = None if bias is None else bias.reshape(-1)
    top, left, *_ = a["pads"]
    return F.conv_transpose2d(x, weight, flat, a["strides"], (top, left), (0, 0), a["group"], a["dilations"])


def _max_pool(a: Attributes, x: Tensor) -> Tensor:
    return F.max_pool2d(_padded(a, x, float("-inf")), a["kernel_shape"], a["strides"])


def _average_pool(a: Attributes, x: Tensor) -> Tensor:
    top, left, *_ = a.get("pads", [0, 0])
    return F.avg_pool2d(x, a["kernel_shape"], a["strides"], (top, left), count_include_pad=bool(a["count_include_pad"]))


def _resize(a: Attributes, x: Tensor, _roi: Tensor, scales: Tensor) -> Tensor:
    if a["mode"] != "nearest":
        raise NotImplementedError(f"Resize in mode {a['mode']}")
    return F.interpolate(x, scale_factor=scales.tolist()[2:], mode="nearest")


def _slice(_a: Attributes, x: Tensor, start: Tensor, end: Tensor, axes: Tensor, step: Tensor | None = None) -> Tensor:
    steps = [1] * len(start) if step is None else step.tolist()
    index = [slice(None)] * x.ndim
    for axis, *bounds in zip(axes.tolist(), start.tolist(), end.tolist(), steps, strict=True):
        index[axis] = slice(*bounds)
    return x[tuple(index)]


def _reshape(_a: Attributes, x: Tensor, shape: Tensor) -> Tensor:
    return x.reshape([x.shape[i] if n == 0 else n for i, n in enumerate(shape.tolist())])


def _squeeze(a: Attributes, x: Tensor) -> Tensor:
    return x.squeeze(tuple(a["axes"]))


def _unsqueeze(a: Attributes, x: Tensor) -> Tensor:
    for axis in sorted(a["axes"]):
        x = x.unsqueeze(axis)
    return x


def _reduce_mean(a: Attributes, x: Tensor) -> Tensor:
    return x.mean(a["axes"], keepdim=bool(a.get("keepdims", 1)))


def _batch_norm(a: Attributes, x: Tensor, scale: Tensor, shift: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    return F.batch_norm(x, mean, variance, scale, shift, training=False, eps=a["epsilon"])


def _layer_norm(_a: Attributes, x: Tensor, weight: Tensor, bias: Tensor, epsilon: Tensor) -> Tensor:
    flat = weight.reshape(-1)
    return F.layer_norm(x, flat.shape, flat, bias.reshape(-1), float(epsilon))


_OPERATORS: dict[str, Callable[..., Tensor]] = {
    "Add": lambda _, x, y: x + y,
    "AveragePool": _average_pool,
    "BatchNormalization": _batch_norm,
    "Concat": lambda a, *xs: torch.cat(xs, a["axis"]),
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Div": lambda _, x, y: x / y,
    "Erf": lambda _, x: torch.erf(x),
    "Gelu": lambda _, x: F.gelu(x),
    "GlobalAveragePool": lambda _, x: x.mean((2, 3), keepdim=True),
    "HardSigmoid": lambda a, x: (x * a["alpha"] + a["beta"]).clamp(0, 1),
    "LayerNormalization": _layer_norm,
    "MatMul": lambda _, x, y: x @ y,
    "MaxPool": _max_pool,
    "Mul": lambda _, x, y: x * y,
    "Pow": lambda _, x, y: x**y,
    "ReduceMean": _reduce_mean,
    "Relu": lambda _, x: F.relu(x),
    "Reshape": _reshape,
    "Resize": _resize,
    "Shape": lambda _, x: torch.tensor(x.shape),
    "Sigmoid": lambda _, x: torch.sigmoid(x),
    "Silu": lambda _, x: F.silu(x),
    "Slice": _slice,
    "Softmax": lambda a, x: x.softmax(a["axis"]),
    "Sqrt": lambda _, x: torch.sqrt(x),
    "Squeeze": _squeeze,
    "Sub": lambda _, x, y: x - y,
    "Transpose": lambda a, x: x.permute(a["perm"]),
    "Unsqueeze": _unsqueeze,
}
