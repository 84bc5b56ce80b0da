"""Checkpoints: whole or not there, and refused where they are damaged or another run's."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.dataset.faces import FaceSet
from mien.errors import RecipeError
from mien.settings import Settings
from mien.train.recipe import read_recipe

Splits = tuple[FaceSet, FaceSet]


@pytest.fixture
def checkpoint(keras: Any) -> Any:
    from mien.train.checkpoint import Checkpoint

    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array(7, np.int64)]
    return Checkpoint(arrays, arrays[::-1], arrays[:1], {"history": [], "identity": {"recipe": {"name": "ä"}}})


def test_what_is_saved_is_loaded(checkpoint: Any, tmp_path: Path) -> None:
    from mien.train.checkpoint import load_checkpoint

    assert load_checkpoint(tmp_path) is None
    checkpoint.save(tmp_path)
    loaded = load_checkpoint(tmp_path)
    assert loaded.record == checkpoint.record
    for part in ("model", "optimizer", "kept"):
        pairs = list(zip(getattr(checkpoint, part), getattr(loaded, part), strict=True))
        assert all(one.dtype == two.dtype and np.array_equal(one, two) for one, two in pairs)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_stop_while_saving_leaves_the_old_one(
    checkpoint: Any, tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.train.checkpoint import load_checkpoint

    checkpoint.save(tmp_path)
    newer = replace(checkpoint, record={"history": [1], "identity": {}})

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, call, stop)
        with pytest.raises(KeyboardInterrupt):
            newer.save(tmp_path)
    assert load_checkpoint(tmp_path).record == checkpoint.record
    newer.save(tmp_path)
    assert load_checkpoint(tmp_path).record == newer.record
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.npz"]


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text"])
def test_a_damaged_file_is_an_error_with_a_cure(checkpoint: Any, tmp_path: Path, damage: str) -> None:
    from mien.train.checkpoint import load_checkpoint

    checkpoint.save(tmp_path)
    file = tmp_path / "checkpoint.npz"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 255
    file.write_bytes({"cut": content[: len(content) // 2], "flip": content, "empty": b"", "text": b"no"}[damage])
    with pytest.raises(RecipeError, match=r"cannot be read") as error:
        load_checkpoint(tmp_path)
    assert "Remove it" in error.value.cure


def test_another_recipe_or_other_data_are_refused(
    run: Path, splits: Splits, recipe_file: Path, settings: Settings, tmp_path: Path
) -> None:
    from mien.train.fit import Trainer
    from mien.train.prior import Prior

    shutil.copy(run / "checkpoint.npz", tmp_path)
    recipe = read_recipe(str(recipe_file))
    other = replace(recipe, fit=replace(recipe.fit, learning_rate=1.0))
    cases = [(other, *splits), (recipe, replace(splits[0], sha256="0" * 64), splits[1])]
    for chosen, train, valid in cases:
        with pytest.raises(RecipeError, match="another recipe, or on other data"):
            Trainer(chosen, train, valid, tmp_path, Prior(settings)).fit(Nobody())


def test_a_run_from_before_a_field_was_added_goes_on(
    run: Path, splits: Splits, recipe_file: Path, settings: Settings, tmp_path: Path
) -> None:
    """A missing field has its default."""
    from mien.train.checkpoint import load_checkpoint
    from mien.train.fit import Trainer
    from mien.train.prior import Prior

    state = load_checkpoint(run)
    assert state
    del state.record["identity"]["recipe"]["fit"]["patience"]
    state.save(tmp_path)
    trained = Trainer(read_recipe(str(recipe_file)), *splits, tmp_path, Prior(settings)).fit(Nobody())
    assert len(trained.history) == 4


class Nobody:
    """Watches nothing, and fails where training goes on."""

    def step(self, *_: object) -> None:
        raise AssertionError("trained")

    def epoch(self, record: object) -> None:
        """Nothing."""
