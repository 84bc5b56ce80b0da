"""What a run brings along: an earlier run's weights, and only those that fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.dataset.faces import FaceSet
from mien.errors import RecipeError
from mien.settings import Settings
from mien.train.recipe import Recipe, read_recipe

Splits = tuple[FaceSet, FaceSet]


@pytest.fixture(scope="module")
def recipe(recipe_file: Path) -> Recipe:
    return read_recipe(str(recipe_file))


def test_all_weights_are_the_earlier_runs(run: Path, recipe: Recipe, settings: Settings) -> None:
    from mien.train.prior import Prior, load_trained

    model = Prior(settings, run).model(recipe.model, {"label": 7, "ferplus": 8})
    fresh = Prior(settings).model(recipe.model, {"label": 7, "ferplus": 8})
    earlier = load_trained(run).get_weights()
    for one, other in zip(model.get_weights(), earlier, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not all(np.array_equal(one, other) for one, other in zip(fresh.get_weights(), earlier, strict=True))


def test_a_head_with_other_classes_begins_anew(run: Path, recipe: Recipe, settings: Settings) -> None:
    from mien.train.prior import Prior, load_trained

    model, earlier = Prior(settings, run).model(recipe.model, {"label": 3, "ferplus": 8}), load_trained(run)
    for name in ("ferplus", "features"):
        np.testing.assert_array_equal(model.get_layer(name).get_weights()[0], earlier.get_layer(name).get_weights()[0])
    assert model.get_layer("label").get_weights()[0].shape == (8, 3)


def test_another_network_is_refused(run: Path, recipe: Recipe, settings: Settings) -> None:
    from mien.train.prior import Prior

    with pytest.raises(RecipeError, match="another network"):
        Prior(settings, run).model(replace(recipe.model, width=8), {"label": 7})
    with pytest.raises(RecipeError, match="another network"):
        Prior(settings, run).model(replace(recipe.model, kind="vgg"), {"label": 7})
    with pytest.raises(RecipeError, match="cannot be read"):
        Prior(settings, run / "nowhere").model(recipe.model, {"label": 7})


def test_the_prior_is_part_of_what_a_run_is(
    run: Path, splits: Splits, recipe: Recipe, settings: Settings, silent: Any, tmp_path: Path
) -> None:
    """A folder that was begun with other weights does not go on; its result names them by their hash."""
    from mien.train.prior import Prior
    from mien.train.run import read_run, train_expression

    short = replace(recipe, fit=replace(recipe.fit, epochs=1))
    result = train_expression(*splits, short, tmp_path, Prior(settings, run), silent)
    assert len(result.data["start"]) == 64 and result.data["teacher"] is None
    assert read_run(run)[1].data["start"] is None
    with pytest.raises(RecipeError):
        train_expression(*splits, short, tmp_path, Prior(settings), silent)
