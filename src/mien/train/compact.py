"""Half the size for a served model: large weights as 16-bit integers, a scale for each output channel."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper, version_converter

# Smaller weights (biases, norms) cost nothing and stay as they are.
SMALLEST: Final = 1024
LEVELS: Final = 32767
# The first version of ONNX's operators whose DequantizeLinear takes 16-bit integers.
OPSET: Final = 21
CHANNEL_AXIS: Final = {"Conv": 0, "Gemm": 1, "MatMul": 1}


def compact_onnx(model: Any) -> bytes:
    """The same graph with a DequantizeLinear before each large weight; rounding moves a weight by 1/65534 of the
    largest in its channel at most. mien's engines fold them when loading."""
    model = version_converter.convert_version(model, OPSET)
    graph = model.graph
    _restore_prelu(graph)
    axes = {node.input[1]: CHANNEL_AXIS[node.op_type] for node in graph.node if node.op_type in CHANNEL_AXIS}
    nodes = []
    for item in list(graph.initializer):
        values = numpy_helper.to_array(item)
        if values.dtype == np.float32 and values.size >= SMALLEST and item.name in axes:
            nodes.append(_dequantize(graph, item, values, axes[item.name]))
    kept = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *kept])
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _restore_prelu(graph: Any) -> None:
    """Max(x, slope * x), what the transfer model's activation becomes, as the one operator that engines have for it."""
    products = {node.output[0]: node for node in graph.node if node.op_type == "Mul"}
    gone = set()
    for node in graph.node:
        product = next((products[name] for name in node.input if name in products), None)
        if node.op_type != "Max" or product is None or len(node.input) != 2:
            continue
        maps = next(name for name in node.input if name != product.output[0])
        slope = next((name for name in product.input if name != maps), None)
        if slope is None or maps not in product.input:
            continue
        node.op_type, node.input[:] = "PRelu", [maps, slope]
        gone.add(product.output[0])
    kept = [node for node in graph.node if node.output[0] not in gone]
    del graph.node[:]
    graph.node.extend(kept)


def _dequantize(graph: Any, item: Any, values: NDArray[np.float32], axis: int) -> Any:
    others = tuple(other for other in range(values.ndim) if other != axis)
    scale = (np.abs(values).max(axis=others) / LEVELS).astype(np.float32)
    scale[scale == 0] = 1
    shape = [-1 if other == axis else 1 for other in range(values.ndim)]
    integers = np.round(values / scale.reshape(shape)).astype(np.int16)
    graph.initializer.remove(item)
    graph.initializer.extend(
        [numpy_helper.from_array(integers, f"{item.name}_int16"), numpy_helper.from_array(scale, f"{item.name}_scale")]
    )
    inputs = [f"{item.name}_int16", f"{item.name}_scale"]
    return helper.make_node("DequantizeLinear", inputs, [item.name], axis=axis)
