"""Heads on a backbone: one linear layer a vocabulary, each with its own scores."""

from __future__ import annotations

import keras

FEATURES = "features"


def with_heads(backbone: keras.Model, heads: dict[str, int], dropout: float) -> keras.Model:
    """A model with the backbone's input, whose outputs are a dictionary of unscaled scores (logits).

    heads: number of classes by head. dropout: share of the features that each training step leaves out.
    """
    features = backbone.output
    kept = keras.layers.Dropout(dropout, name="feature_dropout")(features)
    outputs = {head: keras.layers.Dense(classes, name=head, dtype="float32")(kept) for head, classes in heads.items()}
    return keras.Model(backbone.input, outputs, name=f"{backbone.name}_with_heads")


def with_features(model: keras.Model) -> keras.Model:
    """The trained model with one output more: the features that the heads see, for sequence models."""
    features = model.get_layer("feature_dropout").input
    return keras.Model(model.input, {**model.output, FEATURES: features}, name="exported")
