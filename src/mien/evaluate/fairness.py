"""What an expression model says of groups of people in photos, side by side, without any ground truth.

Three questions can be asked without labels: is a group said to show something else than the others (distance to the
mean of the groups), is it named less surely or not found, and does the answer hold when it should (against another
model, on the mirrored face, on the face shrunk)? `LIMITS` says what the answers cannot show.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.dataset.fairface import Annotated
from mien.errors import DataError
from mien.evaluate.classification import Estimate, Labels, Numbers, share
from mien.evaluate.disparity import Distance, Spread, distances, kappa_estimate, spread, table
from mien.evaluate.metrics import Z_95
from mien.evaluate.reliability import Flags
from mien.expression.classes import UNSURE
from mien.record import Record

LIMITS: Final = (
    "There is no ground truth: a difference between groups may be a real difference in how the people in these web"
    " photos pose, and is then no error.",
    "Where two models name a face differently, at least one of them is wrong; the figure does not say which. Where they"
    " agree, both may be wrong.",
    "A face whose name changes in the mirror or when shrunk is hard for the model; a name that does not change may"
    " still be wrong.",
    "Race, gender and age are what annotators guessed. Groups differ in more than one way (age, photographer, light):"
    " a difference does not say why.",
    "These are figures of groups of photos, for judging a model, and no statement about any person.",
)
GROUPINGS: Final[dict[str, Callable[[Annotated], str]]] = {
    "race": lambda one: one.race,
    "gender": lambda one: one.gender,
    "age": lambda one: one.age,
    "race x gender": lambda one: f"{one.race}, {one.gender}",
}
NOT_FOUND: Final = "face not found"
OTHERWISE: Final = "named otherwise"
Numbered = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Twice:
    """The same K faces named twice: by two models, or by one model on two pictures of the face.

    name: such as `reference`, and `about`, what was named the first and the second time. models: the ids of who named
    them. first, second: (K,) class numbers.
    """

    name: str
    about: str
    models: tuple[str, str]
    first: Labels
    second: Labels


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """What a model says of N annotated photos.

    rows: the N photos. found: (N,) bool, the subject's face was found; K of them. said: (K,) number of the likeliest
    class in `classes`. confidence: (K,) its calibrated probability, 0..1. twice: the comparisons.
    """

    rows: tuple[Annotated, ...]
    classes: tuple[str, ...]
    found: Flags
    said: Labels
    confidence: Numbers
    twice: tuple[Twice, ...]


@dataclass(frozen=True, slots=True)
class Agreement(Record):
    """The share of a group's faces that is named the same both times (Wilson's interval), and Cohen's kappa.

    The rest of the share is named otherwise. kappa takes off what the totals of the classes alone would give, so that
    it falls where nearly all faces get one name; None in JSON where all do. Its interval is from resampled faces and
    too narrow for a handful of them.
    """

    comparison: str
    agreement: Estimate
    kappa: Estimate


@dataclass(frozen=True, slots=True)
class Group(Record):
    """One group; shares have Wilson's 95 % interval, the mean confidence the normal one.

    not_found: of its photos. distribution: the share of its faces of each class, in the order of the report's classes.
    unsure: the share named with less than the confidence asked for. distance: None where there is no face, and for all
    photos together.
    """

    name: str
    n_photos: int
    n_faces: int
    not_found: Estimate
    distribution: tuple[Estimate, ...]
    confidence: Estimate
    unsure: Estimate
    distance: Distance | None
    agreements: tuple[Agreement, ...]


@dataclass(frozen=True, slots=True)
class Grouping(Record):
    """One way to part the photos. spreads: of each rate that is better when low; empty with fewer than two groups."""

    name: str
    groups: tuple[Group, ...]
    spreads: tuple[Spread, ...]


@dataclass(frozen=True, slots=True)
class Comparison(Record):
    """A comparison of the report: its name, what was named twice, and the models' ids, the first and the second."""

    name: str
    about: str
    models: tuple[str, str]


