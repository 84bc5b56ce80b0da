"""The report's figures, on made-up features whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from mien.dataset.sequences.seen import MIRROR, PLAIN, SeenSequence
from mien.dataset.sequences.sequence import NO_TIMES, FaceSequence, SequenceSet
from mien.errors import DataError
from mien.evaluate.sequence import (
    AMONG,
    AS_SHIPPED,
    CHANGE,
    FITTED,
    TRAINED,
    SequenceMethod,
    SequenceReport,
    SequenceTask,
    evaluate_sequences,
    over_people,
)
from mien.evaluate.sequence_folds import subject_folds
from mien.evaluate.sequence_network import Predict, TrainingPart
from mien.expression.classes import FERPLUS

CLASSES = ("happiness", "anger", "calm")
N = 60
FRAMES = 4


def logits_for(name: str, sure: float = 4.0) -> np.ndarray:
    row = np.zeros(len(FERPLUS), np.float32)
    row[FERPLUS.index(name)] = sure
    return row


def made_task(last: str = "") -> SequenceTask:
    """Twenty subjects; features tell the classes apart, the frame model says `anger` of everything but happiness.

    last: what the frame model says of each last frame, if not that.
    """
    random = np.random.default_rng(4)
    labels = np.arange(N) % 3
    sequences = tuple(
        FaceSequence(f"{row}", f"S{row // 3:02}", int(label), (), NO_TIMES, sha256=str(row))
        for row, label in enumerate(labels)
    )
    seen = []
    for label in labels:
        features = (5 * np.eye(3)[label] + random.normal(size=(FRAMES, 3))).astype(np.float32)
        logits = np.stack([logits_for("happiness" if label == 0 else "anger")] * FRAMES)
        if last:
            logits[-1] = logits_for(last)
        times = np.arange(FRAMES, dtype=np.float32)
        seen.append(SeenSequence(times, features, logits, np.ones(FRAMES, np.bool_)))
    data = SequenceSet("made", "clips", CLASSES, sequences, "0" * 64)
    return SequenceTask(data, {PLAIN: seen, MIRROR: seen}, subject_folds(data, 5), "frame@1", 1.0)


def by_key(report: SequenceReport) -> dict[tuple[str, str], SequenceMethod]:
    return {(one.kind, one.way): one for one in report.methods}


def cheating(part: TrainingPart) -> Predict:
    """Reads the class from the features, so that it is nearly always right."""
    return lambda sequences: np.stack([one.features.mean(axis=0) for one in sequences])


@pytest.fixture(scope="module")
def report() -> SequenceReport:
    """Two sequence models beside the baselines: one that is nearly always right, one that is always wrong."""

    def worst(part: TrainingPart) -> Predict:
        return lambda sequences: np.stack([-one.features.mean(axis=0) for one in sequences])

    return evaluate_sequences(made_task(), {"good": cheating, "bad": worst}, "")


def test_every_method_is_judged_on_everybody_once() -> None:
    parts: list[TrainingPart] = []

    def fit(part: TrainingPart) -> Predict:
        parts.append(part)
        return cheating(part)

    report = evaluate_sequences(made_task(), {"mine": fit}, "five folds")
    found = by_key(report)
    assert len(parts) == 5 and all(len(part.labels) == 48 and len(part.views) == 2 for part in parts)
    assert all(len(set(part.groups)) == 16 for part in parts)
    assert {kind for kind, _ in found} == {AS_SHIPPED, AMONG, FITTED, CHANGE, TRAINED} and len(found) == 11
    assert all(sum(map(sum, one.confusion)) == N for one in report.methods)
    assert found[TRAINED, "mine"].accuracy.value > 0.95 and found[FITTED, "mean of frames"].accuracy.value > 0.95
    assert (report.n_subjects, report.n_folds, report.interval_over) == (20, 5, "subjects")


def test_the_frame_model_cannot_say_a_class_that_it_does_not_know(report: SequenceReport) -> None:
    found = by_key(report)
    for kind in (AS_SHIPPED, AMONG):
        one = found[kind, "mean of frames"]
        assert one.accuracy.value == pytest.approx(2 / 3)
        assert [scores.recall.value for scores in one.by_class[:3]] == [1, 1, 0]
        assert one.confusion[2] == (0, 20, 0, 0)


def test_a_word_that_is_no_class_of_the_set_is_wrong() -> None:
    found = by_key(evaluate_sequences(made_task(last="surprise"), {}, ""))
    assert found[AS_SHIPPED, "last frame"].accuracy.value == 0
    assert [row[-1] for row in found[AS_SHIPPED, "last frame"].confusion] == [20, 20, 20]
    assert found[AS_SHIPPED, "mean of frames"].accuracy.value == pytest.approx(2 / 3)
    assert found[AMONG, "last frame"].confusion[0][-1] == 0


def test_sequences_without_a_face_are_wrong_and_counted() -> None:
    task = made_task()
    blind = task.seen[PLAIN][0]
    task.seen[PLAIN][0] = SeenSequence(blind.times, blind.features * 0, blind.logits * 0, np.zeros(FRAMES, np.bool_))
    report = evaluate_sequences(task, {}, "")
    assert report.n_without_face == 1
    assert all(one.confusion[0][-1] == 1 for one in report.methods)


def test_gain_is_over_the_best_baseline_on_the_same_draws(report: SequenceReport) -> None:
    found = by_key(report)
    best = max((one for one in report.methods if one.baseline), key=lambda one: one.accuracy.value)
    assert report.best_baseline == f"{best.kind}: {best.way}"
    for name in ("good", "bad"):
        one = found[TRAINED, name]
        assert one.gain is not None and one.gain.low <= one.gain.value <= one.gain.high
        assert one.gain.value == pytest.approx(one.accuracy.value - best.accuracy.value)
    assert found[TRAINED, "bad"].accuracy.value == 0 and all(one.gain is None for one in report.methods if one.baseline)


def test_intervals_draw_people_not_sequences() -> None:
    """Ten sequences of each person agree with each other: they are worth no more than one."""
    right = np.repeat(np.arange(20) % 2, 10).astype(np.float64)
    people, alone = np.repeat(np.arange(20), 10), np.arange(200)

    def figures(weights: np.ndarray) -> tuple[float]:
        return (float(weights @ right / weights.sum()),)

    (clustered,), (single,) = over_people(figures, people), over_people(figures, alone)
    assert clustered.value == single.value == 0.5
    assert clustered.high - clustered.low > 2 * (single.high - single.low)


def test_nothing_to_judge_is_refused() -> None:
    task = made_task()
    with pytest.raises(DataError, match="is in a fold"):
        evaluate_sequences(SequenceTask(task.sequences, task.seen, (), "m", 1.0), {}, "")
