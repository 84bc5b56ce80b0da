"""The loop: schedule, averaged weights, patience, what is left out, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.dataset.faces import FaceSet
from mien.errors import DataError, RecipeError
from mien.expression.temperature import cross_entropy
from mien.settings import Settings
from mien.train.recipe import AugmentRecipe, FitRecipe, Recipe, read_recipe

Splits = tuple[FaceSet, FaceSet]


@pytest.fixture
def recipe(recipe_file: Path) -> Recipe:
    return read_recipe(str(recipe_file))


def test_warm_up_then_half_a_cosine(keras: Any) -> None:
    from mien.train.fit import optimizer_of

    rate = optimizer_of(FitRecipe(epochs=4, learning_rate=0.1, warmup_epochs=1.0), steps=10)._learning_rate
    values = [float(rate(step)) for step in (0, 5, 10, 25, 40)]
    assert values == pytest.approx([0, 0.05, 0.1, 0.05, 0], abs=1e-6)


def test_a_constant_rate_and_the_recipes_optimizers(keras: Any) -> None:
    from mien.train.fit import optimizer_of

    assert float(optimizer_of(FitRecipe(1, schedule="constant", learning_rate=0.25), 10).learning_rate) == 0.25
    kinds = {kind: optimizer_of(FitRecipe(1, optimizer=kind, ema=0.9), 10) for kind in ("adam", "adamw", "sgd")}
    assert {kind: type(one).__name__.lower() for kind, one in kinds.items()} == {name: name for name in kinds}
    assert all(one.use_ema and one.ema_momentum == 0.9 for one in kinds.values())
    assert not optimizer_of(FitRecipe(1), 10).use_ema


def test_the_result_says_what_it_depends_on(run: Path, splits: Splits) -> None:
    result = json.loads((run / "result.json").read_text())
    assert result["data"]["train"] == splits[0].sha256 and result["data"]["valid"] == splits[1].sha256
    assert result["data"]["faces"] == 63, "the twin is left out"
    assert {"python", "keras", "numpy"} <= set(result["versions"])
    assert result["vocabularies"] == {"label": "fer2013", "ferplus": "ferplus"}
    assert [item["epoch"] for item in result["history"]] == [1, 2, 3, 4]
    assert all(0.05 <= value <= 20 for value in result["temperatures"].values())


def test_it_learns_something(run: Path) -> None:
    history = json.loads((run / "result.json").read_text())["history"]
    assert history[-1]["loss"] < history[0]["loss"]


def test_the_curve_is_a_table_and_for_tensorboard(run: Path) -> None:
    lines = (run / "curve.csv").read_text().splitlines()
    assert lines[0] == "epoch,loss,valid_accuracy_label,valid_accuracy_ferplus,seconds,cpu_seconds"
    assert [line.split(",")[0] for line in lines[1:]] == ["1", "2", "3", "4"]
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["tensors"]) == {"loss", "valid_accuracy/label", "valid_accuracy/ferplus"}
    losses = [(event.step, float(event.tensor_proto.float_val[0])) for event in events.Tensors("loss")]
    written = [(int(line.split(",")[0]), float(line.split(",")[1])) for line in lines[1:]]
    assert losses == [(number, pytest.approx(loss, abs=1e-4)) for number, loss in written]


def test_a_finished_run_is_not_trained_again(
    run: Path, splits: Splits, recipe: Recipe, settings: Settings, silent: Any
) -> None:
    from mien.train.prior import Prior
    from mien.train.run import read_run, train_expression

    before = read_run(run)
    after = train_expression(*splits, recipe, run, Prior(settings), silent)
    assert [item.epoch for item in silent.epochs] == [1, 2, 3, 4]
    assert after == before[1]
    assert len(list((run / "tensorboard").iterdir())) == 1


def test_the_model_on_disk_has_the_averaged_weights(run: Path, keras: Any) -> None:
    from mien.train.checkpoint import load_checkpoint
    from mien.train.run import read_run

    model, _ = read_run(run)
    state = load_checkpoint(run)
    assert state
    kept, raw = (next(value for value in part if value.ndim == 4) for part in (state.kept, state.model))
    found = keras.ops.convert_to_numpy(model.trainable_variables[0])
    np.testing.assert_array_equal(found, kept)
    assert not np.array_equal(raw, kept)


def test_patience_stops_and_keeps_the_best(
    splits: Splits, recipe: Recipe, settings: Settings, silent: Any, tmp_path: Path
) -> None:
    """With a rate that changes nothing the first epoch is the best for ever."""
    from mien.train.fit import Trainer
    from mien.train.prior import Prior

    still = replace(recipe, fit=replace(recipe.fit, epochs=9, patience=2, learning_rate=1e-12, ema=0.0))
    still = replace(still, model=replace(still.model, kind="seed-cnn"))
    trained = Trainer(still, *splits, tmp_path, Prior(settings)).fit(silent)
    assert len(trained.history) == 3
    assert len({record.valid["label"] for record in trained.history}) == 1


def test_the_loss_is_the_mean_of_all_batches(
    splits: Splits, recipe: Recipe, settings: Settings, silent: Any, tmp_path: Path
) -> None:
    """With a rate that changes nothing and no chance in the faces, it is the cross-entropy of all training faces."""
    from mien.train.fit import Trainer, predict
    from mien.train.prior import Prior

    model = replace(recipe.model, kind="seed-cnn", dropout=0.0)
    fit = FitRecipe(epochs=1, batch=21, learning_rate=1e-12)
    still = replace(recipe, model=model, fit=fit, augment=AugmentRecipe(flip=0.0), heads={"label": 1.0})
    train = splits[0].take(np.arange(63))
    trained = Trainer(still, train, splits[1], tmp_path, Prior(settings)).fit(silent)
    logits = predict(trained.model, train.faces, 24)["label"]
    assert trained.history[0].loss == pytest.approx(cross_entropy(logits, train.labels).mean(), rel=1e-4)


def test_no_faces_are_left(
    keras: Any, splits: Splits, recipe: Recipe, settings: Settings, silent: Any, tmp_path: Path
) -> None:
    from mien.train.prior import Prior
    from mien.train.run import train_expression

    train, valid = splits
    with pytest.raises(DataError, match="has 0 faces to train on"):
        train_expression(replace(train, twins=np.ones(64, bool)), valid, recipe, tmp_path, Prior(settings), silent)
    blank = replace(valid, labels=np.full(24, -1), votes=None)
    with pytest.raises(DataError, match="no head"):
        train_expression(train, blank, recipe, tmp_path, Prior(settings), silent)
    with pytest.raises(DataError, match="other classes"):
        train_expression(train, replace(valid, classes=("a", "b")), recipe, tmp_path, Prior(settings), silent)


def test_a_head_without_data_is_refused(
    keras: Any, splits: Splits, recipe: Recipe, settings: Settings, tmp_path: Path
) -> None:
    from mien.train.fit import Trainer
    from mien.train.prior import Prior

    train, valid = splits
    with pytest.raises(RecipeError, match="nothing for the head 'ferplus'"):
        Trainer(recipe, replace(train, votes=None), valid, tmp_path, Prior(settings))


def test_a_loss_that_explodes_ends_the_run(
    keras: Any, splits: Splits, recipe: Recipe, settings: Settings, silent: Any, tmp_path: Path
) -> None:
    from mien.train.fit import Trainer
    from mien.train.prior import Prior

    model = replace(recipe.model, kind="seed-cnn")
    wild = replace(recipe, model=model, fit=replace(recipe.fit, optimizer="sgd", learning_rate=1e30))
    with pytest.raises(RecipeError, match="no number any more"):
        Trainer(wild, *splits, tmp_path, Prior(settings)).fit(silent)


@pytest.mark.parametrize(
    ("name", "classes", "vocabulary"),
    [("My Faces", ("yes", "no"), "my-faces"), ("ferplus", ("yes", "no"), "ferplus-labels"), ("Ω", ("a", "b"), "set")],
)
def test_own_classes_have_a_vocabulary_that_cards_can_carry(
    keras: Any, splits: Splits, recipe: Recipe, name: str, classes: tuple[str, ...], vocabulary: str
) -> None:
    from mien.train.vocabulary import vocabulary_of

    assert vocabulary_of("label", replace(splits[0], name=name, classes=classes), recipe) == vocabulary
