"""Turn an ONNX file into the plainest float graph that says the same.

Block-quantised files hold their weights as int8 and compute the floats anew at each call, list weights as inputs, and
carry operators (block-wise DequantizeLinear of opset 21) that not every engine converts. Folding them once, at load,
is exact: the same multiplication, done earlier.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from mien.engine.merge import merge_heads

# From here on Split takes its sizes as an input.
SPLIT_OPSET = 13

Constants = dict[str, NDArray[Any]]


def plain_onnx(data: bytes, shape: tuple[int, ...] | None = None, split_prelu: bool = False) -> bytes:
    """Fold constant DequantizeLinear and Reshape nodes of an ONNX model, drop weights from its inputs.

    shape: what the first input shall have instead of its own, -1 for a free dimension.
    split_prelu: write PRelu(x) as a*x + (1-a)*Relu(x), the same function, for engines with a slow PRelu kernel.
    """
    model = onnx.load_from_string(data)
    graph = model.graph
    constants: Constants = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    nodes = []
    for node in graph.node:
        folded = _fold(node, constants)
        if folded is not None:
            constants[node.output[0]] = folded
        elif node.op_type == "Dropout":
            nodes.append(helper.make_node("Identity", node.input[:1], node.output[:1]))
        elif node.op_type == "PRelu" and split_prelu and node.input[1] in constants:
            nodes.extend(_split_prelu(node, constants))
        else:
            nodes.append(node)
    if _opset(model) >= SPLIT_OPSET:
        nodes = merge_heads(nodes, constants)
    _rebuild(graph, nodes, constants)
    if shape is not None:
        _reshape(graph, shape)
    return bytes(model.SerializeToString())


def _opset(model: Any) -> int:
    """The version of ONNX's own operators that the model is written in."""
    return next((int(item.version) for item in model.opset_import if item.domain in ("", "ai.onnx")), 1)


def _fold(node: Any, constants: Constants) -> NDArray[Any] | None:
    """The value of a node that depends on constants only, for the two operators that need it; else None."""
    if not all(name in constants for name in node.input):
        return None
    values = [constants[name] for name in node.input]
    if node.op_type == "Reshape":
        return values[0].reshape(values[1])
    if node.op_type == "DequantizeLinear":
        attributes = {item.name: item.i for item in node.attribute}
        return _dequantize(values, attributes.get("axis", 1), attributes.get("block_size", 0))
    return None


def _dequantize(values: list[NDArray[Any]], axis: int, block_size: int) -> NDArray[np.float32]:
    """(x - zero_point) * scale, per tensor, channel or block (ONNX operator specification, opset 21)."""
    quantized, scale = values[0], values[1].astype(np.float32)
    zero = values[2].astype(np.float32) if len(values) > 2 else np.zeros_like(scale)
    if block_size and quantized.shape[axis] % block_size == 0:
        return _dequantize_blocks(quantized, scale, zero, axis)
    if block_size:
        inside = tuple(slice(0, size) for size in quantized.shape)
        scale = np.repeat(scale, block_size, axis=axis)[inside]
        zero = np.repeat(zero, block_size, axis=axis)[inside]
    elif scale.ndim == 1 and scale.size > 1:
        channelwise = [1] * quantized.ndim
        channelwise[axis] = -1
        scale, zero = scale.reshape(channelwise), zero.reshape(channelwise)
    floats = quantized.astype(np.float32)
    floats -= zero
    floats *= scale
    return floats


def _dequantize_blocks(
    quantized: NDArray[Any], scale: NDArray[np.float32], zero: NDArray[np.float32], axis: int
) -> NDArray[np.float32]:
    """Whole blocks along `axis`: one scale is broadcast over its block, which saves a copy as large as the weights."""
    shape = quantized.shape
    blocks = quantized.reshape(*shape[:axis], scale.shape[axis], -1, *shape[axis + 1 :])
    floats = blocks.astype(np.float32)
    if zero.any():
        floats -= np.expand_dims(zero, axis + 1)
    floats *= np.expand_dims(scale, axis + 1)
    return floats.reshape(shape)


def _split_prelu(node: Any, constants: Constants) -> list[Any]:
    """PRelu as four cheap operators; its slope's complement becomes one more constant."""
    source, slope = node.input
    name = node.output[0]
    constants[f"{name}_complement"] = (1 - constants[slope]).astype(np.float32)
    return [
        helper.make_node("Relu", [source], [f"{name}_relu"]),
        helper.make_node("Mul", [f"{name}_relu", f"{name}_complement"], [f"{name}_positive"]),
        helper.make_node("Mul", [source, slope], [f"{name}_all"]),
        helper.make_node("Add", [f"{name}_all", f"{name}_positive"], [name]),
    ]


def _rebuild(graph: Any, nodes: list[Any], constants: Constants) -> None:
    """Put the kept nodes back, with just the constants and inputs that they use."""
    used = {name for node in nodes for name in node.input}
    inputs = [item for item in graph.input if item.name in used and item.name not in constants]
    del graph.node[:], graph.initializer[:], graph.input[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.input.extend(inputs)
    graph.initializer.extend(
        numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items() if name in used
    )


def _reshape(graph: Any, shape: tuple[int, ...]) -> None:
    """Give the first input another shape, and forget the outputs' shapes, which follow from it."""
    dimensions = ["free" if size < 0 else size for size in shape]
    element = graph.input[0].type.tensor_type.elem_type
    graph.input[0].CopyFrom(helper.make_tensor_value_info(graph.input[0].name, element, dimensions))
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")
