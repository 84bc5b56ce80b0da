"""DeepFace's models where it looks for them: its detector and embedder from mien's cache, its emotion network in kind.

The numbers in the emotion network are random: the published ones lie where only a download at run time reaches them.
Its layers are those of DeepFace's source, so that it takes the same time.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

NAMES = {"yunet": "face_detection_yunet_2023mar.onnx", "sface": "face_recognition_sface_2021dec.onnx"}
# Kernel side, inputs, outputs of each convolution; what pools after it: kernel side, or None.
CONVOLUTIONS = ((5, 1, 64, 5), (3, 64, 64, None), (3, 64, 64, 3), (3, 64, 128, None), (3, 128, 128, 3))
DENSE = ((128, 1024), (1024, 1024), (1024, 7))


def place(files: dict[str, str], home: Path) -> None:
    """Fill `home`, which becomes DEEPFACE_HOME."""
    folder = home / ".deepface" / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    for model, name in NAMES.items():
        shutil.copy(files[model], folder / name)
    onnx.save(_emotion(), str(folder / "facial_expression_model_weights.onnx"))


def _emotion() -> onnx.ModelProto:
    rng = np.random.default_rng(0)
    nodes, weights, last = [helper.make_node("Transpose", ["input"], ["planar"], perm=[0, 3, 1, 2])], [], "planar"

    def tensor(name: str, *shape: int) -> str:
        weights.append(numpy_helper.from_array(rng.normal(0, 0.05, shape).astype(np.float32), name))
        return name

    for index, (side, inputs, outputs, pool) in enumerate(CONVOLUTIONS):
        kernel = tensor(f"k{index}", outputs, inputs, side, side)
        nodes.append(helper.make_node("Conv", [last, kernel, tensor(f"b{index}", outputs)], [f"c{index}"]))
        nodes.append(helper.make_node("Relu", [f"c{index}"], [f"r{index}"]))
        last = f"r{index}"
        if pool:
            kind = "MaxPool" if index == 0 else "AveragePool"
            nodes.append(helper.make_node(kind, [last], [f"p{index}"], kernel_shape=[pool, pool], strides=[2, 2]))
            last = f"p{index}"
    nodes.append(helper.make_node("Flatten", [last], ["flat"]))
    last = "flat"
    for index, (inputs, outputs) in enumerate(DENSE):
        weight, bias = tensor(f"w{index}", inputs, outputs), tensor(f"d{index}", outputs)
        nodes.append(helper.make_node("Gemm", [last, weight, bias], [f"g{index}"]))
        nodes.append(helper.make_node("Softmax" if index == 2 else "Relu", [f"g{index}"], [f"a{index}"]))
        last = f"a{index}"
    ends = (
        helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 48, 48, 1]),
        helper.make_tensor_value_info(last, TensorProto.FLOAT, ["n", 7]),
    )
    graph = helper.make_graph(nodes, "emotion", [ends[0]], [ends[1]], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
