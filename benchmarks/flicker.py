"""How steady is the expression over time, and what does that cost in delay?

    python benchmarks/flicker.py --clips DIR [--made DIR] [--model CARD] [--cache DIR] [--limit N]

--clips: unlabelled videos of people; label changes a second are counted on them. --made: sequences as `mien train
make-sequences` makes them, from faces that no model was trained on: their transitions are known, so that delay and
accuracy are too. These two figures are of synthetic motion. --model: the card of a sequence model; without it only the
frame model and its opponent are measured. --cache: keep features there.

The opponent is what anybody can do without a sequence model: exponential smoothing of the frame model's probabilities,
then the very same rule of when a label may change. It is tried with many settings, and the steadiest one whose added
delay is no longer than the sequence model's is printed: the fairest comparison there is. Prints Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from mien import load_settings
from mien.dataset.sequences.clip import clips_in
from mien.dataset.sequences.crops import FaceCutter
from mien.dataset.sequences.read import hash_files
from mien.dataset.sequences.seen import PLAIN, Eye, SeenSequence, see_sequences
from mien.dataset.sequences.sequence import NO_TIMES, FaceSequence
from mien.evaluate.sequence_steadiness import (
    Course,
    Delay,
    Flicker,
    Transition,
    delay,
    flicker,
    frame_course,
    right_moments,
    smoothed_course,
    stepped,
    transitions,
)
from mien.expression.classes import FERPLUS
from mien.expression.model_file import open_expression
from mien.expression.sequence import SequenceExpression
from mien.expression.steady import Steadiness
from mien.expression.temperature import softmax
from mien.settings import Settings
from mien.train.sequence.features import FeatureReader
from mien.train.sequence.shards import FeatureSequence, read_made
from mien.weights.catalog import Catalog

FRAME, UNSURE_RULE = "frame model", "frame model, `unsure` below the setting"
SMOOTHING_SECONDS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5)
LEADS = (0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.14)


@dataclass(frozen=True, slots=True)
class Row:
    """One method's figures; those of made sequences None without any."""

    name: str
    flicker: Flicker
    delay: Delay | None = None
    accuracy: float | None = None
    made_flicker: Flicker | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """Made sequences: what was seen, the frame model's probabilities, true labels and their changes."""

    seen: list[SeenSequence]
    said: list[np.ndarray]
    truth: list[np.ndarray]
    changes: list[list[Transition]]


def seen_clips(folder: Path, settings: Settings, cache: Path | None) -> tuple[list[SeenSequence], FeatureReader]:
    """The largest face of each clip, as the frame model sees it; clips without a face are left out."""
    frame = open_expression("expression", settings)
    reader = FeatureReader(frame, settings)
    eye = Eye(FaceCutter(frame, settings), reader, reader.model, cache)
    sequences = [
        FaceSequence(file.name, None, 0, (file,), NO_TIMES, "", hash_files((file,))) for file in clips_in(folder)
    ]
    return [one for one in see_sequences(sequences, eye)[PLAIN] if one.seen.mean() > 0.5], reader


def read_transitions(folder: Path, temperature: float, limit: int | None) -> Made:
    """The sequences of a finished `mien train make-sequences`."""
    found: list[FeatureSequence] = [one for one in read_made(folder)[:limit] if one.frame is not None]
    names = np.array(FERPLUS)
    seen = [SeenSequence(one.times, one.features, one.frame, one.seen) for one in found]
    return Made(
        seen,
        [softmax(one.logits, temperature) for one in seen],
        [names[one.shares.argmax(axis=1)] for one in found],
        [transitions(one.times, one.shares, FERPLUS) for one in found],
    )


def courses_of(seen: Sequence[SeenSequence], said: Sequence[np.ndarray], confidence: float) -> list[Course]:
    """The frame model's word wherever a face was seen."""
    return [
        frame_course(one.times[one.seen], row[one.seen], FERPLUS, confidence)
        for one, row in zip(seen, said, strict=True)
    ]


def smoothed_courses(
    seen: Sequence[SeenSequence], said: Sequence[np.ndarray], seconds: float, rule: tuple[float, Steadiness]
) -> list[Course]:
    """The opponent's word wherever a face was seen."""
    return [
        smoothed_course(one.times[one.seen], row[one.seen], FERPLUS, seconds, rule)
        for one, row in zip(seen, said, strict=True)
    ]


def spread(course: Course, seen: SeenSequence) -> list[str | None]:
    """A course of the seen moments over all moments: the last word holds where no face was seen."""
    if len(course.labels) == len(seen.seen):
        return list(course.labels)
    labels: list[str | None] = []
    said = iter(course.labels)
    last: str | None = None
    for known in seen.seen:
        last = next(said) if known else last
        labels.append(last)
    return labels


