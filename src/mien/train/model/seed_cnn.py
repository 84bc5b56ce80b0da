"""The plain CNN of the field's tutorials: the baseline of every table."""

from __future__ import annotations

import keras
from keras import layers

from mien.train.recipe import ModelRecipe


def seed_cnn(recipe: ModelRecipe) -> keras.Model:
    """Three convolutions of `width`, 2 and 4 times `width` channels, each with 2 x 2 max pooling, then a dense layer.

    Input (S, S, 1), output (units,). With S 48, width 32, kernel 3, units 128 and dropout 0.5 (which the head applies)
    it is the tutorials' network.
    """
    face = keras.Input((recipe.input_size, recipe.input_size, 1), name="face")
    maps = face
    for stage in range(3):
        maps = layers.Conv2D(recipe.width * 2**stage, recipe.kernel, activation="relu", padding="same")(maps)
        maps = layers.MaxPooling2D(2)(maps)
    features = layers.Dense(recipe.units, activation="relu", name="features")(layers.Flatten()(maps))
    return keras.Model(face, features, name="seed_cnn")
