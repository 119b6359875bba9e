"""Rewrites an ONNX graph for training: drops Identity nodes and fuses what exporters spell out in small steps.

Spelled out, a GELU keeps five tensors for the backward pass, and a bias is a pass over memory of its own. The fused
nodes keep the names of the initializers they read, so trained weights find their way back into the original graph.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, helper, numpy_helper

Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class Template:
    """One node of a pattern. A str among the inputs is a variable to bind, a float a constant that must be there."""

    op: str
    inputs: tuple[str | float, ...]
    output: str


@dataclass(frozen=True)
class Pattern:
    """A chain of nodes, each fed by an earlier one, and the single node that replaces it."""

    op: str
    inputs: tuple[str, ...]
    chain: tuple[Template, ...]
    constants: frozenset[str] = frozenset()
    """Variables that must be initializers."""


CONV_BIAS, CONV_TRANSPOSE_BIAS = (
    Pattern(
        op,
        ("x", "weight", "bias"),
        (Template(op, ("x", "weight"), "conv"), Template("Add", ("conv", "bias"), "y")),
        frozenset({"bias"}),
    )
    for op in ("Conv", "ConvTranspose")
)
GELU = Pattern(
    "Gelu",
    ("x",),
    (
        Template("Div", ("x", math.sqrt(2)), "scaled"),
        Template("Erf", ("scaled",), "erf"),
        Template("Add", ("erf", 1.0), "shifted"),
        Template("Mul", ("x", "shifted"), "product"),
        Template("Mul", ("product", 0.5), "y"),
    ),
)
SILU = Pattern(
    "Silu",
    ("x",),
    (Template("Sigmoid", ("x",), "gate"), Template("Mul", ("x", "gate"), "y")),
)
LAYER_NORM = Pattern(
    "LayerNormalization",
    ("x", "weight", "bias", "epsilon"),
    (
        Template("ReduceMean", ("x",), "mean"),
        Template("Sub", ("x", "mean"), "centred"),
        Template("Pow", ("centred", 2.0), "squares"),
        Template("ReduceMean", ("squares",), "variance"),
        Template("Add", ("variance", "epsilon"), "safe"),
        Template("Sqrt", ("safe",), "deviation"),
        Template("Div", ("centred", "deviation"), "normal"),
        Template("Mul", ("normal", "weight"), "scaled"),
        Template("Add", ("scaled", "bias"), "y"),
    ),
    frozenset({"weight", "bias", "epsilon"}),
)
PATTERNS = (CONV_BIAS, CONV_TRANSPOSE_BIAS, GELU, SILU, LAYER_NORM)


def initializers(graph: GraphProto) -> Arrays:
    """The graph's weights and constants by name, those in Constant nodes included."""
    arrays: Arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            arrays[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return arrays


def fused_nodes(graph: GraphProto, outputs: Sequence[str]) -> list[NodeProto]:
    """The nodes that `outputs` need, in order of execution, fused. The tensors named in `outputs` survive."""
    arrays = initializers(graph)
    nodes = _needed(_without_identities(graph, outputs), outputs)
    for pattern in PATTERNS:
        nodes = _Fusion(pattern, nodes, arrays, outputs).result()
    return nodes


def _without_identities(graph: GraphProto, outputs: Sequence[str]) -> list[NodeProto]:
    source = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}
    kept = {_origin(name, source): name for name in outputs}
    nodes = []
    for node in graph.node:
        if node.op_type in ("Identity", "Constant"):
            continue
        names = [kept.get(origin, origin) for origin in (_origin(name, source) for name in node.input)]
        made = NodeProto()
        made.CopyFrom(node)
        del made.input[:], made.output[:]
        made.input.extend(names)
        made.output.extend(kept.get(name, name) for name in node.output)
        nodes.append(made)
    return nodes


def _origin(name: str, source: dict[str, str]) -> str:
    while name in source:
        name = source[name]
    return name


def _needed(nodes: list[NodeProto], outputs: Sequence[str]) -> list[NodeProto]:
    wanted, kept = set(outputs), []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    return kept[::-1]


class _Fusion:
    """One pattern replaced wherever it occurs in a list of nodes."""

    def __init__(self, pattern: Pattern, nodes: list[NodeProto], arrays: Arrays, outputs: Sequence[str]) -> None:
        self._pattern, self._nodes, self._arrays, self._outputs = pattern, nodes, arrays, set(outputs)
        self._readers: dict[str, list[NodeProto]] = {}
        for node in nodes:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)

    def result(self) -> list[NodeProto]:
        replaced: dict[int, NodeProto | None] = {}
        for node in self._nodes:
            for bound, chain in self._matches(node):
                replaced.update((id(inner), None) for inner in chain)
                replaced[id(chain[-1])] = self._fused(bound, chain)
        nodes = (replaced.get(id(node), node) for node in self._nodes)
        return [node for node in nodes if node is not None]

    def _matches(self, start: NodeProto) -> Iterator[tuple[dict[str, str], list[NodeProto]]]:
        bound = self._unify(self._pattern.chain[0], start, {})
        chain = [start]
        for template in self._pattern.chain[1:]:
            found = bound and self._follow(template, bound)
            if not found:
                return
            bound, node = found
            chain.append(node)
        if bound and self._is_closed(bound, chain):
            yield bound, chain

    def _follow(self, template: Template, bound: dict[str, str]) -> tuple[dict[str, str], NodeProto] | None:
        fed_by = next(bound[v] for v in template.inputs if isinstance(v, str) and v in bound and v != "x")
        for node in self._readers.get(fed_by, []):
            unified = self._unify(template, node, bound)
            if unified:
                return unified, node
        return None

    def _unify(self, template: Template, node: NodeProto, bound: dict[str, str]) -> dict[str, str] | None:
        if node.op_type != template.op or len(node.input) != len(template.inputs):
            return None
        orders = [list(node.input)] + ([list(node.input)[::-1]] if node.op_type in ("Add", "Mul") else [])
        for names in orders:
            trial = dict(bound)
            if all(self._bind(v, name, trial) for v, name in zip(template.inputs, names, strict=True)):
                return trial | {template.output: node.output[0]}
        return None

    def _bind(self, variable: str | float, name: str, bound: dict[str, str]) -> bool:
        if isinstance(variable, float):
            array = self._arrays.get(name)
            return array is not None and array.size == 1 and math.isclose(float(array.item()), variable, rel_tol=1e-5)
        is_constant = name in self._arrays
        return (variable not in self._pattern.constants or is_constant) and bound.setdefault(variable, name) == name

    def _is_closed(self, bound: dict[str, str], chain: list[NodeProto]) -> bool:
        """Nothing outside the chain reads what is computed inside it."""
        inside = {id(node) for node in chain}
        hidden = [bound[template.output] for template in self._pattern.chain[:-1]]
        return not self._outputs.intersection(hidden) and all(
            id(reader) in inside for name in hidden for reader in self._readers.get(name, [])
        )

    def _fused(self, bound: dict[str, str], chain: list[NodeProto]) -> NodeProto:
        node = helper.make_node(self._pattern.op, [bound[v] for v in self._pattern.inputs], [bound["y"]])
        node.attribute.extend(chain[0].attribute)
        return node
