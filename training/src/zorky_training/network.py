"""The recogniser in torch: PP-OCRv6 small's PPLCNetV4 backbone and light SVTR neck with a CTC head of our own.

The network is written in its folded inference form (no batch normalisation), so the published ONNX weights load one to
one and what is trained is exactly what is served. Architecture: PaddleOCR, Apache-2.0, read from the ONNX graph that
the `rapidocr` package carries.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from .charset import CHARSET

_STAGES = (
    # channels in, channels out, stride, squeeze-and-excitation
    (96, 96, 1, True), (96, 96, 1, False), (96, 96, 1, False),
    (96, 192, 2, False), (192, 192, 1, True), (192, 192, 1, False), (192, 192, 1, True), (192, 192, 1, False),
    (192, 192, 1, True), (192, 192, 1, False),
    (192, 384, 2, False), (384, 384, 1, True), (384, 384, 1, False),
)  # fmt: skip
_FEATURES = 120
_HEADS = 8


class Stem(nn.Module):
    """(N, 3, 48, W) -> (N, 96, 12, W / 4)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 48, 3, 2, 1)
        self.narrow = nn.Conv2d(48, 24, 2)
        self.widen = nn.Conv2d(24, 48, 2)
        self.merge = nn.Conv2d(96, 48, 3, 2, 1)
        self.out = nn.Conv2d(48, 96, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.first(x))
        branch = functional.relu(self.narrow(functional.pad(x, (0, 1, 0, 1))))
        branch = functional.relu(self.widen(functional.pad(branch, (0, 1, 0, 1))))
        pooled = functional.max_pool2d(functional.pad(x, (0, 1, 0, 1)), 2, 1)
        return functional.relu(self.out(functional.relu(self.merge(torch.cat((pooled, branch), 1)))))