@dataclass(frozen=True, slots=True)
class FairnessReport(Record):
    """A whole run. n_unreadable: photos left out of every figure, since they could not be read.

    classes: of the vocabulary, in the order of every distribution. min_confidence: below it a face is unsure.
    limits: what the figures cannot show, in words.
    """

    model: str
    split: str
    vocabulary: str
    classes: tuple[str, ...]
    min_confidence: float
    n_photos: int
    n_faces: int
    n_unreadable: int
    comparisons: tuple[Comparison, ...]
    all_photos: Group
    groupings: tuple[Grouping, ...]
    limits: tuple[str, ...]


def evaluate_fairness(named: Named, min_confidence: float) -> tuple[Group, tuple[Grouping, ...]]:
    """All photos together, and each of GROUPINGS.

    The same answers give the same intervals. Raises DataError where not one face was found.
    """
    if not len(named.said):
        raise DataError(f"Not one face was found in {len(named.rows):,} photos.", "Check that these are photos.")
    unsure = named.confidence < min_confidence
    whole = _group(named, unsure, "all", np.ones(len(named.rows), np.bool_))
    return whole, tuple(_grouping(named, unsure, name) for name in GROUPINGS)


def in_order(names: Sequence[str]) -> list[str]:
    """Each name once: ages by their first number (`3-9` before `10-19`), names without one by the alphabet."""
    return sorted(set(names), key=lambda name: (int((re.findall(r"\d+", name) or [0])[0]), name))


def _grouping(named: Named, unsure: Flags, by: str) -> Grouping:
    of_rows = [GROUPINGS[by](row) for row in named.rows]
    names = in_order(of_rows)
    members = np.array([names.index(name) for name in of_rows])
    faces = members[named.found]
    apart = distances(table(faces, named.said, (len(names), len(named.classes))))
    groups = tuple(
        replace(_group(named, unsure, name, members == place), distance=apart[place])
        for place, name in enumerate(names)
    )
    rates = {NOT_FOUND: (members, ~named.found), UNSURE: (faces, unsure)}
    rates |= {f"{OTHERWISE}: {one.name}": (faces, one.first != one.second) for one in named.twice}
    spreads = (_spread(rate, names, *counted) for rate, counted in rates.items())
    return Grouping(by, groups, tuple(one for one in spreads if one))


def _group(named: Named, unsure: Flags, name: str, rows: Flags) -> Group:
    """The photos that `rows` (N,) marks."""
    faces = rows[named.found]
    said = np.bincount(named.said[faces], minlength=len(named.classes))
    n_photos, n_faces = int(rows.sum()), int(faces.sum())
    return Group(
        name=name,
        n_photos=n_photos,
        n_faces=n_faces,
        not_found=share(n_photos - n_faces, n_photos),
        distribution=tuple(share(int(n), n_faces) for n in said),
        confidence=_mean(named.confidence[faces]),
        unsure=share(int(unsure[faces].sum()), n_faces),
        distance=None,
        agreements=tuple(_agreement(one, faces, len(named.classes)) for one in named.twice),
    )


def _agreement(twice: Twice, faces: Flags, n_classes: int) -> Agreement:
    counts = table(twice.first[faces], twice.second[faces], (n_classes, n_classes))
    return Agreement(twice.name, share(int(np.trace(counts)), int(counts.sum())), kappa_estimate(counts))


def _spread(rate: str, names: Sequence[str], members: Numbered, hit: Flags) -> Spread | None:
    n = np.bincount(members, minlength=len(names))
    hits = np.bincount(members[hit], minlength=len(names))
    return spread(rate, names, hits.tolist(), n.tolist())


def _mean(shares: Numbers) -> Estimate:
    """With the normal 95 % interval, within 0..1; all of it for fewer than two faces."""
    if len(shares) < 2:
        return Estimate(float(shares[0]) if len(shares) else float("nan"), 0.0, 1.0)
    mean, half = float(shares.mean()), Z_95 * float(shares.std(ddof=1)) / len(shares) ** 0.5
    return Estimate(mean, max(0.0, mean - half), min(1.0, mean + half))
