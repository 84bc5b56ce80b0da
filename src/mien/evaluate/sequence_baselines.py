"""What a frame model says of a sequence without a sequence model: the opponents that one has to beat.

Each is a way to come from frames to a word: the last frame, the mean of all, exponential smoothing. Frames in which no
face was found have no say; a sequence without any has no word (a row of NaN).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.dataset.sequences.seen import SeenSequence
from mien.evaluate.sequence_folds import inner_folds
from mien.expression.temperature import log_softmax, softmax
from mien.face import Floats

Numbers = NDArray[np.float64]
Labels = NDArray[np.int64]
# The time in which the weight of the past falls to 1/e.
SMOOTHING_SECONDS: Final = 0.3
INNER_FOLDS: Final = 5
SHRINKAGES: Final = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
# The logit of a class that no training sequence has.
NEVER: Final = -1e6
# Of a long sequence that many frames, evenly spaced, are fitted on: neighbours hardly differ.
FRAMES_FITTED: Final = 16


def last(probabilities: Numbers, times: Floats) -> Numbers:
    """(C,) of (T, C): what the last frame says."""
    return np.asarray(probabilities[-1], np.float64)


def mean(probabilities: Numbers, times: Floats) -> Numbers:
    """(C,) of (T, C): the mean over the frames."""
    return np.asarray(probabilities.mean(axis=0), np.float64)


def smoothed(probabilities: Numbers, times: Floats) -> Numbers:
    """(C,) of (T, C): exponential smoothing to the last frame with a time constant of 0.3 s."""
    return np.asarray(smooth_course(probabilities, times, SMOOTHING_SECONDS)[-1], np.float64)


def smooth_course(probabilities: Numbers, times: Floats, seconds: float) -> Numbers:
    """(T, C): exponentially smoothed, `seconds` the time constant; the first frame stands for all before it."""
    course = np.array(probabilities, np.float64)
    for frame in range(1, len(course)):
        kept = np.exp(-float(times[frame] - times[frame - 1]) / seconds)
        course[frame] = kept * course[frame - 1] + (1 - kept) * course[frame]
    return course


WAYS: Final[dict[str, Callable[[Numbers, Floats], Numbers]]] = {
    "last frame": last,
    "mean of frames": mean,
    "exponential smoothing": smoothed,
}


def words(sequences: Sequence[SeenSequence], frames: Callable[[Floats, Floats], Numbers], way: str) -> Numbers:
    """(N, C): each sequence's word. frames: from features (T, D) and logits (T, C') to probabilities (T, C)."""
    rows: list[Numbers | None] = []
    for one in sequences:
        seen = one.seen
        rows.append(WAYS[way](frames(one.features[seen], one.logits[seen]), one.times[seen]) if seen.any() else None)
    width = next((len(row) for row in rows if row is not None), 1)
    return np.array([np.full(width, np.nan) if row is None else row for row in rows])


class Head:
    """Fisher's linear discriminant on a frame model's features: a frame model made for the set.

    Classes share one covariance, drawn towards a multiple of the identity. With a few hundred sequences it says more
    than a logistic regression, and has a closed form (Friedman, Regularized discriminant analysis, Journal of the
    American Statistical Association 84, 1989).
    """

    def __init__(self, weights: Numbers, offsets: Numbers, scatter: Numbers) -> None:
        self._weights, self._offsets, self._scatter = weights, offsets, scatter

    def whitener(self) -> Numbers:
        """(D, D): features times it vary alike in every direction within a class, by the covariance as it was drawn."""
        return np.asarray(np.linalg.cholesky(np.linalg.inv(self._scatter)), np.float64)

    def __call__(self, features: Floats, logits: Floats | None = None) -> Numbers:
        """(T, C) probabilities of (T, D) features; `logits` are not asked."""
        return softmax(self.logits(features))

    def logits(self, features: Floats) -> Numbers:
        """(T, C) of (T, D)."""
        return np.asarray(features @ self._weights + self._offsets, np.float64)


def fit_head(views: Sequence[Sequence[SeenSequence]], labels: Labels, groups: Sequence[str], n_classes: int) -> Head:
    """A head fitted to frames, each with its sequence's label; a sequence counts once, however long it is.

    views: the N training sequences, seen in one or more ways. groups: (N,) whom each shows; how far the covariance is
    drawn is what gives the lowest cross-entropy, frames and views averaged, on people whom it was not fitted to, in
    five folds. A class that nobody shows is never said.
    """
    costs = np.zeros(len(SHRINKAGES))
    for fold in inner_folds(groups, INNER_FOLDS):
        train = _frames([[view[row] for row in fold.train] for view in views], labels[fold.train])
        features, truth, weights = _frames([[view[row] for row in fold.test] for view in views], labels[fold.test])
        for place, head in enumerate(_discriminants(train, n_classes, SHRINKAGES)):
            costs[place] -= weights @ log_softmax(head.logits(features))[np.arange(len(truth)), truth]
    chosen = SHRINKAGES[int(costs.argmin())]
    return _discriminants(_frames(views, labels), n_classes, (chosen,))[0]


def fit_change(
    views: Sequence[Sequence[SeenSequence]], labels: Labels, groups: Sequence[str], n_classes: int
) -> Callable[[Sequence[SeenSequence]], Numbers]:
    """The same discriminant on a sequence's last third and how it differs from the first: the plainest look at time.

    No baseline, but what a recurrent network should be able to do as well. Arguments as in `fit_head`; the result says
    (N, C) probabilities of sequences, a row of NaN of one without a face.
    """
    head = fit_head([_changes(view) for view in views], labels, groups, n_classes)
    return lambda sequences: words(_changes(sequences), head, "last frame")


def _changes(sequences: Sequence[SeenSequence]) -> list[SeenSequence]:
    """Each as one frame with twice the features."""
    return [_change(one) for one in sequences]


def _change(one: SeenSequence) -> SeenSequence:
    seen = one.features[one.seen]
    third = max(1, len(seen) // 3)
    begins, ends = (
        part.mean(axis=0) if len(part) else np.zeros(one.features.shape[1], np.float32)
        for part in (seen[:third], seen[-third:])
    )
    features = np.concatenate([ends, ends - begins])[None].astype(np.float32)
    return SeenSequence(one.times[-1:], features, one.logits[-1:], np.array([len(seen) > 0]))


def _frames(views: Sequence[Sequence[SeenSequence]], labels: Labels) -> tuple[Floats, Labels, Numbers]:
    """Features (M, D), classes (M,) and weights (M,) that sum to 1, of the frames with a face."""
    features, truth, weights = [], [], []
    for view in views:
        for one, label in zip(view, labels, strict=True):
            rows = np.flatnonzero(one.seen)
            if len(rows) > FRAMES_FITTED:
                rows = rows[np.linspace(0, len(rows) - 1, FRAMES_FITTED).round().astype(np.int64)]
            features.append(one.features[rows])
            truth.append(np.full(len(rows), label, np.int64))
            weights.append(np.full(len(rows), 1 / max(1, len(rows))))
    weight = np.concatenate(weights)
    return np.concatenate(features), np.concatenate(truth), weight / weight.sum()


def _discriminants(data: tuple[Floats, Labels, Numbers], n_classes: int, shrinkages: Sequence[float]) -> list[Head]:
    features, truth, weights = data
    hot = np.eye(n_classes)[truth] * weights[:, None]
    mass = hot.sum(axis=0)
    means = hot.T @ features / np.maximum(mass, 1e-12)[:, None]
    rest = features - means[truth]
    scatter = (rest * weights[:, None]).T @ rest
    size = len(scatter)
    level = max(float(np.trace(scatter)) / size, 1e-12)
    heads = []
    for shrinkage in shrinkages:
        drawn = (1 - shrinkage) * scatter + shrinkage * level * np.eye(size)
        directions = np.linalg.solve(drawn, means.T)
        offsets = np.where(mass > 0, -0.5 * (means * directions.T).sum(axis=1), NEVER)
        heads.append(Head(directions, offsets, drawn))
    return heads
