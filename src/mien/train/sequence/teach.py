"""Distillation in time: a model that knows the past alone learns what one that knows the future said of each moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import keras
import numpy as np

from mien.errors import RecipeError
from mien.expression.temperature import softmax
from mien.face import Floats
from mien.train.recipe import TeacherRecipe
from mien.train.sequence.batches import EXTRA
from mien.train.sequence.fit import SequenceData, predict, weights_sha256
from mien.train.sequence.model import MOMENT


def taught(data: SequenceData, teachers: Sequence[keras.Model], recipe: TeacherRecipe) -> SequenceData:
    """The same, but what is trained on has answers that are the mean of the teachers' by the recipe's share, and the
    sequences' own by the rest.

    Moments and wholes of which nobody says what is to be seen have the teachers' alone. Raises RecipeError for teachers
    of other classes, or of other features.
    """
    for teacher in teachers:
        given, told = int(teacher.input[0].shape[-1]) - EXTRA, int(teacher.output[MOMENT].shape[-1])
        if (given, told) != (data.train[0].features.shape[1], len(data.classes)):
            raise RecipeError(f"The teacher reads {given} features and names {told} classes.", "Choose another.")
    said = [predict(teacher, data.train) for teacher in teachers]
    learnt = []
    for row, one in enumerate(data.train):
        moments = np.mean([softmax(moment[row], recipe.temperature) for moment, _ in said], axis=0)
        whole = np.mean([softmax(wholes[row : row + 1], recipe.temperature) for _, wholes in said], axis=0)
        shares = _blended(one.shares, moments, recipe.share)
        learnt.append(replace(one, shares=shares, whole=_blended(one.whole[None], whole, recipe.share)[0]))
    # Of what the answers come from: computed anew, they may differ in the last bit.
    digest = sha256("\n".join([data.sha256, repr(recipe), *map(weights_sha256, teachers)]).encode())
    return replace(data, train=learnt, sha256=digest.hexdigest())


def _blended(own: Floats, said: Floats, share: float) -> Floats:
    """(N, C) each; rows of `own` that are all zero give way."""
    shares = np.where(own.sum(axis=1, keepdims=True) > 0, share, 1.0)
    return np.asarray((1 - shares) * own + shares * said, np.float32)
