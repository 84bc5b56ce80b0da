"""Distillation: a model learns what a better one says of each face, beside what the set says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from mien.dataset.faces import FaceSet
from mien.errors import RecipeError
from mien.expression.frame import FrameExpression
from mien.expression.temperature import softmax
from mien.face import Floats, Pixels
from mien.train.batches import Targets
from mien.train.recipe import TeacherRecipe

# Faces that one thread asks about at a time.
CHUNK = 256


def taught(
    targets: Targets,
    faces: FaceSet,
    vocabularies: dict[str, str],
    teacher: FrameExpression,
    recipe: TeacherRecipe,
    threads: int = 1,
) -> Targets:
    """Targets that are the teacher's answer by the recipe's share and the set's own by the rest; the teacher's alone
    where a face has none of its own. Source: Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network
    (2015), with one temperature on the teacher's side.

    vocabularies: by head. Raises RecipeError where the teacher lacks one, or has other classes in it.
    """
    logits = _logits(teacher, faces.faces, threads)
    values, weights = {}, {}
    for head, own in targets.values.items():
        classes = _classes(teacher, vocabularies[head])
        if len(classes) != own.shape[1] or (head == "label" and classes != faces.classes):
            raise RecipeError(
                f"The teacher {teacher.model} does not name the {own.shape[1]} classes of {vocabularies[head]}.",
                f"It knows: {', '.join(one.vocabulary for one in teacher.spec.heads)}. Choose another teacher.",
            )
        said = softmax(logits[vocabularies[head]], recipe.temperature)
        share = np.where(targets.weights[head] > 0, recipe.share, 1.0)[:, None]
        values[head] = (share * said + (1 - share) * own).astype(np.float32)
        weights[head] = np.ones(len(own), np.float32)
    return Targets(values, weights)


def _logits(teacher: FrameExpression, faces: Pixels, threads: int) -> dict[str, Floats]:
    chunks = [faces[start : start + CHUNK] for start in range(0, len(faces), CHUNK)]
    with ThreadPoolExecutor(threads, "mien-teach") as pool:
        parts = list(pool.map(teacher.logits, chunks))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _classes(teacher: FrameExpression, vocabulary: str) -> tuple[str, ...]:
    return next((one.classes for one in teacher.spec.heads if one.vocabulary == vocabulary), ())
