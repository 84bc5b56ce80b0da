"""A trained sequence model as an ONNX graph, written node by node: the same on every backend, nothing spare in it.

Weights are rounded to float16, as which they are stored; the engine computes in float32.
"""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from mien.face import Floats
from mien.train.sequence.model import ATTENTION, HINT, MOMENT, SCALE, TRUST, WHOLE, WIDTH, layer_name
from mien.train.sequence.recipe import SequenceModelRecipe

OPSET: Final = 18
IR_VERSION: Final = 9
EXTRA: Final = 2
INPUT: Final = "frames"
STATE: Final = "state"
# Keras orders an LSTM's gates input, forget, cell, output; ONNX input, output, forget, cell. Of a GRU both have update,
# reset, hidden.
GATES: Final = {"lstm": (0, 3, 1, 2), "gru": (0, 1, 2)}


def rounded(model: keras.Model) -> None:
    """Weights become what float16 can hold, in place."""
    for layer in model.layers:
        if layer.weights and layer.name != SCALE:
            layer.set_weights([value.astype(np.float16).astype(np.float32) for value in layer.get_weights()])


def state_length(recipe: SequenceModelRecipe) -> int:
    """Of a causal model: what is carried from frame to frame; an LSTM has an output and a cell a layer."""
    return recipe.layers * recipe.units * (2 if recipe.cell == "lstm" else 1)


