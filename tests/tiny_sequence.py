"""Sequence models of the tests: random weights, but shaped as real ones, and the cards that go with them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mien.expression.classes import FERPLUS
from mien.settings import Settings
from mien.weights.card import Card, parse_card
from mien.weights.catalog import keep_card

DIMENSIONS = 4
STATE = 3
FRAME_MODEL = "tiny@0123456789ab"
CLASSES = len(FERPLUS)


def _weight(name: str, rows: int, columns: int, seed: int = 3) -> onnx.TensorProto:
    values = np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)
    return numpy_helper.from_array(values, name)


def _save(path: Path, nodes: list[Any], tensors: list[Any], given: list[Any], got: dict[str, list[Any]]) -> None:
    inputs = [helper.make_tensor_value_info("frames", TensorProto.FLOAT, given)]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in got.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)


def write_step(path: Path, spoil: float = 0.0) -> Path:
    """(1, D + 2 + S) -> moment (1, 8), state (1, S); the first feature names the class of that number, when seen.

    The state is half of the one before plus what was seen. spoil: added to the state, such as nan.
    """
    pull = np.zeros((DIMENSIONS, CLASSES), np.float32)
    pull[np.arange(DIMENSIONS), np.arange(DIMENSIONS)] = 6
    tensors = [
        numpy_helper.from_array(np.array([DIMENSIONS, 1, 1, STATE], np.int64), "lengths"),
        numpy_helper.from_array(pull, "pull"),
        numpy_helper.from_array(np.float32(0.5), "half"),
        numpy_helper.from_array(np.float32(spoil), "spoil"),
        _weight("mix", DIMENSIONS, STATE),
    ]
    nodes = [
        helper.make_node("Split", ["frames", "lengths"], ["features", "seen", "clock", "before"], axis=1),
        helper.make_node("MatMul", ["features", "pull"], ["moment"]),
        helper.make_node("MatMul", ["features", "mix"], ["new"]),
        helper.make_node("Mul", ["before", "half"], ["kept"]),
        helper.make_node("Add", ["new", "kept"], ["sum"]),
        helper.make_node("Add", ["sum", "spoil"], ["state"]),
    ]
    _save(path, nodes, tensors, [1, DIMENSIONS + 2 + STATE], {"moment": [1, CLASSES], "state": [1, STATE]})
    return path


def write_whole(path: Path) -> Path:
    """(1, T, D + 2) -> moment (1, T, 8), whole (1, 8), their mean."""
    pull = np.zeros((DIMENSIONS + 2, CLASSES), np.float32)
    pull[np.arange(DIMENSIONS), np.arange(DIMENSIONS)] = 6
    tensors = [numpy_helper.from_array(pull, "pull"), numpy_helper.from_array(np.array([1], np.int64), "time")]
    nodes = [
        helper.make_node("MatMul", ["frames", "pull"], ["moment"]),
        helper.make_node("ReduceMean", ["moment", "time"], ["whole"], keepdims=0),
    ]
    _save(path, nodes, tensors, [1, "t", DIMENSIONS + 2], {"moment": [1, "t", CLASSES], "whole": [1, CLASSES]})
    return path


def card_table(path: Path, **spec: Any) -> dict[str, Any]:
    """The card of the model at `path`, as plain values; `spec` is its table `sequence`."""
    content = path.read_bytes()
    words = dict.fromkeys(("title", "training_data", "origin", "input", "reported"), "of the tests")
    moment = {"output": "moment", "vocabulary": "ferplus", "classes": list(FERPLUS)}
    sequence = {"dimensions": DIMENSIONS, "frame_model": FRAME_MODEL, "state": STATE, "moment": moment}
    return {
        "name": path.stem,
        "task": "sequence",
        "file": path.name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "license": "Apache-2.0",
        "commercial": "unclear",
        "sequence": sequence | spec,
    } | words


def install(settings: Settings, with_files: bool = True, spoil: float = 0.0, **spec: Any) -> Card:
    """Put `tiny-sequence` and its card into the cache of `settings`, and `tiny-whole`, which reads sequences."""
    folder = settings.cache_dir / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    if with_files:
        whole = {"output": "whole", "vocabulary": "ferplus", "classes": list(FERPLUS)}
        file = write_whole(folder / "tiny-whole.onnx")
        keep_card(parse_card(card_table(file, state=0, whole=whole), "the tests"), settings)
        spec = {"files": "tiny-whole"} | spec
    card = parse_card(card_table(write_step(folder / "tiny-sequence.onnx", spoil), **spec), "the tests")
    keep_card(card, settings)
    return card
