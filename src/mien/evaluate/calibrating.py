"""From embeddings of known people to a calibration, and from several calibrations to the worst of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from mien.decide.calibration import Calibration, ErrorRate, GroupRate, Knot, MissRate
from mien.errors import CalibrationError
from mien.evaluate.curve import FmrCurve
from mien.evaluate.resample import ImpostorTail, Numbers, draws_of_people, interval
from mien.evaluate.scores import genuine_pairs, impostor_pairs, n_impostor_pairs, n_people_pairs
from mien.evaluate.templates import Templates

# Fewer people say nothing about rates that anyone would ask for.
FEWEST_PEOPLE: Final = 50
# From here on, no error among all pairs of people supports an FMR of 1e-4 (rule of 3), as FIDO's practice has it.
ENOUGH_PEOPLE: Final = 246
# From here on, an FMR of 1e-4 is counted (rule of 30).
COUNTING_PEOPLE: Final = 776
REFERENCE_FMRS: Final = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
GROUP_FMRS: Final = (1e-2, 1e-3, 1e-4)
GROUP_POINTS: Final = 2


def calibrate(templates: Templates, source: str, notes: tuple[str, ...] = ()) -> Calibration:
    """Build the calibration of one set of people; `source` says in words what photos they are.

    Raises CalibrationError for fewer than 50 people. Fewer than 246 make an indicative calibration.
    """
    if templates.n_people < FEWEST_PEOPLE:
        raise CalibrationError(
            f"{templates.n_people} people are too few for a calibration.",
            f"{FEWEST_PEOPLE} make an indicative one; {ENOUGH_PEOPLE} support a false match rate of 1e-4 if no error is"
            f" seen, {COUNTING_PEOPLE} let it be counted.",
        )
    curve = FmrCurve(templates)
    knots = curve.knots()
    return Calibration(
        id=_id(templates.model, knots),
        model=templates.model,
        source=source,
        domain="photos like these",
        n_people=templates.n_people,
        n_images=len(templates.people),
        n_impostor_pairs=n_impostor_pairs(templates),
        knots=knots,
        tail=curve.tail(),
        indicative=templates.n_people < ENOUGH_PEOPLE,
        notes=notes,
    )


def worst_of(calibrations: Sequence[Calibration]) -> Calibration:
    """At every score the largest FMR that any of the calibrations gives, down to where one of them no longer answers.

    For decisions on photos of which only one thing is known: that they resemble some of these sets. People, images and
    pairs are the sums. Raises CalibrationError where they are for different models.
    """
    first = calibrations[0]
    if any(one.model != first.model for one in calibrations):
        raise CalibrationError("Calibrations of different models cannot be joined.", "Build each with one embedder.")
    knots = tuple(_worst_knots(calibrations))
    return Calibration(
        id=_id(first.model, knots),
        model=first.model,
        source=" and ".join(one.source for one in calibrations),
        domain="photos like these, at each score the worse set",
        n_people=sum(one.n_people for one in calibrations),
        n_images=sum(one.n_images for one in calibrations),
        n_impostor_pairs=sum(one.n_impostor_pairs for one in calibrations),
        knots=knots,
        groups=tuple(group for one in calibrations for group in one.groups),
        indicative=all(one.indicative for one in calibrations),
        notes=tuple(note for one in calibrations for note in one.notes),
    )


def _id(model: str, knots: tuple[Knot, ...]) -> str:
    """The embedder's name and a digest of the curve: another curve never has the same id."""
    return f"{model.partition('@')[0]}-{hashlib.sha256(repr(knots).encode()).hexdigest()[:8]}"


def _worst_knots(calibrations: Sequence[Calibration]) -> list[Knot]:
    knots: list[Knot] = []
    for score in sorted({knot.score for one in calibrations for knot in one.knots}):
        rates = [one.fmr(score) for one in calibrations]
        worst = max(range(len(rates)), key=lambda i: rates[i].value)
        if score > calibrations[worst].knots[-1].score:
            break
        low, high = max(rate.low for rate in rates), max(rate.high for rate in rates)
        value = min(rates[worst].value, knots[-1].fmr.value if knots else 1.0)
        knots.append(Knot(score, ErrorRate(value, min(low, value), max(high, value), rates[worst].extrapolated)))
    return knots


def with_groups(
    calibration: Calibration, groups: Mapping[str, Templates], left_out: Mapping[str, Templates]
) -> Calibration:
    """The calibration with the FMR among each group's own pairs, at two of its thresholds.

    They are those for the smallest of 1e-2, 1e-3 and 1e-4 that are counted. left_out: groups that the calibration does
    not count, so that it can say what it does not hold for.
    """
    counted = [fmr for fmr in GROUP_FMRS if fmr >= calibration.smallest_counted_fmr]
    rates = [
        GroupRate(name, asked, calibration.threshold(asked), within, n_impostor_pairs(members), rate)
        for asked in counted[-GROUP_POINTS:]
        for within, some in ((True, groups), (False, left_out))
        for name, members in some.items()
        if members.n_people > 1
        for rate in [_fmr_at(members, calibration.threshold(asked))]
    ]
    return replace(calibration, groups=(*calibration.groups, *rates))


def grouped(templates: Templates, groups: Sequence[str]) -> dict[str, Templates]:
    """Templates by group; `groups` (N,) names each image's."""
    labels = np.array(groups)
    return {str(name): templates.of_images(labels == name) for name in np.unique(labels)}


def _fmr_at(templates: Templates, threshold: float) -> ErrorRate:
    tail = ImpostorTail(templates, impostor_pairs(templates, threshold))
    thresholds = np.array([threshold])
    counted = tail.rates(thresholds, np.ones(templates.n_people))[0]
    draws = draws_of_people(templates.n_people)
    return interval(
        np.array([tail.rates(thresholds, draw)[0] for draw in draws]), float(counted), n_people_pairs(templates)
    )


def with_misses(calibration: Calibration, templates: Templates) -> Calibration:
    """The calibration with the FNMR over all pairs of images of one person, at its thresholds for 1e-2 to 1e-6."""
    pairs = genuine_pairs(templates)
    people = templates.people[pairs.first]
    if not len(people):
        return calibration
    asked = [fmr for fmr in REFERENCE_FMRS if fmr >= calibration.smallest_fmr]
    missed: Numbers = np.stack([pairs.scores < calibration.threshold(fmr) for fmr in asked]).astype(np.float64)
    n_people = len(np.unique(people))
    draws = draws_of_people(templates.n_people)
    replicates = np.array([missed @ draw[people] / max(draw[people].sum(), 1) for draw in draws])
    rates = [
        MissRate(fmr, interval(values, float(counted), n_people))
        for fmr, values, counted in zip(asked, replicates.T, missed.mean(axis=1), strict=True)
    ]
    return replace(calibration, misses=tuple(rates))
