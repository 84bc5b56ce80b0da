"""How often a label changes on people who may not have changed, and how much later it changes where they did.

Flicker needs no truth: label changes a second. Delay needs sequences with known transitions, such as those that `mien
train make-sequences` makes. Steadiness that is bought with delay is worth nothing: figures go together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.dataset.sequences.seen import SeenSequence
from mien.evaluate.sequence_baselines import Numbers, smooth_course
from mien.expression.classes import UNSURE
from mien.expression.sequence import SequenceExpression
from mien.expression.steady import Steadiness, SteadyLabel, next_label
from mien.face import Expression, Floats
from mien.record import Record

# A transition counts as found from this long before its middle, where a fade may begin, up to the next one's begin.
EARLY_SECONDS: Final = 0.3
LATE_SECONDS: Final = 1.5
# A lead of less than this is part of a fade between two other classes.
HELD_SECONDS: Final = 0.3


@dataclass(frozen=True, slots=True)
class Course:
    """What is said over time: a label a moment, None where nothing is said."""

    times: tuple[float, ...]
    labels: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Flicker(Record):
    """changes: of the label, moments at which nothing is said left out. seconds: of all courses together."""

    changes: int
    seconds: float
    changes_a_second: float


@dataclass(frozen=True, slots=True)
class Transition:
    """In truth, the class `label` takes the lead at `time`; `until` is when the next one does, or the end."""

    time: float
    label: str
    until: float


@dataclass(frozen=True, slots=True)
class Delay(Record):
    """Of transitions: how many there are, how many were found, and how long after the truth, in seconds.

    added: over the moments at which the reference found them, of those that both found; NaN where there are none.
    """

    transitions: int
    found: int
    median: float
    ninetieth: float
    both_found: int
    added_median: float
    added_ninetieth: float


def frame_course(times: Floats, probabilities: Numbers, classes: Sequence[str], min_confidence: float = 0.0) -> Course:
    """The likeliest class of each frame by itself, `unsure` below `min_confidence`. probabilities: (T, C)."""
    best = probabilities.argmax(axis=1)
    sure = probabilities.max(axis=1) >= min_confidence
    labels = tuple(classes[one] if known else UNSURE for one, known in zip(best, sure, strict=True))
    return Course(tuple(times.tolist()), labels)


def smoothed_course(
    times: Floats,
    probabilities: Numbers,
    classes: Sequence[str],
    seconds: float,
    rule: tuple[float, Steadiness],
) -> Course:
    """The opponent of a sequence model: exponential smoothing (`seconds` 0: none), then the same rule of steadiness.

    rule: the least confidence for a label other than `unsure`, and when a label may change.
    """
    said = smooth_course(probabilities, times, seconds) if seconds else probabilities
    state, labels = SteadyLabel(), []
    for place, row in enumerate(said):
        since = float(times[place] - times[place - 1]) if place else 0.0
        state = next_label(state, dict(zip(classes, row.tolist(), strict=True)), since, *rule)
        labels.append(state.label)
    return Course(tuple(times.tolist()), tuple(labels))


def stepped(model: SequenceExpression, one: SeenSequence) -> tuple[Course, list[str | None]]:
    """The sequence model's steady label at each moment, frame by frame as live; and its likeliest class by itself."""
    state, labels, likeliest = model.start(), [], []
    for time, features, seen in zip(one.times.tolist(), one.features, one.seen, strict=True):
        state, said = model.step(state, time, features if seen else None)
        known = said if isinstance(said, Expression) else None
        labels.append(known.label if known else None)
        likeliest.append(max(known.probabilities, key=known.probabilities.__getitem__) if known else None)
    return Course(tuple(one.times.tolist()), tuple(labels)), likeliest


def flicker(courses: Sequence[Course]) -> Flicker:
    """Label changes a second over all courses; a course lasts from its first moment to its last."""
    changes, seconds = 0, 0.0
    for course in courses:
        said = [label for label in course.labels if label is not None]
        changes += sum(one != other for one, other in pairwise(said))
        seconds += course.times[-1] - course.times[0]
    return Flicker(changes, seconds, changes / seconds if seconds else float("nan"))


def transitions(times: Floats, shares: Floats, classes: Sequence[str]) -> list[Transition]:
    """When another class takes the lead in truth and keeps it for at least 0.3 s. shares: (T, C) of what there is."""
    lead = shares.argmax(axis=1)
    places = [*(np.flatnonzero(np.diff(lead)) + 1).tolist(), len(lead) - 1]
    return [
        Transition(float(times[place]), classes[lead[place]], float(times[after]))
        for place, after in pairwise(places)
        if times[after] - times[place] >= HELD_SECONDS
    ]


def found_at(course: Course, change: Transition) -> float | None:
    """When the course first says the new class: from 0.3 s before to 1.5 s after, and before the next transition."""
    until = min(change.until, change.time + LATE_SECONDS)
    for time, label in zip(course.times, course.labels, strict=True):
        if label == change.label and change.time - EARLY_SECONDS <= time <= until:
            return time
    return None


def delay(courses: Sequence[Course], references: Sequence[Course], changes: Sequence[Sequence[Transition]]) -> Delay:
    """How late `courses` follow the `changes` of each sequence, and how much later than the `references` do."""
    late: list[float] = []
    added: list[float] = []
    count = 0
    for course, reference, own in zip(courses, references, changes, strict=True):
        for change in own:
            count += 1
            at, before = found_at(course, change), found_at(reference, change)
            late += [] if at is None else [at - change.time]
            added += [] if at is None or before is None else [at - before]
    median, ninetieth = _percentiles(late)
    added_median, added_ninetieth = _percentiles(added)
    return Delay(count, len(late), median, ninetieth, len(added), added_median, added_ninetieth)


def right_moments(courses: Sequence[Sequence[str | None]], truths: Sequence[NDArray[np.str_]]) -> float:
    """The share of moments at which the label is the true one; moments at which nothing is said are wrong."""
    right = [said == str(true) for course, truth in zip(courses, truths, strict=True)
             for said, true in zip(course, truth, strict=True)]  # fmt: skip
    return float(np.mean(right)) if right else float("nan")


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return float("nan"), float("nan")
    return float(np.median(values)), float(np.percentile(values, 90))
