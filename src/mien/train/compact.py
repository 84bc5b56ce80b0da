"""A smaller file for a served model: large weights as 16-bit integers, a scale for each output channel."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper, version_converter

# From so many numbers on a weight is rounded: rounding the smaller ones too would save little and spoil the answers.
LARGE: Final = 500_000
LEVELS: Final = 32767
# The first version of ONNX's operators whose DequantizeLinear takes 16-bit integers.
OPSET: Final = 21
IR_VERSION: Final = 10
CHANNEL_AXIS: Final = {"Conv": 0, "Gemm": 1, "MatMul": 1}


def compact_onnx(model: Any, large: int = LARGE) -> bytes:
    """The same graph with a DequantizeLinear before each weight of `large` numbers or more, which mien's engines fold
    when loading. Rounding moves a weight by 1/65534 of the largest in its channel at most. The same graph gives the
    same bytes, whatever its tensors were named."""
    model = version_converter.convert_version(model, OPSET)
    model.ir_version = max(model.ir_version, IR_VERSION)
    graph = model.graph
    _restore_prelu(graph)
    items = {item.name: item for item in graph.initializer}
    nodes = []
    for node in graph.node:
        if node.op_type in CHANNEL_AXIS and (item := items.pop(node.input[1], None)):
            values = numpy_helper.to_array(item)
            if values.dtype == np.float32 and values.size >= large:
                nodes.append(_dequantize(graph, item, values, CHANNEL_AXIS[node.op_type]))
        nodes.append(node)
    del graph.node[:]
    graph.node.extend(nodes)
    _number_names(graph)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _restore_prelu(graph: Any) -> None:
    """Max(x, slope * x), what the transfer model's activation becomes, as the one operator that engines have for it.

    The two are the same where no slope is above 1; a layer that has learned one stays as it is.
    """
    values = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    products = {node.output[0]: node for node in graph.node if node.op_type == "Mul"}
    uses = Counter(name for node in graph.node for name in node.input) + Counter(item.name for item in graph.output)
    gone = set()
    for node in graph.node:
        if node.op_type != "Max" or len(node.input) != 2:
            continue
        for maps, name in (node.input, node.input[::-1]):
            factors = list(products[name].input) if uses[name] == 1 and name in products else []
            slope = next((one for one in factors if maps in factors and one in values), "")
            if slope and values[slope].max() <= 1:
                node.op_type, node.input[:] = "PRelu", [maps, slope]
                gone.add(name)
                break
    kept = [node for node in graph.node if node.output[0] not in gone]
    del graph.node[:]
    graph.node.extend(kept)


def _number_names(graph: Any) -> None:
    """Names of tensors are numbers, but for inputs and outputs: exporters count on from whatever they did before."""
    outside = {item.name for item in [*graph.input, *graph.output]}
    names = {name: name for name in ("", *outside)}
    for node in graph.node:
        node.name = ""
        for part in (node.input, node.output):
            part[:] = [names.setdefault(name, str(len(names))) for name in part]
    kept = sorted((item for item in graph.initializer if item.name in names), key=lambda item: int(names[item.name]))
    for item in kept:
        item.name = names[item.name]
    del graph.initializer[:], graph.value_info[:]
    graph.initializer.extend(kept)
    graph.name, graph.doc_string = "mien", ""
    for item in [*graph.input, *graph.output]:
        item.type.tensor_type.shape.dim[0].dim_param = "n"


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
