"""Quantised networks: close to the float ones, the same function on both engines, refused where ranges do not fit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import TensorProto, helper, numpy_helper

from mien.engine import capability
from mien.engine.capability import LIMIT, has_integer_kernels, instruction_sets
from mien.engine.int8 import quantized_onnx, symmetric_int8
from mien.engine.openvino import INTEGERS_SAFE
from mien.engine.session import ENGINES, open_session
from mien.errors import EngineError

RANGES = ((-6.0, 6.0), (0.0, 8.0))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small MobileNet: depthwise, 1x1, PReLU, 1x1 of stride 2 with bias, ReLU, fully connected."""
    rng = np.random.default_rng(7)

    def weights(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(rng.normal(0, np.prod(shape[1:]) ** -0.5, shape).astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["x", "w0"], ["a"], group=8, kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["a", "w1"], ["b"], kernel_shape=[1, 1]),
        helper.make_node("PRelu", ["b", "slope"], ["c"]),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("Conv", ["d", "w2", "bias"], ["e"], kernel_shape=[1, 1], strides=[2, 2]),
        helper.make_node("Flatten", ["e"], ["f"]),
        helper.make_node("Gemm", ["f", "w3"], ["y"], transB=1),
    ]
    constants = [
        weights("w0", 8, 1, 3, 3),
        weights("w1", 16, 8, 1, 1),
        weights("w2", 12, 16, 1, 1),
        numpy_helper.from_array(rng.normal(0, 1, 12).astype(np.float32), "bias"),
        weights("w3", 5, 12 * 16),
        numpy_helper.from_array(np.full((16, 1, 1), 0.25, np.float32), "slope"),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8, 8, 8])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 5])]
    graph = helper.make_graph(nodes, "small", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = tmp_path_factory.mktemp("int8") / "small.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def answers(path: Path, engine: str, ranges: tuple[tuple[float, float], ...]) -> np.ndarray:
    session = open_session(path, engine, int8_ranges=ranges)
    rng = np.random.default_rng(8)
    return np.concatenate([session.run(rng.normal(0, 1, (1, 8, 8, 8)).astype(np.float32))["y"] for _ in range(20)])


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_integers_answer_nearly_as_floats(network: Path, engine: str) -> None:
    floats, integers = answers(network, engine, ()), answers(network, engine, RANGES)
    error = np.abs(integers - floats).max() / np.abs(floats).max()
    assert error < 0.05
    assert (error > 0) == (engine == "onnxruntime" or INTEGERS_SAFE)


def test_both_engines_compute_the_same_function(network: Path) -> None:
    first, second = (answers(network, engine, RANGES) for engine in ("openvino", "onnxruntime"))
    np.testing.assert_allclose(first, second, atol=0.02 * np.abs(first).max())


def test_values_beyond_the_range_are_clipped(network: Path) -> None:
    tight = tuple((low / 20, high / 20) for low, high in RANGES)
    floats, integers = answers(network, "onnxruntime", ()), answers(network, "onnxruntime", tight)
    assert np.abs(integers - floats).max() > 0.3 * np.abs(floats).max()


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_ranges_must_fit_the_model(network: Path, engine: str) -> None:
    with pytest.raises(EngineError, match="2 convolutions of 1 x 1, its card has 1"):
        open_session(network, engine, int8_ranges=RANGES[:1])


def test_the_session_says_its_precision(network: Path) -> None:
    assert open_session(network, "openvino").describe().endswith("f32")
    precision = "int8" if INTEGERS_SAFE else "f32"
    assert open_session(network, "openvino", int8_ranges=RANGES).describe().endswith(precision)


def test_float_weights_leave_the_file(network: Path) -> None:
    model = onnx.load_from_string(quantized_onnx(network.read_bytes(), RANGES))
    kinds = {item.name: item.data_type for item in model.graph.initializer}
    assert {"w1", "w2", "w3"}.isdisjoint(kinds)
    assert kinds["w0"] == TensorProto.FLOAT, "depthwise convolutions stay as they are"
    assert sorted(kinds.values()).count(TensorProto.INT8) == 3
    onnx.checker.check_model(model)


@given(arrays(np.float32, (3, 4), elements=st.floats(-1000, 1000, width=32)))
def test_rounding_is_within_half_a_step(weights: np.ndarray) -> None:
    integers, scale = symmetric_int8(weights)
    assert np.abs(integers.astype(int)).max() <= 127
    assert np.all(np.abs(integers * scale[:, None].astype(np.float64) - weights) <= 0.501 * scale[:, None] + 1e-30)


@pytest.mark.parametrize(
    ("machine", "flags", "known"),
    [
        ("x86_64", ("avx2", "avx512f"), True),
        ("AMD64", (), True),
        ("x86_64", ("sse4_2",), False),
        ("aarch64", ("asimd",), False),
        ("arm64", (), False),
    ],
)
def test_integer_kernels_are_those_of_x86(
    machine: str, flags: tuple[str, ...], known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capability.platform, "machine", lambda: machine)
    monkeypatch.setattr(capability, "instruction_sets", lambda: flags)
    assert has_integer_kernels() is known


FIRST_TOUCH = """
import os, sys
{before}
from mien.engine import capability
capability.instruction_sets = lambda: ("avx2", "amx_int8")
print(capability.avoid_amx(), os.environ.get(capability.LIMIT))
"""
FOREIGN_USE = "import openvino; openvino.Core().get_property('CPU', 'FULL_DEVICE_NAME')"


@pytest.mark.parametrize(
    ("before", "limit", "said"),
    [
        ("", None, "True None"),
        ("import openvino", None, "True None"),
        ("", "SSE41", "True SSE41"),
        pytest.param(
            FOREIGN_USE, None, "False None", marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux tells")
        ),
    ],
    ids=["first", "imported only", "user's own limit", "used before"],
)
def test_amx_is_avoided_or_integers_are_not_safe(before: str, limit: str | None, said: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != LIMIT} | ({LIMIT: limit} if limit else {})
    script = FIRST_TOUCH.format(before=before)
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == said, done.stderr


KERNELS = """
import os, sys
if sys.argv[2] == "early":
    os.environ["ONEDNN_MAX_CPU_ISA"] = "SSE41"
import openvino
core = openvino.Core()
core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
os.environ["ONEDNN_MAX_CPU_ISA"] = "SSE41" if sys.argv[2] == "late" else ""
model = core.compile_model(core.read_model(sys.argv[1]), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
used = {node.get_rt_info()["primitiveType"].astype(str) for node in model.get_runtime_model().get_ops()}
print(any("avx" in name for name in used))
"""


@pytest.mark.skipif("avx2" not in instruction_sets(), reason="the limit is one of x86 processors, read on Linux")
def test_the_limit_counts_at_the_first_use_alone(network: Path) -> None:
    """What `avoid_amx` relies on: once the plugin is in use, the variable may go, and coming late it has no effect."""

    def uses_avx(when: str) -> str:
        command = [sys.executable, "-c", KERNELS, str(network), when]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert [uses_avx(when) for when in ("never", "early", "late")] == ["True", "False", "True"]
