"""What is shipped is what was trained, in half the bytes, and its manifest names it."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import ModelProto, TensorProto, helper, numpy_helper

from zorky_server.tasks.handwriting.calibration import Calibration
from zorky_server.tasks.handwriting.model import PARTS
from zorky_training.package import store_in_half, write_manifest


def drawn_model() -> ModelProto:
    """y = x @ weight + bias with random weights; the bias is too short to be narrowed."""
    random = np.random.default_rng(2)
    weights = {"weight": random.normal(size=(64, 32)), "bias": random.normal(size=32)}
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weight"], ["product"]), helper.make_node("Add", ["product", "bias"], ["y"])],
        "drawn",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 32])],
        [numpy_helper.from_array(values.astype(np.float32), name) for name, values in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def run(model: ModelProto, x: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0]


def test_weights_in_half_the_bytes_give_the_same_output() -> None:
    model, x = drawn_model(), np.random.default_rng(3).normal(size=(5, 64)).astype(np.float32)
    smaller = store_in_half(model)
    assert len(smaller.SerializeToString()) < 0.6 * len(model.SerializeToString())
    np.testing.assert_allclose(run(smaller, x), run(model, x), atol=0.02)
    assert not np.array_equal(run(smaller, x), run(model, x))


def test_weights_too_large_for_half_are_kept() -> None:
    model = drawn_model()
    huge = numpy_helper.from_array(np.full((64, 32), 1e6, np.float32), "weight")
    model.graph.initializer[0].CopyFrom(huge)
    x = np.ones((1, 64), np.float32)
    np.testing.assert_array_equal(run(store_in_half(model), x), run(model, x))


def test_the_manifest_names_the_weights_that_lie_there(tmp_path: Path) -> None:
    for part, file in PARTS.items():
        (tmp_path / file).write_bytes(part.encode())
    write_manifest(tmp_path, "1.2.3", Calibration("c", (0, 1, 0), (0, 1)), {"cer": {}})
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["version"] == "1.2.3"
    assert manifest["weights"]["detector"]["sha256"] == hashlib.sha256(b"detector").hexdigest()
