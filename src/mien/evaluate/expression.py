"""Expression measured on labelled face crops as they are, each head by its own protocol and never the two mixed.

A head whose classes are the set's is judged by the set's labels. A FER+ head is judged by the majority of the votes,
where the set has votes (Barsoum et al., Training Deep Networks for Facial Expression Recognition with Crowd-Sourced
Label Distribution, ICMI 2016).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.dataset.faces import FaceSet
from mien.dataset.ferplus import distribution, majority
from mien.errors import DataError, EngineError
from mien.evaluate.classification import (
    ClassScores,
    Estimate,
    Labels,
    Numbers,
    balanced_accuracy,
    by_class,
    confusion,
    macro_f1,
    resampled,
    share,
)
from mien.evaluate.reliability import Flags, Reliability, Selective, ece, reliability, selective, top
from mien.expression.classes import FERPLUS
from mien.expression.temperature import cross_entropy, fit_temperature, softmax
from mien.face import Floats
from mien.record import Record
from mien.weights.card import ExpressionHead, ExpressionSpec

BY_LABEL: Final = "labels of the set"
BY_MAJORITY: Final = "majority of the FER+ votes"
FOLDS: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The faces that one head is judged on, and what it says of them.

    logits: (K, C). labels: (K,) numbers of the head's classes. votes: (K, C) float32 shares of the votes, None where
    the protocol knows none. places: (K,) which faces of the set they are. dropped: how many faces were left out, by
    reason.
    """

    head: ExpressionHead
    protocol: str
    logits: Floats
    labels: Labels
    votes: Floats | None
    places: NDArray[np.intp]
    dropped: tuple[tuple[str, int], ...]

    def of(self, keep: Flags) -> Judged:
        """Only the judged faces that `keep` (K,) marks."""
        votes = None if self.votes is None else self.votes[keep]
        return replace(self, logits=self.logits[keep], labels=self.labels[keep], votes=votes, places=self.places[keep])

    def probabilities(self) -> Numbers:
        """(K, C), at the card's temperature."""
        return softmax(self.logits, self.head.temperature)


@dataclass(frozen=True, slots=True)
class VoteScores(Record):
    """The cross-entropy between the votes' shares and the probabilities, in nats, over the faces judged.

    at_temperature_1 is the raw network's. entropy: that of the votes themselves, below which no model can get.
    """

    cross_entropy: Estimate
    at_temperature_1: Estimate
    entropy: float


@dataclass(frozen=True, slots=True)
class Scores(Record):
    """All figures of one head on one selection of faces.

    Intervals are Wilson's for accuracy and for each class, and from resampled faces for the rest. confusion: true by
    row, said by column. raw: at temperature 1; calibrated: at the card's temperature. ece_cross_fitted: with the
    temperature fitted on four fifths of these very faces for the other fifth, in turn: what to believe where the card's
    temperature was fitted on these faces. selective: what is said at each confidence asked for. votes: where the
    protocol has them.
    """

    n: int
    accuracy: Estimate
    balanced_accuracy: Estimate
    macro_f1: Estimate
    by_class: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]
    raw: Reliability
    calibrated: Reliability
    ece_cross_fitted: Estimate
    selective: tuple[Selective, ...]
    votes: VoteScores | None


@dataclass(frozen=True, slots=True)
class Dropped(Record):
    """Faces that a protocol leaves out, and why."""

    reason: str
    n: int


@dataclass(frozen=True, slots=True)
class HeadReport(Record):
    """One head by its protocol: over all faces kept, and without those that have a twin in another split.

    without_twins: None where no face remains.
    """

    vocabulary: str
    protocol: str
    classes: tuple[str, ...]
    temperature: float
    n_kept: int
    dropped: tuple[Dropped, ...]
    all_faces: Scores
    without_twins: Scores | None


@dataclass(frozen=True, slots=True)
class ExpressionReport(Record):
    """A whole run: which model on which faces, and a report for each head that the set can judge.

    sha256: hash of the data. not_judged: vocabularies of the heads that the set has neither labels nor votes for.
    """

    model: str
    data: str
    split: str
    sha256: str
    n_faces: int
    n_twins: int
    heads: tuple[HeadReport, ...]
    not_judged: tuple[str, ...]


def evaluate_expression(
    faces: FaceSet, logits: Mapping[str, Floats], spec: ExpressionSpec, model: str = ""
) -> ExpressionReport:
    """Every head of `spec` that the set can judge, from its logits (N, C) by vocabulary. model: an id for the report.

    Raises DataError where the set can judge no head, naming the classes of both.
    """
    judged = judge_all(faces, logits, spec)
    measured = {one.head.vocabulary for one in judged}
    return ExpressionReport(
        model=model,
        data=faces.name,
        split=faces.split,
        sha256=faces.sha256,
        n_faces=len(faces.faces),
        n_twins=int(faces.twins.sum()),
        heads=tuple(_report(one, faces.twins) for one in judged),
        not_judged=tuple(head.vocabulary for head in spec.heads if head.vocabulary not in measured),
    )


def judge_all(faces: FaceSet, logits: Mapping[str, Floats], spec: ExpressionSpec) -> tuple[Judged, ...]:
    """The faces that each head is judged on; heads that the set cannot judge are left out.

    Raises DataError where none is left, or where not one face has a label; EngineError where logits are not finite.
    """
    refuse_other_classes(faces, spec)
    for vocabulary, values in logits.items():
        if not np.isfinite(values).all():
            raise EngineError(f"The model's output for {vocabulary} is not finite.", "Train or export it again.")
    judged = tuple(
        one for head in spec.heads if head.vocabulary in logits for one in _judge(faces, logits[head.vocabulary], head)
    )
    if not any(len(one.labels) for one in judged):
        raise DataError(f"Not one face of {faces.name}, split {faces.split}, has a label.", "Choose labelled faces.")
    return tuple(one for one in judged if len(one.labels))


