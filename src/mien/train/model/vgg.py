"""A small VGG with batch normalisation and squeeze-excitation, trained from nothing."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from mien.train.recipe import ModelRecipe

STAGES = 4


def vgg(recipe: ModelRecipe) -> keras.Model:
    """Four stages of two convolutions, `width` channels in the first and twice as many in each next, halved between.

    A `stride` of 2 halves before the first stage too, which leaves about a quarter of the work.

    Input (S, S, 1), output (units,). Simonyan and Zisserman, 2015, with the channel gates of Hu et al., 2018.
    """
    face = keras.Input((recipe.input_size, recipe.input_size, 1), name="face")
    maps = face
    for stage in range(STAGES):
        channels = recipe.width * 2**stage
        for number in range(2):
            stride = recipe.stride if stage == number == 0 else 1
            maps = _convolution(maps, channels, recipe.kernel, stride)
        maps = _excited(maps, channels)
        if stage < STAGES - 1:
            maps = layers.MaxPooling2D(2)(maps)
    pooled = layers.GlobalAveragePooling2D()(maps)
    features = layers.Dense(recipe.units, activation="relu", name="features")(pooled)
    return keras.Model(face, features, name="vgg")


def _convolution(maps: Any, channels: int, kernel: int, stride: int) -> Any:
    layer = layers.Conv2D(channels, kernel, stride, padding="same", use_bias=False, kernel_initializer="he_normal")
    maps = layer(maps)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(maps))


def _excited(maps: Any, channels: int) -> Any:
    gate = layers.GlobalAveragePooling2D(keepdims=True)(maps)
    gate = layers.Conv2D(max(channels // 8, 4), 1, activation="relu")(gate)
    return layers.Multiply()([maps, layers.Conv2D(channels, 1, activation="sigmoid")(gate)])
