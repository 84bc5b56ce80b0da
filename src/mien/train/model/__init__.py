"""The networks that a recipe may name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import keras

from mien.train.model.heads import with_heads
from mien.train.model.seed_cnn import seed_cnn
from mien.train.model.transfer import transfer
from mien.train.model.vgg import vgg
from mien.train.recipe import Kind, ModelRecipe

Backbone = Callable[[ModelRecipe], keras.Model]
MODELS: Final[dict[Kind, Backbone]] = {"seed-cnn": seed_cnn, "vgg": vgg, "transfer": transfer}


def build_model(recipe: ModelRecipe, heads: dict[str, int]) -> keras.Model:
    """An untrained model with random weights. heads: number of classes by head."""
    return with_heads(MODELS[recipe.kind](recipe), heads, recipe.dropout)