def measured(
    name: str, clips: Sequence[Course], made: Sequence[Course], truth: Made | None, reference: Sequence[Course]
) -> Row:
    """All figures of one method."""
    if truth is None:
        return Row(name, flicker(clips))
    labels = [spread(course, one) for course, one in zip(made, truth.seen, strict=True)]
    right = right_moments(labels, truth.truth)
    return Row(name, flicker(clips), delay(made, reference, truth.changes), right, flicker(made))


def opponents(
    clips: tuple[Sequence[SeenSequence], Sequence[np.ndarray]], made: Made | None, confidence: float,
    reference: Sequence[Course],
) -> Iterator[Row]:  # fmt: skip
    """Smoothing and steadiness in all their settings."""
    for seconds, lead in product(SMOOTHING_SECONDS, LEADS):
        rule = confidence, Steadiness(lead)
        own = smoothed_courses(made.seen, made.said, seconds, rule) if made else []
        name = f"smoothing {seconds:g} s, lead {lead:g} s"
        yield measured(name, smoothed_courses(*clips, seconds, rule), own, made, reference)


def fairest(rows: Sequence[Row], model: Row) -> Row | None:
    """The opponent that changes its label least on clips, of those that find transitions as soon as the model."""
    limit = model.delay
    assert limit is not None
    soon = [row for row in rows if row.delay and row.delay.added_median <= limit.added_median
            and row.delay.added_ninetieth <= limit.added_ninetieth]  # fmt: skip
    return min(soon, key=lambda row: row.flicker.changes, default=None)


def line(row: Row, first: Row) -> str:
    """One row of the table."""
    rate = row.flicker.changes_a_second
    times = f"{first.flicker.changes_a_second / rate:.1f}" if rate else "-"
    cells = [row.name, f"{row.flicker.changes}", f"{rate:.2f}", times]
    if row.delay and row.accuracy is not None and row.made_flicker:
        cells += [
            f"{row.made_flicker.changes_a_second:.2f}", f"{row.accuracy:.1%}",
            f"{row.delay.found / max(1, row.delay.transitions):.0%}",
            f"{1000 * row.delay.median:.0f} / {1000 * row.delay.ninetieth:.0f}",
            f"{1000 * row.delay.added_median:.0f} / {1000 * row.delay.added_ninetieth:.0f}",
        ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--made", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--all", action="store_true", help="Print every setting of the opponent.")
    given = parser.parse_args()
    settings = load_settings()
    clips, reader = seen_clips(given.clips, settings, given.cache)
    said = [softmax(one.logits, reader.temperature) for one in clips]
    made = read_transitions(given.made, reader.temperature, given.limit) if given.made else None
    reference = courses_of(made.seen, made.said, 0.0) if made else []
    sure = courses_of(made.seen, made.said, settings.min_confidence) if made else []
    first = measured(FRAME, courses_of(clips, said, 0.0), reference, made, reference)
    rows = [first, measured(UNSURE_RULE, courses_of(clips, said, settings.min_confidence), sure, made, reference)]
    others = list(opponents((clips, said), made, settings.min_confidence, reference))
    if given.model:
        model = SequenceExpression(Catalog.load(settings).card(given.model), settings)
        told = [stepped(model, one) for one in clips]
        own = [stepped(model, one) for one in made.seen] if made else []
        steady = measured(f"{model.model}", [one for one, _ in told], [one for one, _ in own], made, reference)
        likeliest = [Course(course.times, tuple(best)) for course, best in told]
        own_likeliest = [Course(course.times, tuple(best)) for course, best in own]
        rows += [measured(f"{model.model}, likeliest class", likeliest, own_likeliest, made, reference), steady]
        if made and (best := fairest(others, steady)):
            rows.append(best)
    rows += others if given.all or not given.model else []
    print(f"{len(clips)} clips, {first.flicker.seconds:.0f} s")
    if made and first.made_flicker:
        count = sum(map(len, made.changes))
        print(f"{len(made.seen)} made sequences, {first.made_flicker.seconds:.0f} s, {count} transitions")
    head = ["", "changes on clips", "a second", "times fewer"]
    if made:
        head += ["made: changes a second", "right moments", "transitions found", "delay, ms: median / 90 %",
                 "added to the frame model's, ms"]  # fmt: skip
    print(f"\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    print("\n".join(line(row, first) for row in rows))


if __name__ == "__main__":
    main()