def step_graph(model: keras.Model, recipe: SequenceModelRecipe) -> bytes:
    """(1, D + 2 + S) -> `moment` (1, C), `state` (1, S): one frame of a causal model; the state is zeros at first."""
    graph = Graph(model, recipe)
    states = [f"state_{number}" for number in range(state_length(recipe) // recipe.units)]
    x = graph.entry(1, [recipe.units] * len(states), states)
    after = []
    for number in range(recipe.layers):
        own = states[number * (len(states) // recipe.layers) :][: len(states) // recipe.layers]
        x, new = graph.recurrent_step(x, number, own)
        after += new
    graph.moments(x)
    graph.node("Concat", after, STATE, axis=1)
    carried = state_length(recipe)
    return graph.model_bytes([1, graph.width + carried], {MOMENT: [1, graph.classes], STATE: [1, carried]})


def sequence_graph(model: keras.Model, recipe: SequenceModelRecipe) -> bytes:
    """(1, T, D + 2) -> `moment` (1, T, C), `whole` (1, C), for any T from 1."""
    graph = Graph(model, recipe)
    x = graph.entry(2, [], [])
    for number in range(recipe.layers):
        x = graph.recurrent(x, number)
    graph.moments(x)
    if recipe.pooling == "last":
        last = graph.node("Gather", [x, graph.value("place", np.array([-1], np.int64))], "last", axis=1)
        pooled = graph.node("Reshape", [last, graph.value("flat", np.array([1, -1], np.int64))], "pooled")
    else:
        scores = graph.node("MatMul", [x, graph.weight(ATTENTION, 0)], "scores")
        shares = graph.node("Softmax", [scores], "attention", axis=1)
        weighed = graph.node("Mul", [x, shares], "weighed")
        axes = graph.value("time", np.array([1], np.int64))
        pooled = graph.node("ReduceSum", [weighed, axes], "pooled", keepdims=0)
    graph.dense(pooled, WHOLE, WHOLE)
    outputs: dict[str, list[Any]] = {MOMENT: [1, "t", graph.classes], WHOLE: [1, graph.classes]}
    return graph.model_bytes([1, "t", graph.width], outputs)


class Graph:
    """Nodes and constants of the graph as it grows; every method returns the name of what it computes."""

    def __init__(self, model: keras.Model, recipe: SequenceModelRecipe) -> None:
        self._model, self._recipe = model, recipe
        self._nodes: list[Any] = []
        self._values: list[Any] = []
        self.width = int(model.input[0].shape[-1])
        self.classes = int(model.get_layer(MOMENT).get_weights()[0].shape[1])

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """One output."""
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def value(self, name: str, value: NDArray[Any]) -> str:
        """A constant."""
        self._values.append(numpy_helper.from_array(value, name))
        return name

    def half(self, name: str, value: Floats) -> str:
        """A constant kept as float16."""
        return self.node("Cast", [self.value(f"{name}_half", value.astype(np.float16))], name, to=TensorProto.FLOAT)

    def weight(self, layer: str, place: int) -> str:
        """Weight number `place` of a layer."""
        return self.half(f"{layer}_{place}", self._model.get_layer(layer).get_weights()[place])

    def entry(self, axis: int, sizes: list[int], names: list[str]) -> str:
        """Takes the input apart and normalises the features; `sizes` and `names` are of what follows the frame."""
        dimensions = self.width - EXTRA
        lengths = self.value("lengths", np.array([dimensions, 1, 1, *sizes], np.int64))
        self._nodes.append(helper.make_node("Split", [INPUT, lengths], ["raw", "seen", "clock", *names], axis=axis))
        scale = self._model.get_layer(SCALE)
        mean = np.asarray(keras.ops.convert_to_numpy(scale.mean), np.float32).reshape(-1)
        variance = np.asarray(keras.ops.convert_to_numpy(scale.variance), np.float32).reshape(-1)
        moved = self.node("Sub", ["raw", self.value("mean", mean)], "moved")
        spread = self.value("spread", np.maximum(np.sqrt(variance), keras.backend.epsilon()))
        x = self.node("Mul", [self.node("Div", [moved, spread], "scaled"), "seen"], "shown")
        if self._recipe.width:
            x = self.node("Relu", [self.dense(x, WIDTH, "wide")], "rectified")
        parts = [x, "seen", "clock"] if self._recipe.clock else [x]
        if self._recipe.hint:
            hint = self.node("Mul", [self.dense("raw", HINT, "said"), "seen"], HINT)
            parts.insert(1, self.node("Mul", [self.node("Softmax", [hint], "shares", axis=axis), "seen"], "heard"))
        return self.node("Concat", parts, "told", axis=axis) if len(parts) > 1 else x

    def dense(self, x: str, layer: str, output: str) -> str:
        """x @ kernel + bias, for `x` of rank 2 or 3."""
        product = self.node("MatMul", [x, self.weight(layer, 0)], f"{output}_product")
        return self.node("Add", [product, self.weight(layer, 1)], output)

    def moments(self, x: str) -> str:
        """The logits of the moments, of the last recurrent layer's output."""
        if not self._recipe.hint:
            return self.dense(x, MOMENT, MOMENT)
        trust = self.node("Sigmoid", [self.dense(x, TRUST, "doubt")], TRUST)
        return self.node("Add", [self.dense(x, MOMENT, "own"), self.node("Mul", [trust, HINT], "trusted")], MOMENT)

    def recurrent(self, x: str, number: int) -> str:
        """(1, T, in) -> (1, T, units), or twice the units where both directions are read."""
        name = layer_name(number, self._recipe)
        both = self._recipe.direction == "both"
        turned = self.node("Transpose", [x], f"{name}_in", perm=[1, 0, 2])
        y = self._cell(turned, number, ["", ""], [f"{name}_y"], "bidirectional" if both else "forward")[0]
        back = self.node("Transpose", [y], f"{name}_back", perm=[2, 0, 1, 3])
        flat = self.value(f"{name}_flat", np.array([0, 0, -1], np.int64))
        return self.node("Reshape", [back, flat], f"{name}_out")

    def recurrent_step(self, x: str, number: int, states: list[str]) -> tuple[str, list[str]]:
        """(1, in) and the layer's own states (1, units) -> its output and its new states, the output first."""
        name = layer_name(number, self._recipe)
        deep = self.value(f"{name}_deep", np.array([1, 1, -1], np.int64))
        flat = self.value(f"{name}_flat", np.array([1, -1], np.int64))
        turned = self.node("Reshape", [x, deep], f"{name}_in")
        before = [self.node("Reshape", [state, deep], f"{state}_in") for state in states]
        after = self._cell(turned, number, ["", *before], ["", *(f"{state}_y" for state in states)], "forward")[1:]
        new = [self.node("Reshape", [state, flat], f"{state}_new") for state in after]
        return new[0], new

    def _cell(self, x: str, number: int, states: list[str], outputs: list[str], direction: str) -> list[str]:
        """ONNX's operator; `states` begins with the sequence's lengths, which are left out."""
        name, cell = layer_name(number, self._recipe), self._recipe.cell
        weights = self._model.get_layer(name).get_weights()
        parts = [self._gates(weights[start : start + 3]) for start in range(0, len(weights), 3)]
        constants = [
            self.half(f"{name}_{what}", np.stack([part[place] for part in parts]))
            for place, what in enumerate(("w", "r", "b"))
        ]
        attributes = {"linear_before_reset": 1} if cell == "gru" else {}
        inputs = [x, *constants, *states]
        while not inputs[-1]:
            inputs.pop()
        self._nodes.append(
            helper.make_node(
                cell.upper(), inputs, outputs, hidden_size=self._recipe.units, direction=direction, **attributes
            )
        )
        return outputs

    def _gates(self, weights: list[Floats]) -> tuple[Floats, Floats, Floats]:
        """Kernel, recurrent kernel and bias of one direction, as ONNX orders them."""
        kernel, recurrent, bias = weights
        order = GATES[self._recipe.cell]
        if bias.ndim == 1:
            bias = np.stack([bias, np.zeros_like(bias)])

        def ordered(value: Floats) -> Floats:
            pieces = np.split(value, len(order), axis=-1)
            return np.asarray(np.concatenate([pieces[place] for place in order], axis=-1), np.float32)

        return ordered(kernel).T, ordered(recurrent).T, ordered(bias).reshape(-1)

    def model_bytes(self, shape: list[Any], outputs: dict[str, list[Any]]) -> bytes:
        """The checked model, serialised."""
        given = helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, shape)
        got = [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in outputs.items()]
        graph = helper.make_graph(self._nodes, "mien", [given], got, self._values)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString(deterministic=True))
