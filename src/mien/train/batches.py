"""Batches of one epoch: the same for the same recipe, data, seed and epoch, so that a resumed run repeats the curve."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.dataset.faces import FaceSet
from mien.dataset.ferplus import distribution
from mien.face import Floats, Pixels
from mien.train.augment import augmented
from mien.train.recipe import Recipe

# Of every model of ours: x = (pixel - MEAN) * SCALE, what SFace takes as well.
MEAN: Final = 127.5
SCALE: Final = 1 / 128


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """What a face should give, per head: (N, C) float32 distributions, and (N,) float32 weights, 0 where unlabelled."""

    values: dict[str, Floats]
    weights: dict[str, Floats]

    @classmethod
    def of(cls, faces: FaceSet, recipe: Recipe) -> Targets:
        """Labels become distributions by the recipe's smoothing; votes are distributions already."""
        values, weights = {}, {}
        if "label" in recipe.heads:
            values["label"] = _smooth(faces.labels, len(faces.classes), recipe.fit.label_smoothing)
            weights["label"] = (faces.labels >= 0).astype(np.float32)
        if "ferplus" in recipe.heads and faces.votes is not None:
            values["ferplus"] = distribution(faces.votes)
            weights["ferplus"] = (values["ferplus"].sum(axis=1) > 0).astype(np.float32)
        return cls(values, weights)

    def take(self, rows: NDArray[np.int64]) -> Targets:
        """Those of some faces."""
        return Targets(*({head: part[rows] for head, part in parts.items()} for parts in (self.values, self.weights)))


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """inputs: (B, S, S, 1) float32, normalised."""

    inputs: Floats
    targets: Targets


def normalised(faces: Floats) -> Floats:
    """(N, S, S) grey 0..255 to the model's input, (N, S, S, 1) float32."""
    return ((faces - np.float32(MEAN)) * np.float32(SCALE))[..., None]


def network_input(faces: Pixels, size: int) -> Floats:
    """(N, S, S) uint8 grey as they are to the model's input, (N, size, size, 1) float32; bilinear."""
    # In floats, as the exported graph enlarges them.
    enlarged = [cv2.resize(face.astype(np.float32), (size, size)) for face in faces]
    return normalised(np.stack(enlarged))


def training_batches(faces: FaceSet, targets: Targets, recipe: Recipe, epoch: int) -> Iterator[Batch]:
    """One epoch in random order; faces that are left over from whole batches wait for the next epoch's order."""
    rng = np.random.default_rng([recipe.fit.seed, epoch])
    order = rng.permutation(len(faces.faces))
    size = min(recipe.fit.batch, len(order))
    alpha = recipe.fit.mixup if epoch < recipe.fit.epochs * (1 - recipe.fit.mixup_off) else 0.0
    for start in range(0, len(order) - size + 1, size):
        rows = order[start : start + size]
        pixels = augmented(faces.faces[rows], recipe.augment, recipe.model.input_size, rng)
        batch = Batch(normalised(pixels), targets.take(rows))
        yield _mixed(batch, alpha, rng) if alpha else batch


def _smooth(labels: NDArray[np.int64], classes: int, smoothing: float) -> Floats:
    """Label smoothing (Szegedy et al., 2016); rows without a label stay zero."""
    hot = np.eye(classes, dtype=np.float32)[np.maximum(labels, 0)]
    return np.where(labels[:, None] >= 0, hot * (1 - smoothing) + smoothing / classes, 0).astype(np.float32)


def _mixed(batch: Batch, alpha: float, rng: np.random.Generator) -> Batch:
    """Mixup (Zhang et al., 2018): each face blended with another of its batch, and their targets likewise.

    A face is weighted by its share of labelled parts, so that an unlabelled partner only takes away.
    """
    share = np.float32(rng.beta(alpha, alpha))
    other = rng.permutation(len(batch.inputs))
    inputs = share * batch.inputs + (1 - share) * batch.inputs[other]
    values, weights = {}, {}
    for head, value in batch.targets.values.items():
        weight = batch.targets.weights[head]
        weights[head] = share * weight + (1 - share) * weight[other]
        mixed = share * value + (1 - share) * value[other]
        values[head] = (mixed / np.maximum(weights[head], 1e-6)[:, None]).astype(np.float32)
    return Batch(inputs, Targets(values, weights))