class Gate(nn.Module):
    """Squeeze and excitation: scales each channel by what the whole strip holds."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, channels // 4, 1)
        self.excite = nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        whole = functional.relu(self.squeeze(x.mean((2, 3), keepdim=True)))
        return x * functional.hardsigmoid(self.excite(whole))


class Block(nn.Module):
    """Depthwise 3x3 convolution, optional gate, then a channel mixer with a residual where shapes allow."""

    def __init__(self, channels: int, out_channels: int, stride: int, gated: bool) -> None:
        super().__init__()
        self.residual = stride == 1
        self.spatial = nn.Conv2d(channels, channels, 3, (stride, 1), 1, groups=channels)
        self.gate = Gate(channels) if gated else nn.Identity()
        self.expand = nn.Conv2d(channels, 2 * channels, 1)
        self.compress = nn.Conv2d(2 * channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.gate(self.spatial(x))
        mixed: Tensor = self.compress(functional.gelu(self.expand(x)))
        return x + mixed if self.residual else mixed


class Attention(nn.Module):
    """Pre-norm transformer layer over the steps of a line, (N, T, 120) -> same."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(_FEATURES)
        self.qkv = nn.Linear(_FEATURES, 3 * _FEATURES)
        self.project = nn.Linear(_FEATURES, _FEATURES)
        self.norm_mlp = nn.LayerNorm(_FEATURES)
        self.mlp_in = nn.Linear(_FEATURES, 2 * _FEATURES)
        self.mlp_out = nn.Linear(2 * _FEATURES, _FEATURES)

    def forward(self, x: Tensor) -> Tensor:
        batch, steps, width = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(batch, steps, 3, _HEADS, width // _HEADS).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q * (width // _HEADS) ** -0.5 @ k.transpose(2, 3), -1)
        x = x + self.project((weights @ v).transpose(1, 2).reshape(batch, steps, width))
        mixed: Tensor = self.mlp_out(functional.silu(self.mlp_in(self.norm_mlp(x))))
        return x + mixed


class Recognizer(nn.Module):
    """Strips (N, 3, 48, W) in [-1, 1], W a multiple of 8 -> logits (N, W / 4, 1 + len(CHARSET)).

    The published network has a step each 8 pixels. Cursive letters are as narrow as 8 pixels, too narrow for CTC, so
    the last pooling moves by one column instead of two and the local convolution skips every other step: the published
    weights see what they were trained on, twice as often.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = Stem()
        self.blocks = nn.Sequential(*(Block(*stage) for stage in _STAGES))
        self.skip = nn.Conv2d(384, _FEATURES, 1)
        self.reduce = nn.Conv2d(384, _FEATURES, 1)
        self.local = nn.Conv2d(_FEATURES, _FEATURES, (1, 7), padding=(0, 6), dilation=(1, 2), groups=_FEATURES)
        self.attention = nn.Sequential(Attention(), Attention())
        self.norm = nn.LayerNorm(_FEATURES, eps=1e-6)
        self.head = nn.Linear(_FEATURES, 1 + len(CHARSET))

    def neck(self, pooled: Tensor) -> Tensor:
        """Columns of the backbone (N, 384, 1, T) -> features (N, T, 120)."""
        skip = functional.silu(self.skip(pooled))
        x = functional.silu(self.reduce(pooled))
        x = x + functional.silu(self.local(x))
        steps: Tensor = self.norm(self.attention(x.squeeze(2).transpose(1, 2)))
        return steps + skip.squeeze(2).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        rows = functional.pad(self.blocks(self.stem(x)), (0, 1, 0, 0), "replicate")
        logits: Tensor = self.head(self.neck(functional.avg_pool2d(rows, (3, 2), (3, 1))))
        return logits


_Pair = tuple[NDArray[np.float32], NDArray[np.float32]]
_Values = dict[str, NDArray[np.float32]]

_LOOKALIKES = str.maketrans("АВЕЁЗКМНОРСТУХЬагеёикмопрсухчь", "ABEE3KMHOPCTYXbareeukmonpcyx4b")


def pretrained_path() -> Path:
    """The published weights inside the installed `rapidocr` package."""
    return Path(str(resources.files("rapidocr") / "models" / "PP-OCRv6_rec_small.onnx"))


def load_pretrained(network: Recognizer, path: Path) -> None:
    """Copies PP-OCRv6 small's published weights from its ONNX file into the network.

    The head keeps the published rows of the characters it knows; a Cyrillic letter starts from the Latin one that
    looks like it. Raises ValueError when the file holds another architecture.
    """
    model = onnx.load(path)
    graph = model.graph
    values = {value.name: numpy_helper.to_array(value) for value in graph.initializer}
    readers = {name: node for node in graph.node for name in node.input}
    convolutions = [_convolution(node, readers, values) for node in graph.node if node.op_type == "Conv"]
    linears = [
        (values[node.input[1]].T, _operand(readers[node.output[0]], values))
        for node in graph.node
        if node.op_type == "MatMul" and node.input[1] in values
    ]
    norms = [_norm(node, readers, values) for node in graph.node if node.op_type == "Sqrt"]
    _copy(network, nn.Conv2d, convolutions)
    _copy(network, nn.Linear, linears[:-1])
    _copy(network, nn.LayerNorm, norms)
    characters = next(entry.value for entry in model.metadata_props if entry.key == "character").split("\n")
    _copy_head(network.head, characters, *linears[-1])


def load_exported(network: Recognizer, path: Path) -> None:
    """Copies the weights of an exported recogniser of any format, so that training goes on from what is served.

    From 8-bit integers the network starts with their rounding in its weights. Raises ValueError when the file holds
    another architecture.
    """
    graph = onnx.load(path).graph
    values = _constants(graph)
    named = {name.removeprefix("network."): value for name, value in values.items()}
    products = [node.input[1] for node in graph.node if node.op_type == "MatMul"]
    linears = [name for name, module in network.named_modules() if isinstance(module, nn.Linear)]
    turned = [values[name].T for name in products if name in values]
    if len(turned) != len(linears):
        raise ValueError(f"{path} is no recogniser that `zorky-train export` wrote: {len(turned)} matrices in it")
    named |= {f"{name}.weight": weight for name, weight in zip(linears, turned, strict=True)}
    missing = network.state_dict().keys() - named.keys()
    if missing:
        raise ValueError(f"{path} is no recogniser that `zorky-train export` wrote: no {min(missing)} in it")
    for number in range(len(network.blocks)):
        _fold_factor(f"blocks.{number}", named)
    network.load_state_dict({name: torch.from_numpy(named[name].copy()) for name in network.state_dict()})


def _constants(graph: onnx.GraphProto) -> _Values:
    """The graph's constants in full precision, by the names they are used under and by the weights' own names."""
    raw = {value.name: numpy_helper.to_array(value) for value in graph.initializer}
    values = {name: value.astype(np.float32) for name, value in raw.items()}
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in raw:
            values[node.output[0]] = values[node.input[0].removesuffix(".half")] = values[node.input[0]]
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in raw:
            scale, zero = (values[name].reshape(-1, *[1] * (raw[node.input[0]].ndim - 1)) for name in node.input[1:])
            values[node.input[0].removesuffix("_quantized")] = (values[node.input[0]] - zero) * scale
    return values


def _fold_factor(block: str, named: _Values) -> None:
    """Takes the scale that equalisation put behind a block's gate back into the convolution before it."""
    factor = named.get(f"{block}.gate.factor")
    if factor is None:
        return
    named[f"{block}.spatial.weight"] *= factor[..., None]
    named[f"{block}.spatial.bias"] *= factor.ravel()
    named[f"{block}.gate.squeeze.weight"] /= factor


def _copy_head(head: nn.Linear, characters: list[str], weight: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
    """Published class 0 is the blank, 1 to n the listed characters, the last one a space."""
    published = {character: row for row, character in enumerate(characters, start=1)} | {" ": len(weight) - 1}
    rows = {0: 0} | {
        number: published[alike]
        for number, alike in enumerate(CHARSET.translate(_LOOKALIKES), start=1)
        if alike in published
    }
    ours, theirs = list(rows), list(rows.values())
    with torch.no_grad():
        head.weight[ours] = torch.from_numpy(weight[theirs])
        head.bias[ours] = torch.from_numpy(bias[theirs])


def _operand(node: onnx.NodeProto, values: _Values) -> NDArray[np.float32]:
    """The constant that a two-operand node adds or multiplies."""
    return next(values[name] for name in node.input if name in values)


def _convolution(node: onnx.NodeProto, readers: dict[str, onnx.NodeProto], values: _Values) -> _Pair:
    """Weight and bias of a convolution, with a batch normalisation that follows it folded in."""
    weight, after = values[node.input[1]], readers[node.output[0]]
    if after.op_type != "BatchNormalization":
        return weight, _operand(after, values).ravel()
    scale, bias, mean, variance = (values[name] for name in after.input[1:])
    epsilon = next(a.f for a in after.attribute if a.name == "epsilon")
    factor = scale / np.sqrt(variance + epsilon)
    return weight * factor[:, None, None, None], bias - mean * factor


def _norm(node: onnx.NodeProto, readers: dict[str, onnx.NodeProto], values: _Values) -> _Pair:
    """Scale and shift of a layer norm: Sqrt -> Div -> Mul -> Add."""
    multiply = readers[readers[node.output[0]].output[0]]
    return _operand(multiply, values), _operand(readers[multiply.output[0]], values)


def _copy(network: Recognizer, kind: type[nn.Module], pairs: list[_Pair]) -> None:
    """Fills the network's modules of one kind, in their order, which is the graph's."""
    modules = [module for module in network.modules() if isinstance(module, kind) and module is not network.head]
    if len(modules) != len(pairs):
        raise ValueError(f"expected {len(modules)} of {kind.__name__} in the ONNX graph, found {len(pairs)}")
    with torch.no_grad():
        for module, (weight, bias) in zip(modules, pairs, strict=True):
            module.get_parameter("weight").copy_(torch.from_numpy(weight.copy()))
            module.get_parameter("bias").copy_(torch.from_numpy(bias.copy()))
