from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from zorky_training.onnx_fusion import fused_nodes
from zorky_training.onnx_graph import OnnxGraph

Floats = NDArray[np.float32]
SHAPES = {"det": (1, 3, 96, 160), "rec": (2, 3, 48, 192)}


def published(kind: str) -> ModelProto:
    spec = find_spec("rapidocr")
    assert spec is not None
    assert spec.origin is not None
    return onnx.load(Path(spec.origin).parent / "models" / f"PP-OCRv6_{kind}_small.onnx")


def picture(kind: str) -> Floats:
    return np.random.default_rng(7).uniform(-1, 1, SHAPES[kind]).astype(np.float32)


def by_onnxruntime(model: ModelProto, x: Floats) -> Floats:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0], np.float32)


def by_torch(graph: OnnxGraph, x: Floats) -> Floats:
    with torch.no_grad():
        return np.asarray(graph(torch.from_numpy(x)).numpy(), np.float32)


@pytest.mark.parametrize("kind", ["det", "rec"])
def test_torch_computes_what_onnxruntime_computes(kind: str) -> None:
    model, x = published(kind), picture(kind)
    np.testing.assert_allclose(by_torch(OnnxGraph(model), x), by_onnxruntime(model, x), atol=1e-4)


@pytest.mark.parametrize("kind", ["det", "rec"])
def test_every_weight_receives_a_gradient(kind: str) -> None:
    graph = OnnxGraph(published(kind))
    graph(torch.from_numpy(picture(kind))).square().mean().backward()
    assert [name for name, weight in graph.named_parameters() if weight.grad is None] == []
    assert sum(weight.numel() for weight in graph.parameters()) > 2_000_000


@pytest.mark.parametrize("kind", ["det", "rec"])
def test_trained_weights_written_back_run_in_onnxruntime(kind: str) -> None:
    model, x = published(kind), picture(kind)
    before = by_onnxruntime(model, x)
    graph = OnnxGraph(model)
    with torch.no_grad():
        for weight in graph.parameters():
            weight.mul_(1.02)
    graph.write_back(model)
    after = by_onnxruntime(model, x)
    np.testing.assert_allclose(by_torch(graph, x), after, atol=1e-4)
    assert np.abs(after - before).max() > 1e-3


def test_fusing_leaves_no_piece_of_gelu_bias_or_layer_norm() -> None:
    model = published("rec")
    operators = {node.op_type for node in fused_nodes(model.graph, [model.graph.output[0].name])}
    assert not operators & {"Erf", "Sqrt", "Pow", "Sub", "Identity"}
    assert {"Gelu", "LayerNormalization", "Silu"} <= operators


def test_a_graph_can_be_cut_at_an_inner_tensor() -> None:
    model, x = published("det"), torch.from_numpy(picture("det"))
    logits, whole = OnnxGraph(model, [model.graph.node[-1].input[0], model.graph.output[0].name])(x)
    torch.testing.assert_close(logits.sigmoid(), whole)


def test_frozen_weights_are_the_first_to_be_used() -> None:
    graph = OnnxGraph(published("det"))
    graph.freeze(2)
    frozen = sorted(tuple(weight.shape) for weight in graph.parameters() if not weight.requires_grad)
    assert frozen == [(1, 24, 1, 1), (24, 3, 3, 3)]


def test_no_denormal_weight_is_written_back() -> None:
    model = published("det")
    OnnxGraph(model).write_back(model)
    weights = np.concatenate([numpy_helper.to_array(t).ravel() for t in model.graph.initializer if t.data_type == 1])
    assert np.abs(weights[weights != 0]).min() >= np.finfo(np.float32).tiny


def test_an_unknown_operator_is_named() -> None:
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Tan", ["x"], ["y"])], "g", value[:1], value[1:])
    with pytest.raises(NotImplementedError, match="Tan"):
        OnnxGraph(helper.make_model(graph))
