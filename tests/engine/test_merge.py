"""Merged heads: the same outputs under the same names, from fewer convolutions; all else stays as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mien.engine import plain
from mien.engine.session import ENGINES, open_session
from mien.settings import Settings
from mien.weights.fetch import ensure

HEADS = {"score": 1, "box": 4, "points": 10}


def head(name: str, channels: int, rng: np.random.Generator, source: str = "x") -> tuple[list, list]:
    """A 1x1 convolution from 8 channels and a depthwise one: nodes and constants."""
    shapes = {"w": (channels, 8, 1, 1), "b": (channels,), "dw": (channels, 1, 3, 3), "db": (channels,)}
    constants = [
        numpy_helper.from_array(rng.normal(0, 1, shape).astype(np.float32), f"{name}_{part}")
        for part, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Conv", [source, f"{name}_w", f"{name}_b"], [f"{name}_a"], kernel_shape=[1, 1]),
        helper.make_node(
            "Conv",
            [f"{name}_a", f"{name}_dw", f"{name}_db"],
            [name],
            kernel_shape=[3, 3],
            pads=[1, 1, 1, 1],
            group=channels,
        ),
    ]
    return nodes, constants


def model_of(heads: dict[str, int], opset: int = 17, source: str = "x") -> onnx.ModelProto:
    rng = np.random.default_rng(3)
    parts = [head(name, channels, rng, source) for name, channels in heads.items()]
    graph = helper.make_graph(
        [node for nodes, _ in parts for node in nodes],
        "heads",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8, 6, 5])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size, 6, 5]) for name, size in heads.items()],
        [constant for _, constants in parts for constant in constants],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def kinds(model: onnx.ModelProto) -> list[str]:
    plain_model = onnx.load_from_string(plain.plain_onnx(model.SerializeToString()))
    onnx.checker.check_model(plain_model)
    return sorted(node.op_type for node in plain_model.graph.node)


def test_parallel_heads_become_one() -> None:
    assert kinds(model_of(HEADS)) == ["Conv", "Conv", "Split"]


def test_a_lone_head_stays() -> None:
    assert kinds(model_of({"score": 1})) == ["Conv", "Conv"]


def test_wide_heads_stay() -> None:
    assert kinds(model_of({"score": 16, "box": 32})) == ["Conv"] * 4


def test_old_operator_sets_stay() -> None:
    assert kinds(model_of(HEADS, opset=11)) == ["Conv"] * 6


def test_heads_of_different_padding_stay_apart() -> None:
    model = model_of(HEADS)
    for node in model.graph.node:
        if node.output[0] == "box":
            next(item for item in node.attribute if item.name == "pads").ints[:] = [2, 2, 0, 0]
    assert kinds(model) == ["Conv"] * 4 + ["Split"], "score and points are merged, box is not"


def test_a_head_whose_inside_is_read_elsewhere_stays() -> None:
    model = model_of(HEADS)
    model.graph.node.append(helper.make_node("Relu", ["box_a"], ["extra"]))
    model.graph.output.append(helper.make_tensor_value_info("extra", TensorProto.FLOAT, [1, 4, 6, 5]))
    assert kinds(model) == ["Conv"] * 4 + ["Relu", "Split"]


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_the_answer_stays_the_same(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "heads.onnx"
    path.write_bytes(model_of(HEADS).SerializeToString())
    batch = np.random.default_rng(4).normal(0, 1, (1, 8, 6, 5)).astype(np.float32)
    merged = open_session(path, engine).run(batch)
    monkeypatch.setattr(plain, "merge_heads", lambda nodes, constants: nodes)
    apart = open_session(path, engine).run(batch)
    assert list(merged) == list(apart) == list(HEADS)
    for name in HEADS:
        np.testing.assert_allclose(merged[name], apart[name], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_yunet_answers_as_its_file_says(engine: str, weights: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ensure("yunet", weights)
    batch = np.random.default_rng(5).uniform(0, 255, (1, 3, 64, 96)).astype(np.float32)
    merged = open_session(path, engine, shape=(1, 3, -1, -1))
    monkeypatch.setattr(plain, "merge_heads", lambda nodes, constants: nodes)
    apart = open_session(path, engine, shape=(1, 3, -1, -1))
    assert merged.output_names() == apart.output_names()
    one, other = merged.run(batch), apart.run(batch)
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=1e-3, atol=1e-4)
