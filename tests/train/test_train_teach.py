"""Distillation by hand: shares, temperatures, faces without labels, and teachers that do not fit."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mien.dataset.faces import FaceSet
from mien.errors import RecipeError
from mien.train.batches import Targets
from mien.train.recipe import TeacherRecipe
from mien.train.teach import taught

CLASSES = ("a", "b", "c")
LOGITS = np.array([[4.0, 0, 0], [0, 2, 0], [0, 0, 6]], np.float32)


@pytest.fixture
def faces() -> FaceSet:
    """Three faces; the last has no label."""
    pixels, labels = np.zeros((3, 24, 24), np.uint8), np.array([1, 1, -1])
    return FaceSet("s", "train", CLASSES, pixels, labels, None, np.zeros(3, bool), ("x",) * 3, "0" * 64)


def targets() -> Targets:
    own = np.array([[0, 1, 0], [0, 1, 0], [0, 0, 0]], np.float32)
    return Targets({"label": own}, {"label": np.array([1, 1, 0], np.float32)})


def teacher(classes: tuple[str, ...] = CLASSES, vocabulary: str = "s") -> Any:
    heads = (SimpleNamespace(vocabulary=vocabulary, classes=classes),)
    return SimpleNamespace(
        model="t", spec=SimpleNamespace(heads=heads), logits=lambda crops: {vocabulary: LOGITS[: len(crops)]}
    )


def test_targets_are_blended(faces: FaceSet) -> None:
    found = taught(targets(), faces, {"label": "s"}, teacher(), TeacherRecipe(0.25, 2.0))
    softened = np.exp(LOGITS / 2) / np.exp(LOGITS / 2).sum(axis=1, keepdims=True)
    own = targets().values["label"]
    np.testing.assert_allclose(found.values["label"][:2], 0.25 * softened[:2] + 0.75 * own[:2], atol=1e-6)
    np.testing.assert_allclose(found.values["label"].sum(axis=1), 1, atol=1e-6)


def test_a_face_without_a_label_is_the_teachers_alone(faces: FaceSet) -> None:
    found = taught(targets(), faces, {"label": "s"}, teacher(), TeacherRecipe(0.25, 1.0))
    said = np.exp(LOGITS[2]) / np.exp(LOGITS[2]).sum()
    np.testing.assert_allclose(found.values["label"][2], said, atol=1e-6)
    np.testing.assert_array_equal(found.weights["label"], [1, 1, 1])


@pytest.mark.parametrize("wrong", [teacher(("a", "b")), teacher(("a", "c", "b")), teacher(vocabulary="other")])
def test_a_teacher_of_other_classes_is_refused(faces: FaceSet, wrong: Any) -> None:
    with pytest.raises(RecipeError, match="does not name the 3 classes of s"):
        taught(targets(), faces, {"label": "s"}, wrong, TeacherRecipe())


def test_the_sets_names_decide_not_their_number(faces: FaceSet) -> None:
    other = replace(faces, classes=("x", "y", "z"))
    with pytest.raises(RecipeError):
        taught(targets(), other, {"label": "s"}, teacher(), TeacherRecipe())
