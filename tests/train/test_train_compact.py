"""Half the size, the same answers: 16-bit weights, PRelu found again, the same bytes for the same graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien.engine.session import open_session
from mien.expression.temperature import softmax
from mien.train.compact import compact_onnx

SIZE = 16
LARGE = 1024


def network(slope: float = 0.25, prefix: str = "a") -> onnx.ModelProto:
    """(N, 16, 16, 1) -> out (N, 7): a convolution, Max(x, slope * x), a matrix."""
    random = np.random.default_rng(3)
    weights = {
        f"{prefix}_kernel": random.standard_normal((16, 1, 9, 9)) / 9,
        f"{prefix}_slope": np.linspace(-0.5, slope, 16).reshape(1, 16, 1, 1),
        f"{prefix}_matrix": random.standard_normal((16 * 64, 7)) / 30,
    }
    kernel, slopes, matrix = weights
    nodes = [
        helper.make_node("Transpose", ["face"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", kernel], [f"{prefix}_maps"]),
        helper.make_node("Mul", [slopes, f"{prefix}_maps"], [f"{prefix}_product"]),
        helper.make_node("Max", [f"{prefix}_maps", f"{prefix}_product"], [f"{prefix}_active"]),
        helper.make_node("Flatten", [f"{prefix}_active"], [f"{prefix}_flat"]),
        helper.make_node("MatMul", [f"{prefix}_flat", matrix], ["out"]),
    ]
    given = helper.make_tensor_value_info("face", TensorProto.FLOAT, ["n", SIZE, SIZE, 1])
    got = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", 7])
    tensors = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, prefix, [given], [got], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


def answers(data: bytes, path: Path, engine: str) -> np.ndarray:
    path.write_bytes(data)
    session = open_session(path, engine, shape=(3, SIZE, SIZE, 1))
    batch = np.random.default_rng(1).uniform(-1, 1, (3, SIZE, SIZE, 1)).astype(np.float32)
    return session.run(batch)["out"]


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_half_the_size_and_the_same_answers(engine: str, tmp_path: Path) -> None:
    if engine == "onnxruntime":
        pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    whole = network()
    before = answers(whole.SerializeToString(), tmp_path / "whole.onnx", engine)
    data = compact_onnx(whole, LARGE)
    after = answers(data, tmp_path / "compact.onnx", engine)
    assert len(data) < 0.56 * whole.ByteSize()
    assert before.std() > 0.1
    np.testing.assert_allclose(softmax(after), softmax(before), atol=1e-4)


def operators(data: bytes) -> list[str]:
    return [node.op_type for node in onnx.load_from_string(data).graph.node]


def test_prelu_is_found_again_with_its_own_slopes() -> None:
    graph = onnx.load_from_string(compact_onnx(network(), LARGE)).graph
    found = next(node for node in graph.node if node.op_type == "PRelu")
    slopes = next(numpy_helper.to_array(item) for item in graph.initializer if item.name == found.input[1])
    np.testing.assert_array_equal(slopes.ravel(), np.linspace(-0.5, 0.25, 16).astype(np.float32))
    assert not {"Max", "Mul"} & {node.op_type for node in graph.node}


def test_a_slope_above_one_is_no_prelu(tmp_path: Path) -> None:
    """There Max(x, slope * x) is another function."""
    whole = network(slope=1.5)
    before = answers(whole.SerializeToString(), tmp_path / "whole.onnx", "openvino")
    data = compact_onnx(whole, LARGE)
    assert "Max" in operators(data) and "PRelu" not in operators(data)
    np.testing.assert_allclose(answers(data, tmp_path / "compact.onnx", "openvino"), before, atol=1e-3)


def test_a_product_that_is_used_elsewhere_stays() -> None:
    model = network()
    model.graph.output.append(helper.make_tensor_value_info("a_product", TensorProto.FLOAT, ["n", 16, 8, 8]))
    assert "PRelu" not in operators(compact_onnx(model, LARGE))


def test_names_do_not_matter() -> None:
    """Exporters count their names on; the bytes, and with them the model's id, stay the same."""
    assert compact_onnx(network(prefix="a"), LARGE) == compact_onnx(network(prefix="other"), LARGE)


def test_a_weight_moves_by_half_a_level_at_most() -> None:
    graph = onnx.load_from_string(compact_onnx(network(), LARGE)).graph
    stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    node = next(node for node in graph.node if node.op_type == "DequantizeLinear")
    integers, scale = (stored[name] for name in node.input)
    assert integers.dtype == np.int16 and np.abs(integers).max() == 32767
    original = numpy_helper.to_array(next(item for item in network().graph.initializer if item.name == "a_kernel"))
    moved = np.abs(integers * scale.reshape(-1, 1, 1, 1) - original).max(axis=(1, 2, 3))
    assert (moved <= scale * 0.51).all()
