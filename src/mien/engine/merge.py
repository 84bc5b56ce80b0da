"""Merge narrow parallel convolutions of a network's heads into wide ones: the same sums, in full vector registers.

A detector's head computes its score, box and points from one feature map by convolutions of 1, 4 or 10 channels each,
which take as long as if they had 16. Here those that share their input become one, and so do the depthwise ones that
follow them. YuNet takes three quarters of the time.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper

# Convolutions of fewer channels than this leave much of a vector register empty.
NARROW = 16

Constants = dict[str, NDArray[Any]]


def merge_heads(nodes: list[Any], constants: Constants) -> list[Any]:
    """`nodes` with each set of narrow 1x1 convolutions of one input, and the depthwise convolution after each, merged.

    Outputs keep their names. `constants` gets the merged weights. Needs operator set 13 or later (Split's sizes).
    """
    readers: dict[str, list[Any]] = defaultdict(list)
    for node in nodes:
        for name in node.input:
            readers[name].append(node)
    sets: dict[tuple[Any, ...], list[tuple[Any, Any]]] = defaultdict(list)
    for node in nodes:
        following = readers[node.output[0]]
        if _is_narrow(node, constants) and len(following) == 1 and _is_depthwise(following[0], constants):
            key = (node.input[0], _traits(node), _traits(following[0]))
            sets[key].append((node, following[0]))
    merged = {pairs[0][0].output[0]: pairs for pairs in sets.values() if len(pairs) > 1}
    gone = {one.output[0] for pairs in merged.values() for pair in pairs for one in pair}
    result: list[Any] = []
    for node in nodes:
        if node.output[0] in merged:
            result.extend(_merge(merged[node.output[0]], constants))
        elif node.output[0] not in gone:
            result.append(node)
    return result


def _is_narrow(node: Any, constants: Constants) -> bool:
    if node.op_type != "Conv" or any(name not in constants for name in node.input[1:]):
        return False
    shape = constants[node.input[1]].shape
    return bool(shape[2:] == (1, 1) and shape[0] < NARROW and _group(node) == 1)


def _is_depthwise(node: Any, constants: Constants) -> bool:
    if node.op_type != "Conv" or any(name not in constants for name in node.input[1:]):
        return False
    shape = constants[node.input[1]].shape
    return bool(shape[1] == 1 and shape[0] == _group(node))


def _group(node: Any) -> int:
    return next((int(item.i) for item in node.attribute if item.name == "group"), 1)


def _traits(node: Any) -> tuple[Any, ...]:
    """What must agree for two convolutions to become one: all attributes but the groups, and having a bias or not."""
    attributes = sorted(item.SerializeToString() for item in node.attribute if item.name != "group")
    return (len(node.input), *attributes)


def _merge(pairs: list[tuple[Any, Any]], constants: Constants) -> list[Any]:
    """One 1x1 convolution, one depthwise convolution, and a Split into the outputs of `pairs`."""
    first, second = pairs[0]
    sizes = [len(constants[follower.input[1]]) for _, follower in pairs]
    name = f"{second.output[0]}_merged"
    constants[f"{name}_sizes"] = np.array(sizes, np.int64)
    wide = _joined([pair[0] for pair in pairs], first.input[0], f"{name}_wide", 1, constants)
    deep = _joined([pair[1] for pair in pairs], f"{name}_wide", name, sum(sizes), constants)
    outputs = [follower.output[0] for _, follower in pairs]
    return [wide, deep, helper.make_node("Split", [name, f"{name}_sizes"], outputs, axis=1)]


def _joined(convolutions: list[Any], source: str, output: str, group: int, constants: Constants) -> Any:
    inputs = [source]
    for place in range(1, len(convolutions[0].input)):
        inputs.append(f"{output}_{place}")
        constants[inputs[-1]] = np.concatenate([constants[node.input[place]] for node in convolutions])
    joined = helper.make_node("Conv", inputs, [output], group=group)
    joined.attribute.extend(item for item in convolutions[0].attribute if item.name != "group")
    return joined
