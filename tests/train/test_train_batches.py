"""Batches: the same for the same seed and epoch, targets as by hand; and made ahead by one thread, in order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from mien.ahead import DEPTH, ahead
from mien.dataset.faces import FaceSet
from mien.train.batches import Batch, Targets, network_input, training_batches
from mien.train.recipe import AugmentRecipe, FitRecipe, ModelRecipe, Recipe


def recipe(heads: dict[str, float] | None = None, **fit: float) -> Recipe:
    return Recipe(
        "tiny",
        "",
        ModelRecipe("vgg", 24),
        FitRecipe(**{"epochs": 10, "batch": 8, **fit}),
        AugmentRecipe(),
        heads or {"label": 1.0, "ferplus": 1.0},
    )


def batches(faces: FaceSet, chosen: Recipe, epoch: int) -> list[Batch]:
    return list(training_batches(faces, Targets.of(faces, chosen), chosen, epoch))


@pytest.fixture
def faces() -> FaceSet:
    """20 faces of 3 classes; the first has no label, the second no votes."""
    rng = np.random.default_rng(1)
    votes = np.zeros((20, 10), np.float32)
    votes[np.arange(20), np.arange(20) % 8] = 10
    votes[1] = 0
    votes[2, :] = [6, 3, 1, 0, 0, 0, 0, 0, 0, 0]
    labels = np.arange(20) % 3
    labels[0] = -1
    pixels = rng.integers(0, 256, (20, 24, 24), np.uint8)
    return FaceSet("s", "train", ("a", "b", "c"), pixels, labels, votes, np.zeros(20, bool), ("x",) * 20, "0" * 64)


def test_the_same_seed_and_epoch_give_the_same(faces: FaceSet) -> None:
    first, again = (batches(faces, recipe(mixup=0.2), 3) for _ in range(2))
    assert len(first) == 2
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.inputs, two.inputs)
        for head in one.targets.values:
            np.testing.assert_array_equal(one.targets.values[head], two.targets.values[head])


def test_epochs_and_seeds_differ(faces: FaceSet) -> None:
    inputs = [
        batches(faces, chosen, epoch)[0].inputs for chosen, epoch in [(recipe(), 0), (recipe(), 1), (recipe(seed=1), 0)]
    ]
    assert not any(np.array_equal(one, two) for one, two in [inputs[:2], inputs[::2], inputs[1:]])


def test_inputs_are_normalised(faces: FaceSet) -> None:
    batch = batches(faces, recipe(), 0)[0].inputs
    assert batch.shape == (8, 24, 24, 1) and batch.dtype == np.float32
    assert -1 < batch.min() < -0.9 and 0.9 < batch.max() < 1
    black = network_input(np.zeros((1, 24, 24), np.uint8), 32)
    np.testing.assert_array_equal(black, np.full((1, 32, 32, 1), -127.5 / 128, np.float32))


def test_label_smoothing_by_hand(faces: FaceSet) -> None:
    targets = Targets.of(faces, recipe(label_smoothing=0.3))
    np.testing.assert_allclose(targets.values["label"][1], [0.1, 0.8, 0.1], rtol=1e-6)
    np.testing.assert_array_equal(targets.values["label"][0], [0, 0, 0])


def test_votes_are_distributions(faces: FaceSet) -> None:
    """One tagger alone is an outlier."""
    targets = Targets.of(faces, recipe())
    np.testing.assert_allclose(targets.values["ferplus"][2, :3], [6 / 9, 3 / 9, 0], rtol=1e-6)


def test_faces_without_an_answer_have_no_weight(faces: FaceSet) -> None:
    targets = Targets.of(faces, recipe())
    assert targets.weights["label"].tolist() == [0.0] + [1.0] * 19
    assert targets.weights["ferplus"].tolist() == [1.0, 0.0] + [1.0] * 18


def test_heads_without_data_are_left_out(faces: FaceSet) -> None:
    assert set(Targets.of(replace(faces, votes=None), recipe()).values) == {"label"}
    assert set(Targets.of(faces, recipe({"ferplus": 1.0})).values) == {"ferplus"}


def test_mixup_blends_targets_and_weights(faces: FaceSet) -> None:
    mixed = [batch.targets for epoch in range(5) for batch in batches(faces, recipe(mixup=1.0), epoch)]
    for targets in mixed:
        for head, values in targets.values.items():
            weights = targets.weights[head]
            assert weights.min() >= 0 and weights.max() <= 1 + 1e-6
            np.testing.assert_allclose(values[weights > 1e-3].sum(axis=1), 1, rtol=1e-4)
    blended = np.concatenate([targets.values["label"] for targets in mixed])
    partial = np.concatenate([targets.weights["label"] for targets in mixed])
    assert (blended.max(axis=1) < 0.95).any()
    assert ((partial > 0.01) & (partial < 0.99)).any(), "no face was blended with the one that has no label"


def test_mixup_ends_before_the_last_epochs(faces: FaceSet) -> None:
    chosen = recipe(mixup=1.0, mixup_off=0.2)
    labels = [np.concatenate([one.targets.values["label"] for one in batches(faces, chosen, e)]) for e in (7, 8)]
    assert [np.isin(values, (0, 1)).all() for values in labels] == [False, True]


def test_a_batch_larger_than_the_set(faces: FaceSet) -> None:
    assert [len(one.inputs) for one in batches(faces, recipe(batch=500), 0)] == [20]


def test_ahead_keeps_the_order_and_ends_its_thread() -> None:
    before = threading.active_count()
    assert list(ahead(iter(range(100)))) == list(range(100))
    assert list(ahead(iter(()))) == []
    assert threading.active_count() == before


def test_ahead_is_bounded() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(50):
            made.append(number)
            yield number

    found = ahead(items())
    assert [next(found), next(found)] == [0, 1]
    found.close()
    assert 2 <= len(made) <= 2 + DEPTH


def test_ahead_passes_errors_in_their_place_and_ends_its_thread() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("third")

    before, seen = threading.active_count(), []
    with pytest.raises(ValueError, match="third"):
        for item in ahead(items()):
            seen.append(item)
    assert seen == [1, 2] and threading.active_count() == before
