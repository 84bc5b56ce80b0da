"""What a run brings along before it sees a face: first weights, and a teacher."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import keras
import numpy as np

from mien.errors import RecipeError
from mien.expression.frame import FrameExpression
from mien.expression.model_file import open_expression
from mien.settings import Settings
from mien.train.model import build_model
from mien.train.model.transfer import load_embedder
from mien.train.recipe import ModelRecipe

MODEL_FILE: Final = "model.keras"


@dataclass(frozen=True, slots=True)
class Prior:
    """settings: where weights are fetched to. start: folder of a finished run that this one goes on from; None begins
    with random weights, or those that the recipe's model is known for. teacher: an expression model, by the name of its
    card, or FILE.onnx with its card in FILE.json beside it; None learns from the set alone.
    """

    settings: Settings
    start: Path | None = None
    teacher: str | None = None

    def model(self, recipe: ModelRecipe, heads: dict[str, int]) -> keras.Model:
        """A model as training starts with it. heads: number of classes by head.

        From an earlier run come all layers, but for heads that had other classes. Raises RecipeError where that run
        trained another network, and what fetching a network to start from raises.
        """
        model = build_model(recipe, heads)
        if self.start:
            _adopt(model, load_trained(self.start), set(heads))
        elif recipe.kind == "transfer":
            load_embedder(model, self.settings)
        return model

    def open_teacher(self) -> FrameExpression | None:
        """The teacher, in 32-bit floats. Raises what `open_expression` raises."""
        return open_expression(self.teacher, self.settings) if self.teacher else None

    def identity(self) -> dict[str, str | None]:
        """SHA-256 of the first weights, and the teacher's id: another one of either would be another run."""
        teacher = self.open_teacher()
        return {
            "start": _weights_sha256(load_trained(self.start)) if self.start else None,
            "teacher": teacher.model if teacher else None,
        }


def load_trained(folder: Path) -> keras.Model:
    """The model of a finished run. Raises RecipeError where the folder holds none that can be read."""
    try:
        return keras.saving.load_model(folder / MODEL_FILE, compile=False)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        reason = str(error).rstrip(".")
        raise RecipeError(f"The model in {folder} cannot be read: {reason}.", "Train it again.") from error


def _adopt(model: keras.Model, earlier: keras.Model, heads: set[str]) -> None:
    bodies = [[layer for layer in one.layers if layer.weights and layer.name not in heads] for one in (model, earlier)]
    bodies[1] = [layer for layer in bodies[1] if layer.name not in earlier.output]
    pairs = list(zip(*bodies, strict=False))
    for head in heads & set(earlier.output):
        one, other = model.get_layer(head), earlier.get_layer(head)
        pairs += [(one, other)] if _shapes(one) == _shapes(other) else []
    if len(bodies[0]) != len(bodies[1]) or any(_shapes(one) != _shapes(other) for one, other in pairs):
        raise RecipeError("The earlier run trained another network.", "Start from one with the same [model].")
    for one, other in pairs:
        one.set_weights(other.get_weights())


def _shapes(layer: keras.layers.Layer) -> list[tuple[int, ...]]:
    return [tuple(weight.shape) for weight in layer.weights]


def _weights_sha256(model: keras.Model) -> str:
    digest = sha256()
    for value in model.get_weights():
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()
