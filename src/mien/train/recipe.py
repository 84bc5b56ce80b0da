"""A recipe: all that decides how a model is trained, read from TOML. Same recipe, data and seed: the same curve."""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from mien.errors import RecipeError

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Kind = Literal["seed-cnn", "vgg", "transfer"]


@dataclass(frozen=True, config=_STRICT)
class ModelRecipe:
    """Which network, and its sizes. Every kind reads what concerns it.

    kind: which of `train.model.MODELS`. input_size: side of the grey crop in px. kernel: side of the convolutions.
    width: channels of the first stage. stride: of the first
    convolution (vgg). units: length of the feature vector. dropout: share of features dropped.
    frozen_blocks: how many of a transferred network's first blocks stay as they are.
    """

    kind: Kind
    input_size: Annotated[int, Field(ge=24, le=224)] = 48
    kernel: Literal[1, 3, 5, 7] = 3
    width: Annotated[int, Field(ge=4, le=256)] = 32
    stride: Literal[1, 2] = 1
    units: Annotated[int, Field(ge=8, le=1024)] = 128
    dropout: Share = 0.5
    frozen_blocks: Annotated[int, Field(ge=0, le=14)] = 0


@dataclass(frozen=True, config=_STRICT)
class AugmentRecipe:
    """Random changes of a training face; all zero changes nothing.

    flip: chance of a mirror image. rotation_degrees, shift, zoom: largest turn to either side, largest move as a share
    of the side, largest change of scale (0.1: 0.9 to 1.1). contrast, brightness: largest change of gain, and of level
    as a share of 255. erase: chance of a grey rectangle over 2 to 20 % of the face. low_resolution: chance that the
    face is scaled down to between 16 and 48 px and back.
    """

    flip: Share = 0.5
    rotation_degrees: Annotated[float, Field(ge=0, le=180)] = 0.0
    shift: Share = 0.0
    zoom: Annotated[float, Field(ge=0, lt=1)] = 0.0
    contrast: Annotated[float, Field(ge=0, lt=1)] = 0.0
    brightness: Share = 0.0
    erase: Share = 0.0
    low_resolution: Share = 0.0


@dataclass(frozen=True, config=_STRICT)
class FitRecipe:
    """The schedule: a linear warm-up, then half a cosine down to zero.

    label_smoothing, mixup (alpha of the beta distribution, 0 for none; off for the last `mixup_off` share of epochs).
    ema: decay of the exponential moving average of the weights that is kept as the model; 0 for none. patience: stop
    after so many epochs without a better validation accuracy; 0 for never.
    """

    epochs: Count
    batch: Count = 128
    optimizer: Literal["adamw", "sgd", "adam"] = "adamw"
    learning_rate: Positive = 1e-3
    warmup_epochs: NotNegative = 0.0
    schedule: Literal["cosine", "constant"] = "cosine"
    weight_decay: NotNegative = 0.0
    label_smoothing: Share = 0.0
    mixup: NotNegative = 0.0
    mixup_off: Share = 0.15
    ema: Annotated[float, Field(ge=0, lt=1)] = 0.0
    patience: Annotated[int, Field(ge=0)] = 0
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


@dataclass(frozen=True, config=_STRICT)
class TeacherRecipe:
    """How much of a face's target is what a teacher says of it, where the run has one.

    temperature: what the teacher's logits are divided by; over 1 it tells more about the classes that it did not say.
    """

    share: Share = 0.5
    temperature: Positive = 2.0


@dataclass(frozen=True, config=_STRICT)
class Recipe:
    """heads: weight of each head's loss: `label`, the set's own classes, and `ferplus`, the taggers' votes."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$")]
    about: str
    model: ModelRecipe
    fit: FitRecipe
    augment: AugmentRecipe = AugmentRecipe(flip=0.0)
    heads: dict[Annotated[str, Field(pattern="^(label|ferplus)$")], Positive] = Field(
        default_factory=lambda: {"label": 1.0}, min_length=1
    )
    teacher: TeacherRecipe = TeacherRecipe()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as they are kept beside a trained model."""
        return asdict(self)


_READER = TypeAdapter(Recipe)


def recipe_of(table: Any) -> Recipe:
    """A recipe from plain values, as `Recipe.to_dict` gives them. Raises pydantic's ValidationError."""
    return _READER.validate_python(table)


def shipped_recipes() -> tuple[str, ...]:
    """Names of the recipes that come with mien."""
    folder = resources.files("mien.train").joinpath("recipes")
    return tuple(sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")))


def read_recipe(name: str) -> Recipe:
    """The recipe of this name, or in the TOML file at this path. Raises RecipeError naming the first wrong field."""
    if name in shipped_recipes():
        text = resources.files("mien.train").joinpath("recipes", f"{name}.toml").read_text(encoding="utf-8")
    elif Path(name).is_file():
        text = _text_of(Path(name))
    else:
        names = ", ".join(shipped_recipes())
        raise RecipeError(f"There is no recipe {name!r}.", f"Name a TOML file, or one of: {names}.")
    return parse_recipe(text, name)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise RecipeError(f"The recipe {path} cannot be read: {error}.", "Write it as UTF-8 text.") from error


def parse_recipe(text: str, where: str) -> Recipe:
    """Read and check TOML; `where` is for messages. Raises RecipeError."""
    try:
        return recipe_of(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"The recipe {where} is no TOML: {error}.", "Mend the file.") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "recipe"
        raise RecipeError(f"The recipe {where}, field {field!r}: {first['msg']}.", "Mend the file.") from error
