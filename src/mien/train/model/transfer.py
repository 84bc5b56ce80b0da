"""Transfer from the recognition embedder: SFace's convolutions know faces already, and learn what they express.

Measured on FER2013's PublicTest with all of them frozen, pooled, and a two-layer head: 62.2 % where the face is
scaled to 64 px, 57.3 % at 48, and 62.7 % at 112, the size SFace was trained at.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import onnx
from keras import layers
from numpy.typing import NDArray
from onnx import numpy_helper

from mien.engine.plain import plain_onnx
from mien.errors import RecipeError
from mien.settings import Settings
from mien.train.recipe import ModelRecipe
from mien.weights.catalog import Catalog
from mien.weights.fetch import ensure

Weights = list[NDArray[np.float32]]
CHANNELS: Final = (32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
HALVING_BLOCKS: Final = (3, 5, 7, 13)
# Where features are taken from, besides the last block: before the last halving.
TAPPED_BLOCK: Final = 12


@keras.saving.register_keras_serializable("mien")
class Slope(layers.Layer):  # type: ignore[misc]
    """PReLU (He et al., 2015) for slopes of at most 1, as one multiplication and one maximum: half of Keras's time."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """One slope a channel."""
        self.slope = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="slope")

    def call(self, maps: Any) -> Any:
        """x above zero, slope * x below."""
        return keras.ops.maximum(maps, self.slope * maps)


def transfer(recipe: ModelRecipe) -> keras.Model:
    """SFace's fourteen blocks, then the mean and the maximum of blocks 12 and 14, then a dense layer.

    Input (S, S, 1) grey, which stands for three equal colours; output (units,). The first `frozen_blocks` blocks keep
    what `load_embedder` gives them. SFace's normalisation is folded into the convolutions: on a CPU, passing the maps
    through memory once more for each normalisation costs as much as the convolutions.
    """
    face = keras.Input((recipe.input_size, recipe.input_size, 1), name="face")
    maps, tapped = face, []
    for number, channels in enumerate(CHANNELS, start=1):
        maps = _block(maps, number, channels, trainable=number > recipe.frozen_blocks)
        if number in (TAPPED_BLOCK, len(CHANNELS)):
            tapped += [layers.GlobalAveragePooling2D()(maps), layers.GlobalMaxPooling2D()(maps)]
    pooled = layers.BatchNormalization(momentum=0.9)(layers.Concatenate()(tapped))
    pooled = layers.Dropout(recipe.dropout)(pooled)
    features = layers.Dense(recipe.units, use_bias=False)(pooled)
    features = layers.ReLU(name="features")(layers.BatchNormalization(momentum=0.9)(features))
    return keras.Model(face, features, name="transfer")


def load_embedder(model: keras.Model, settings: Settings) -> None:
    """Give a fresh `transfer` model SFace's weights, slopes above 1 as 1.

    Raises RecipeError where SFace's graph is not as expected, and what fetching SFace raises.
    """
    path = ensure(Catalog.load(settings).card("sface"), settings)
    for name, weights in _embedder_weights(path):
        layer = model.get_layer(name)
        expected = [tuple(variable.shape) for variable in layer.weights]
        if expected != [weight.shape for weight in weights]:
            raise RecipeError(
                f"SFace's layer {name} is not as the transfer model expects it.", "Use mien's own card sface."
            )
        layer.set_weights(weights)


def _block(maps: Any, number: int, channels: int, trainable: bool) -> Any:
    """A depthwise 3 x 3 and a pointwise convolution, as in MobileNet; the first block is one plain convolution."""
    name = f"conv_{number}"
    if number > 1:
        sizes: dict[str, Any] = {"padding": "same"}
        if number in HALVING_BLOCKS:
            # Symmetric, as SFace has it: Keras's own `same` shifts strided convolutions by a pixel.
            maps = layers.ZeroPadding2D(1)(maps)
            sizes = {"strides": 2}
        maps = layers.DepthwiseConv2D(3, name=f"{name}_dw", trainable=trainable, **sizes)(maps)
        maps = Slope(name=f"{name}_dw_slope", trainable=trainable)(maps)
    kernel = 3 if number == 1 else 1
    maps = layers.Conv2D(channels, kernel, padding="same", name=name, trainable=trainable)(maps)
    return Slope(name=f"{name}_slope", trainable=trainable)(maps)


def _embedder_weights(path: Path) -> Iterator[tuple[str, Weights]]:
    """Name and weights of each layer, in Keras's shapes, the normalisation folded into the convolution before it."""
    graph = onnx.load_from_string(plain_onnx(path.read_bytes())).graph
    values = {item.name: np.asarray(numpy_helper.to_array(item), np.float64) for item in graph.initializer}
    name, kernel = "", np.zeros(0)
    for node in graph.node:
        inputs = [values[key] for key in node.input if key in values]
        if node.op_type == "Conv":
            name, kernel = node.name.removesuffix("_conv2d"), inputs[0]
        elif node.op_type == "BatchNormalization" and node.name.startswith("conv_"):
            gamma, beta, mean, variance = inputs
            gain = gamma / np.sqrt(variance + next(item.f for item in node.attribute if item.name == "epsilon"))
            yield name, [_kernel(name, kernel * gain[:, None, None, None]), (beta - mean * gain).astype(np.float32)]
        elif node.op_type == "PRelu":
            yield f"{name}_slope", [np.minimum(inputs[0].reshape(-1), 1).astype(np.float32)]


def _kernel(name: str, kernel: NDArray[np.float64]) -> NDArray[np.float32]:
    """(out, in, h, w) to (h, w, in, out); (h, w, in, 1) where depthwise; one grey channel for SFace's three colours."""
    if name.endswith("_dw"):
        return kernel.transpose(2, 3, 0, 1).astype(np.float32)
    if name == "conv_1":
        kernel = kernel.sum(axis=1, keepdims=True)
    return kernel.transpose(2, 3, 1, 0).astype(np.float32)
