"""An expression model of the tests: random weights, but shaped as a real one, and the card that goes with it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mien.expression.classes import VOCABULARIES
from mien.settings import Settings
from mien.weights.card import Card, parse_card
from mien.weights.catalog import keep_card
from mien.weights.store import path_of

SIZE = 48
FEATURES = 128
# Of a face that fills the crop as FER2013's do.
POINTS = [[0.31, 0.38], [0.69, 0.38], [0.5, 0.58], [0.34, 0.76], [0.66, 0.76]]
HEADS = [
    {"output": name, "vocabulary": name, "classes": list(VOCABULARIES[name]), "temperature": temperature}
    for name, temperature in (("ferplus", 1.5), ("fer2013", 0.8))
]


def write_model(path: Path, spoil: float | None = None, seed: int = 7) -> Path:
    """`path`, with a model (N, 48, 48, 1) -> ferplus (N, 8), fer2013 (N, 7), features (N, 128) in it.

    spoil: added to the scores of ferplus, such as nan.
    """
    random = np.random.default_rng(seed)
    weights = {"flat": np.array([0, -1], np.int64), "mix": _scaled(random, SIZE * SIZE // 16, FEATURES)}
    nodes = [
        helper.make_node("Transpose", ["face"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["small"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Reshape", ["small", "flat"], ["pixels"]),
        helper.make_node("MatMul", ["pixels", "mix"], ["mixed"]),
        helper.make_node("Relu", ["mixed"], ["features"]),
    ]
    for name, classes in VOCABULARIES.items():
        weights |= {f"{name}_w": 6 * _scaled(random, FEATURES, len(classes)), f"{name}_b": np.zeros(len(classes), "f4")}
        nodes.append(helper.make_node("Gemm", ["features", f"{name}_w", f"{name}_b"], [name]))
    if spoil is not None:
        weights["ferplus_b"] += np.float32(spoil)
    given = helper.make_tensor_value_info("face", TensorProto.FLOAT, ["n", SIZE, SIZE, 1])
    sizes = {name: len(classes) for name, classes in VOCABULARIES.items()} | {"features": FEATURES}
    got = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]) for name, size in sizes.items()]
    tensors = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "tiny", [given], got, tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    return path


def _scaled(random: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    return (random.standard_normal((rows, columns)) / np.sqrt(rows)).astype(np.float32)


def card_table(path: Path, name: str = "tiny", **spec: Any) -> dict[str, Any]:
    """The card of the model at `path`, as plain values; `spec` changes its table `expression`."""
    content = path.read_bytes()
    return {
        "name": name,
        "task": "expression",
        "title": "Random weights",
        "file": f"{name}.onnx",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "license": "Apache-2.0",
        "commercial": "unclear",
        "training_data": "nothing",
        "origin": "the tests",
        "input": "NHWC float32, grey, 48 x 48",
        "reported": "nothing",
        "expression": {
            "size": SIZE,
            "mean": 127.5,
            "scale": 1 / 127.5,
            "points": POINTS,
            "heads": HEADS,
            "features": "features",
        }
        | spec,
    }


def install(settings: Settings, name: str = "tiny", spoil: float | None = None, **spec: Any) -> Card:
    """Put a model of this name and its card into the cache of `settings`, as if the user had added it."""
    folder = settings.cache_dir / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    card = parse_card(card_table(write_model(folder / f"{name}.onnx", spoil), name, **spec), "the tests")
    assert path_of(card, settings).is_file()
    keep_card(card, settings)
    return card
