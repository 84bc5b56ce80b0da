"""Run a network's 1x1 convolutions in 8-bit integers: a MobileNet-shaped embedder takes little more than half the time.

Each of these convolutions gets its input through QuantizeLinear and DequantizeLinear (ONNX operator specification;
unsigned, one range a tensor) and its weights as int8, one scale an output channel. Engines with integer kernels fuse
the three; the others compute the same function in floats. Fully connected layers, bound by memory, get their weights
as int8 too. All else stays float32: quantised depthwise convolutions are no faster.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from mien.errors import EngineError
from mien.face import Floats

LEVELS = 255
WEIGHT_LIMIT = 127

Ranges = tuple[tuple[float, float], ...]
"""Lowest and highest input value of each 1x1 convolution, in the graph's order; values beyond are clipped."""


def quantized_onnx(data: bytes, ranges: Ranges) -> bytes:
    """Quantise the 1x1 convolutions and fully connected layers of a float model as `plain_onnx` gives it.

    Raises EngineError where the number of `ranges` does not fit the model.
    """
    model = onnx.load_from_string(data)
    graph = model.graph
    constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    pointwise = [node for node in graph.node if _is_pointwise(node, constants)]
    if len(pointwise) != len(ranges):
        raise EngineError(
            f"The model has {len(pointwise)} convolutions of 1 x 1, its card has {len(ranges)} ranges.",
            "Correct `int8_ranges` in the card, or leave them out to stay with float32.",
        )
    limits = {node.output[0]: limit for node, limit in zip(pointwise, ranges, strict=True)}
    nodes: list[Any] = []
    for node in graph.node:
        limit = limits.get(node.output[0])
        if limit:
            nodes.extend(_quantize_input(graph, node, limit))
        if limit or _is_dense(node, constants):
            nodes.append(_quantize_weights(graph, node, constants[node.input[1]]))
        nodes.append(node)
    _replace_nodes(graph, nodes)
    return bytes(model.SerializeToString())


def symmetric_int8(weights: Floats) -> tuple[NDArray[np.int8], Floats]:
    """(N, ...) float32 as int8, and the scale of each of the N rows: a row's largest weight becomes 127 or -127."""
    rows = weights.reshape(len(weights), -1)
    scale = np.maximum(np.abs(rows).max(axis=1), np.finfo(np.float32).tiny * LEVELS) / WEIGHT_LIMIT
    return np.round(rows / scale[:, None]).astype(np.int8).reshape(weights.shape), scale.astype(np.float32)


def _is_pointwise(node: Any, constants: dict[str, NDArray[Any]]) -> bool:
    if node.op_type != "Conv" or node.input[1] not in constants:
        return False
    groups = next((item.i for item in node.attribute if item.name == "group"), 1)
    return groups == 1 and constants[node.input[1]].shape[2:] == (1, 1)


def _is_dense(node: Any, constants: dict[str, NDArray[Any]]) -> bool:
    """A fully connected layer that keeps the weights of an output in a row."""
    turned = any(item.name == "transB" and item.i for item in node.attribute)
    return node.op_type == "Gemm" and turned and node.input[1] in constants


def _quantize_input(graph: Any, node: Any, limit: tuple[float, float]) -> list[Any]:
    low, high = min(limit[0], 0.0), max(limit[1], 0.0)
    scale = (high - low) / LEVELS
    source, name = node.input[0], f"{node.output[0]}_input"
    parameters = [f"{name}_scale", f"{name}_zero"]
    _add_constants(graph, dict(zip(parameters, (np.float32(scale), np.uint8(round(-low / scale))), strict=True)))
    node.input[0] = name
    return [
        helper.make_node("QuantizeLinear", [source, *parameters], [f"{name}_integers"]),
        helper.make_node("DequantizeLinear", [f"{name}_integers", *parameters], [name]),
    ]


def _quantize_weights(graph: Any, node: Any, weights: Floats) -> Any:
    name = f"{node.output[0]}_weights"
    parts = [f"{name}_integers", f"{name}_scale"]
    _add_constants(graph, dict(zip(parts, symmetric_int8(weights), strict=True)))
    node.input[1] = name
    return helper.make_node("DequantizeLinear", parts, [name], axis=0)


def _add_constants(graph: Any, values: dict[str, Any]) -> None:
    graph.initializer.extend(numpy_helper.from_array(np.asarray(value), name) for name, value in values.items())


def _replace_nodes(graph: Any, nodes: list[Any]) -> None:
    """Put `nodes` in, and drop the float weights that none of them uses any more."""
    used = {name for node in nodes for name in node.input}
    kept = [item for item in graph.initializer if item.name in used]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