def refuse_other_classes(faces: FaceSet, spec: ExpressionSpec) -> None:
    """Raise DataError, which names the classes of both, where the set can judge no head of the model."""
    if not any(_protocol(faces, head) for head in spec.heads):
        heads = "; ".join(f"{head.vocabulary}: {', '.join(head.classes)}" for head in spec.heads)
        raise DataError(
            f"The classes of {faces.name} are not the model's. The set has {', '.join(faces.classes)};"
            f" the model has {heads}.",
            "Rename the set's classes to a vocabulary of the model, or take a model that was trained on these classes.",
        )


def _protocol(faces: FaceSet, head: ExpressionHead) -> str:
    """By what the set judges the head; empty where it cannot."""
    if set(head.classes) == set(faces.classes):
        return BY_LABEL
    return BY_MAJORITY if faces.votes is not None and head.classes == FERPLUS else ""


def _judge(faces: FaceSet, logits: Floats, head: ExpressionHead) -> Iterator[Judged]:
    protocol = _protocol(faces, head)
    if protocol == BY_LABEL:
        order = np.array([head.classes.index(name) for name in faces.classes])
        labels = np.where(faces.labels >= 0, order[faces.labels], -1)
        yield _kept(head, protocol, logits, labels, None, {"no label": faces.labels < 0})
    elif protocol == BY_MAJORITY and faces.votes is not None:
        labels = majority(faces.votes)
        yield _kept(head, protocol, logits, labels, distribution(faces.votes), _why_no_majority(faces.votes))


def _kept(
    head: ExpressionHead, protocol: str, logits: Floats, labels: Labels, votes: Floats | None, reasons: dict[str, Flags]
) -> Judged:
    """Without the faces that have no label; `reasons` are tried in order."""
    places = np.flatnonzero(labels >= 0)
    open_, dropped = labels < 0, []
    for reason, holds in reasons.items():
        dropped.append((reason, int((open_ & holds).sum())))
        open_ = open_ & ~holds
    chosen = None if votes is None else votes[places]
    named = tuple((reason, n) for reason, n in dropped if n)
    return Judged(head, protocol, logits[places], labels[places], chosen, places, named)


def _why_no_majority(votes: Floats) -> dict[str, Flags]:
    n_expressions = len(FERPLUS)
    return {
        "no votes": votes.sum(axis=1) == 0,
        "unknown or no face has the most votes": votes.argmax(axis=1) >= n_expressions,
        "no class has the majority": np.ones(len(votes), np.bool_),
    }


def _report(judged: Judged, twins: Flags) -> HeadReport:
    alone = judged.of(~twins[judged.places])
    head = judged.head
    scores = _scores(judged)
    return HeadReport(
        vocabulary=head.vocabulary,
        protocol=judged.protocol,
        classes=head.classes,
        temperature=head.temperature,
        n_kept=len(judged.labels),
        dropped=tuple(Dropped(reason, n) for reason, n in judged.dropped),
        all_faces=scores,
        without_twins=_scores(alone) if len(alone.labels) else None,
    )


def _scores(judged: Judged) -> Scores:
    probabilities, labels = judged.probabilities(), judged.labels
    confidence, right = top(probabilities, labels)
    said, n_classes = probabilities.argmax(axis=1), probabilities.shape[1]
    table = confusion(labels, said, n_classes)

    def means(weights: Numbers) -> tuple[float, float]:
        drawn = confusion(labels, said, n_classes, weights)
        return balanced_accuracy(drawn), macro_f1(drawn)

    balanced, f1 = resampled(means, len(labels))
    return Scores(
        n=len(labels),
        accuracy=share(int(right.sum()), len(right)),
        balanced_accuracy=balanced,
        macro_f1=f1,
        by_class=by_class(table, judged.head.classes),
        confusion=tuple(tuple(int(cell) for cell in row) for row in table),
        raw=reliability(softmax(judged.logits), labels),
        calibrated=reliability(probabilities, labels),
        ece_cross_fitted=_cross_fitted_ece(judged),
        selective=selective(confidence, right),
        votes=_vote_scores(judged),
    )


def _cross_fitted_ece(judged: Judged) -> Estimate:
    """NaN where there are fewer faces than folds."""
    n_faces = len(judged.labels)
    if n_faces < FOLDS:
        return Estimate(float("nan"), 0.0, 1.0)
    folds = np.random.default_rng(1).permutation(n_faces) % FOLDS
    probabilities = np.empty(judged.logits.shape)
    for fold in range(FOLDS):
        inside = folds == fold
        temperature = fit_temperature(judged.logits[~inside], judged.labels[~inside])
        probabilities[inside] = softmax(judged.logits[inside], temperature)
    confidence, right = top(probabilities, judged.labels)
    return resampled(lambda weights: (ece(confidence, right, weights),), n_faces)[0]


def _vote_scores(judged: Judged) -> VoteScores | None:
    if judged.votes is None:
        return None
    votes = judged.votes.astype(np.float64)
    costs = np.column_stack([cross_entropy(judged.logits, votes, t) for t in (judged.head.temperature, 1.0)])
    calibrated, raw = resampled(lambda weights: tuple(weights @ costs / weights.sum()), len(costs))
    logs = np.log(votes, out=np.zeros_like(votes), where=votes > 0)
    return VoteScores(calibrated, raw, float(-(votes * logs).sum(axis=1).mean()))
