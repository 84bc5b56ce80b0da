"""Recipes: what comes with mien can be read, and every wrong field is named."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from mien.errors import RecipeError
from mien.train.recipe import Kind, parse_recipe, read_recipe, recipe_of, shipped_recipes

GOOD = """
name = "mine"
about = "x"
heads = { label = 1.0 }
[model]
kind = "vgg"
[augment]
flip = 0.5
[fit]
epochs = 2
"""


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipes_can_be_read_and_written(name: str) -> None:
    recipe = read_recipe(name)
    assert recipe.name == name and recipe.about
    assert recipe_of(recipe.to_dict()) == recipe


def test_the_tutorials_recipe_and_the_transfer_come_with_mien() -> None:
    assert {"seed-cnn", "transfer"} <= set(shipped_recipes())


def test_what_is_left_out_has_its_default() -> None:
    recipe = parse_recipe('name = "a"\nabout = ""\n[model]\nkind = "vgg"\n[fit]\nepochs = 1', "here")
    assert recipe.heads == {"label": 1.0}
    assert recipe.augment.flip == 0 and recipe.fit.optimizer == "adamw"


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('name = "mine"', 'name = "Mine one"', "name"),
        ('name = "mine"', "", "name"),
        ("label = 1.0", "label = 0", "heads.label"),
        ("label = 1.0", "smile = 1.0", "heads.smile"),
        ("{ label = 1.0 }", "{}", "heads"),
        ('"vgg"', '"resnet"', "model.kind"),
        ('"vgg"', '"vgg"\ninput_size = 12', "model.input_size"),
        ('"vgg"', '"vgg"\nkernel = 4', "model.kernel"),
        ('"vgg"', '"vgg"\ndropout = 1.5', "model.dropout"),
        ('"vgg"', '"vgg"\nlayers = 3', "model.layers"),
        ("flip = 0.5", "flip = -1", "augment.flip"),
        ("flip = 0.5", "rotation_degrees = 200", "augment.rotation_degrees"),
        ("flip = 0.5", "zoom = 1.0", "augment.zoom"),
        ("flip = 0.5", "erase = nan", "augment.erase"),
        ("epochs = 2", "epochs = 0", "fit.epochs"),
        ("epochs = 2", "", "fit.epochs"),
        ("epochs = 2", "epochs = 2\nbatch = 0", "fit.batch"),
        ("epochs = 2", 'epochs = 2\noptimizer = "lion"', "fit.optimizer"),
        ("epochs = 2", "epochs = 2\nlearning_rate = 0", "fit.learning_rate"),
        ("epochs = 2", "epochs = 2\nema = 1.0", "fit.ema"),
        ("epochs = 2", "epochs = 2\nseed = -1", "fit.seed"),
        ("epochs = 2", "epochs = 2\nrounds = 1", "fit.rounds"),
        ('about = "x"', 'about = "x"\nnote = "y"', "note"),
    ],
)
def test_a_wrong_field_is_named(old: str, new: str, field: str) -> None:
    parse_recipe(GOOD, "good.toml")
    with pytest.raises(RecipeError) as error:
        parse_recipe(GOOD.replace(old, new), "mine.toml")
    assert "mine.toml" in error.value.cause and f"'{field}" in error.value.cause and error.value.cure


def test_no_toml(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"here is no TOML.*line 1"):
        parse_recipe("name = ?\n", "here")
    (tmp_path / "latin.toml").write_bytes(b"about = '\xe9'")
    with pytest.raises(RecipeError, match=r"latin\.toml cannot be read"):
        read_recipe(str(tmp_path / "latin.toml"))


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(RecipeError, match=r"seed-cnn, .*transfer"):
        read_recipe("nonesuch")


def test_every_kind_has_a_network(keras: object) -> None:
    from mien.train.model import MODELS

    assert set(MODELS) == set(get_args(Kind))
