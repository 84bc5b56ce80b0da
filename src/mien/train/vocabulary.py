"""The name of what a head says: its vocabulary, as cards carry it."""

from __future__ import annotations

import re

from mien.dataset.faces import FaceSet
from mien.expression.classes import VOCABULARIES
from mien.train.model.heads import FEATURES
from mien.train.recipe import Recipe


def vocabulary_of(head: str, faces: FaceSet, recipe: Recipe) -> str:
    """A vocabulary of the field where the classes are its, else the set's name as cards can carry it; none twice."""
    if head == "ferplus":
        return "ferplus"
    name = next((name for name, classes in VOCABULARIES.items() if classes == faces.classes), "")
    if name and not (name == "ferplus" and "ferplus" in recipe.heads):
        return name
    name = re.sub(r"[^a-z0-9._-]+", "-", faces.name.lower()).lstrip("._-")[:60] or "set"
    return f"{name}-labels" if name in (*VOCABULARIES, FEATURES) else name
