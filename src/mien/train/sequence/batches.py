"""Sequences of different lengths as arrays of one length, changed at random while training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face import Floats
from mien.train.sequence.recipe import SequenceAugmentRecipe, SequenceRecipe
from mien.train.sequence.shards import FeatureSequence

# Besides the features: whether a face was seen, and the clock.
EXTRA: Final = 2
# A frame of which nobody sees the face says less of how well the network reads faces.
UNSEEN_WEIGHT: Final = 0.5
SHORTEST_WINDOW: Final = 8
LENGTHS: Final = 16
# Seconds between frames that a clock of 0 stands for; and the span in which it tells times apart.
USUAL_SECONDS: Final = 0.04
SPAN_SECONDS: Final = (0.005, 2.0)


@dataclass(frozen=True, slots=True, eq=False)
class SequenceBatch:
    """inputs: (B, T, D + 2) float32. valid: (B, T) bool, False in what was filled up.

    moments: (B, T, C), whole: (B, C), moment_weights: (B, T), whole_weights: (B,), 0 where nobody knows.
    """

    inputs: Floats
    valid: NDArray[np.bool_]
    moments: Floats
    moment_weights: Floats
    whole: Floats
    whole_weights: Floats


def clock_of(seconds: NDArray[np.floating]) -> Floats:
    """The input that says how long ago the last frame was: half the logarithm of the seconds over 0.04."""
    return np.asarray(0.5 * np.log(np.clip(seconds, *SPAN_SECONDS) / USUAL_SECONDS), np.float32)


def network_input(times: Floats, features: Floats, seen: NDArray[np.bool_]) -> Floats:
    """(T, D + 2) float32: features, zero where the face was not seen; 1 where it was; the clock, 0 at the first."""
    clock = np.concatenate([[0.0], clock_of(np.diff(times))])
    shown = np.where(seen[:, None], features, 0)
    return np.concatenate([shown, seen[:, None], clock[:, None]], axis=1).astype(np.float32)


def batch_of(sequences: Sequence[FeatureSequence]) -> SequenceBatch:
    """Filled up at the end to the longest of them, in steps of 16 frames: some backends compile each length anew."""
    longest = -(-max(len(one.times) for one in sequences) // LENGTHS) * LENGTHS
    n, classes = len(sequences), sequences[0].shares.shape[1]
    inputs = np.zeros((n, longest, sequences[0].features.shape[1] + EXTRA), np.float32)
    valid, moments = np.zeros((n, longest), np.bool_), np.zeros((n, longest, classes), np.float32)
    weights = np.zeros((n, longest), np.float32)
    for row, one in enumerate(sequences):
        t = len(one.times)
        inputs[row, :t] = network_input(one.times, one.features, one.seen)
        valid[row, :t], moments[row, :t] = True, one.shares
        weights[row, :t] = np.where(one.seen, 1, UNSEEN_WEIGHT) * (one.shares.sum(axis=1) > 0)
    whole = np.stack([one.whole for one in sequences]).astype(np.float32)
    return SequenceBatch(inputs, valid, moments, weights, whole, (whole.sum(axis=1) > 0).astype(np.float32))


def training_batches(
    sequences: Sequence[FeatureSequence], recipe: SequenceRecipe, spread: Floats, epoch: int
) -> Iterator[SequenceBatch]:
    """One epoch in random order; what is left over from whole batches waits for the next epoch's order.

    spread: (D,) standard deviation of each feature. The same for the same data, recipe and epoch.
    """
    rng = np.random.default_rng([recipe.fit.seed, epoch])
    order = rng.permutation(len(sequences))
    size = min(recipe.fit.batch, len(order))
    for start in range(0, len(order) - size + 1, size):
        yield batch_of([changed(sequences[row], recipe.augment, spread, rng) for row in order[start : start + size]])


def changed(
    one: FeatureSequence, recipe: SequenceAugmentRecipe, spread: Floats, rng: np.random.Generator
) -> FeatureSequence:
    """A random window of the sequence, changed as the recipe says; the whole's answer stays that of all of it."""
    step = 2 if rng.random() < recipe.skip and len(one.times) >= 2 * SHORTEST_WINDOW else 1
    rows = np.arange(int(rng.integers(step)), len(one.times), step)
    if len(rows) > recipe.frames:
        first = int(rng.integers(len(rows) - recipe.frames + 1))
        rows = rows[first : first + recipe.frames]
    times = one.times[rows]
    if rng.random() < recipe.reverse:
        rows, times = rows[::-1], times[-1] - times[::-1]
    features, seen = one.features[rows], one.seen[rows].copy()
    if recipe.unseen:
        seen &= rng.random(len(rows)) >= recipe.unseen * rng.random() ** 2
    if recipe.noise:
        noise = rng.standard_normal(features.shape).astype(np.float32)
        features = features + recipe.noise * rng.random() * spread * noise
    stretched = (times - times[0]) * (1 + recipe.stretch) ** rng.uniform(-1, 1)
    return replace(
        one,
        times=np.asarray(stretched, np.float32),
        features=np.asarray(features, np.float32),
        seen=seen,
        shares=one.shares[rows],
        frame=None,
    )
