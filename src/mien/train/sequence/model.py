"""Recurrent networks over the frame model's features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import keras
from keras import layers

from mien.face import Floats
from mien.train.sequence.recipe import SequenceModelRecipe

CELLS: Final = {"lstm": layers.LSTM, "gru": layers.GRU}
MOMENT: Final = "moment"
WHOLE: Final = "whole"
SCALE: Final = "scale"
WIDTH: Final = "width"
HINT: Final = "hint"
TRUST: Final = "trust"
ATTENTION: Final = "attention"
# What the attention to a frame that only fills up is lowered by.
NEVER: Final = 1e4


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is known of the features before training: mean and variance (D,), and the frame model's own head.

    head: kernel (D, C) and bias (C,); None where the frame model names other classes.
    """

    mean: Floats
    variance: Floats
    head: tuple[Floats, Floats] | None = None


def sequence_model(recipe: SequenceModelRecipe, known: Known, classes: int) -> keras.Model:
    """Inputs `sequence` (B, T, D + 2) and `valid` (B, T); outputs logits `moment` (B, T, C) and `whole` (B, C).

    A frame without a face is all zeros to every layer but the clock's. With a hint, the logits of a moment are the
    recurrent layers' own plus the frame model's, times a trust in it, 0..1, that the recurrent layers give.
    """
    dimensions = len(known.mean)
    sequence = keras.Input((None, dimensions + 2), name="sequence")
    valid = keras.Input((None,), name="valid", dtype="bool")
    features, told = sequence[..., :dimensions], sequence[..., dimensions:]
    seen = told[..., :1]
    x = layers.Normalization(mean=known.mean, variance=known.variance, name=SCALE)(features) * seen
    if recipe.width:
        x = layers.Dense(recipe.width, activation="relu", name=WIDTH)(layers.Dropout(recipe.dropout)(x))
    x = layers.Dropout(recipe.dropout)(x)
    parts = [x, told] if recipe.clock else [x]
    hint = layers.Dense(classes, name=HINT)(features) * seen if recipe.hint else None
    if hint is not None:
        parts.insert(1, keras.ops.softmax(hint) * seen)
    x = layers.Concatenate()(parts) if len(parts) > 1 else x
    for number in range(recipe.layers):
        cell = CELLS[recipe.cell](recipe.units, return_sequences=True, name=layer_name(number, recipe))
        layer = layers.Bidirectional(cell, name=layer_name(number, recipe)) if recipe.direction == "both" else cell
        x = layers.Dropout(recipe.dropout)(layer(x, mask=valid))
    moment = layers.Dense(classes, name=MOMENT, dtype="float32")(x)
    if hint is not None:
        trust = layers.Dense(1, activation="sigmoid", bias_initializer="ones", name=TRUST)(x)
        moment = moment + trust * hint
    whole = layers.Dense(classes, name=WHOLE, dtype="float32")(_pooled(x, valid, recipe))
    model = keras.Model([sequence, valid], {MOMENT: moment, WHOLE: whole}, name="sequence")
    if recipe.hint and known.head is not None:
        model.get_layer(HINT).set_weights(list(known.head))
    return model


def layer_name(number: int, recipe: SequenceModelRecipe) -> str:
    """Of the recurrent layer `number`, from 0."""
    return f"{recipe.cell}_{number}"


def _pooled(x: Any, valid: Any, recipe: SequenceModelRecipe) -> Any:
    """(B, U) of (B, T, U)."""
    if recipe.pooling == "last":
        # Where frames only fill up, a layer repeats its last output.
        return x[:, -1]
    scores = layers.Dense(1, name=ATTENTION, use_bias=False)(x)
    kept = keras.ops.expand_dims(keras.ops.cast(valid, "float32"), -1)
    weights = keras.ops.softmax(scores - NEVER * (1 - kept), axis=1)
    return keras.ops.sum(x * weights, axis=1)
