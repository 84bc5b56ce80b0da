"""A recipe of a sequence model, read from TOML as those of the frame model are."""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from mien.errors import RecipeError
from mien.train.recipe import FitRecipe, NotNegative, Share, TeacherRecipe

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, config=_STRICT)
class SequenceModelRecipe:
    """Which recurrent network.

    cell: of its layers. layers, units: how many, and the length of each one's state. width: of a dense layer before
    them; 0 for none. direction: `causal` knows the past alone, `both` the whole sequence. hint: whether a layer that
    begins as the frame model's own head tells its word beside the features. clock: whether it is told the seconds since
    the last frame and whether a face was seen. pooling: how moments become the whole, `attention` or the `last` state.
    dropout: share of what each layer gives that a training step leaves out.
    """

    cell: Literal["lstm", "gru"] = "gru"
    layers: Annotated[int, Field(ge=1, le=4)] = 2
    units: Annotated[int, Field(ge=4, le=512)] = 96
    width: Annotated[int, Field(ge=0, le=512)] = 0
    direction: Literal["causal", "both"] = "causal"
    hint: bool = False
    clock: bool = True
    pooling: Literal["attention", "last"] = "attention"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0


@dataclass(frozen=True, config=_STRICT)
class SequenceAugmentRecipe:
    """Random changes of a sequence of features; all zero changes nothing.

    frames: longest window of a training sequence. reverse: chance of playing backwards. skip: chance of taking every
    second frame alone. stretch: largest change of the clock (0.4: between 1 / 1.4 and 1.4 times). unseen: largest share
    of frames in which the face is lost. noise: standard deviation of what is added to a feature, over the feature's
    own.
    """

    frames: Annotated[int, Field(ge=2, le=1000)] = 100
    reverse: Share = 0.0
    skip: Share = 0.0
    stretch: NotNegative = 0.0
    unseen: Share = 0.0
    noise: NotNegative = 0.0


@dataclass(frozen=True, config=_STRICT)
class SequenceRecipe:
    """whole_weight: of the loss of the sequence's answer, beside that of its moments, which has 1. teacher: for a run
    that has one."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}$")]
    about: str
    model: SequenceModelRecipe
    fit: FitRecipe
    augment: SequenceAugmentRecipe = SequenceAugmentRecipe()
    whole_weight: NotNegative = 0.3
    teacher: TeacherRecipe = TeacherRecipe(share=0.5, temperature=1.0)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as they are kept beside a trained model."""
        return asdict(self)


_READER = TypeAdapter(SequenceRecipe)


def sequence_recipe_of(table: Any) -> SequenceRecipe:
    """A recipe from plain values, as `to_dict` gives them. Raises pydantic's ValidationError."""
    return _READER.validate_python(table)


def shipped_sequence_recipes() -> tuple[str, ...]:
    """Names of the recipes that come with mien."""
    folder = resources.files("mien.train.sequence").joinpath("recipes")
    return tuple(sorted(item.name.removesuffix(".toml") for item in folder.iterdir() if item.name.endswith(".toml")))


def read_sequence_recipe(name: str) -> SequenceRecipe:
    """The recipe of this name, or in the TOML file at this path. Raises RecipeError naming the first wrong field."""
    try:
        if name in shipped_sequence_recipes():
            folder = resources.files("mien.train.sequence").joinpath("recipes")
            text = folder.joinpath(f"{name}.toml").read_text(encoding="utf-8")
        else:
            text = Path(name).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        names = ", ".join(shipped_sequence_recipes())
        raise RecipeError(f"There is no recipe {name!r}.", f"Name a TOML file, or one of: {names}.") from error
    try:
        return sequence_recipe_of(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"The recipe {name} is no TOML: {error}.", "Mend the file.") from error
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "recipe"
        raise RecipeError(f"The recipe {name}, field {field!r}: {first['msg']}.", "Mend the file.") from error
