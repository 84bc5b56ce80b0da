"""Identification measured, open-set 1:N by protocol: who of the enrolled is missed, which stranger is called somebody?

The gallery's own index, threshold and decision are used, so that what is measured is what `mien gallery identify` does.
Figures: ISO/IEC 19795-1:2021, false negative and false positive identification rate (FNIR and FPIR).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.decide.calibration import Calibration, ErrorRate
from mien.errors import DataError
from mien.evaluate.resample import Numbers, draws_of_people, interval
from mien.evaluate.templates import Templates
from mien.face import Floats
from mien.gallery.fpir import OpenSet
from mien.gallery.identify import DEFAULT_FPIR, Identification, Identifier, IdentifyPolicy, Who, leave_one_out
from mien.gallery.live import MOST_LEFT_OUT
from mien.gallery.search.index import Index, Labels
from mien.record import Record

NOT_ENROLLED: Final = "people who are not enrolled"
NAMED, NO_FACE, OTHER_CLOSER, BELOW, TOO_CLOSE = range(5)
Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class OpenSetProtocol:
    """sizes: how many people are enrolled. fpir: the rate asked for, 0..1. draws: galleries at each size, by `seed`."""

    sizes: tuple[int, ...] = (100, 1000)
    fpir: float = DEFAULT_FPIR
    draws: int = 1
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Misses(Record):
    """How many probes of enrolled people were not answered with their name, each by the first of these that applies.

    no_face: the photo gave no embedding. other_closer: another person of the gallery is the closest (a rank-1 error).
    below: the score does not reach the threshold. too_close: two people reach it and are too close to each other.
    """

    no_face: int
    other_closer: int
    below: int
    too_close: int


@dataclass(frozen=True, slots=True)
class StrangersFound(Record):
    """Strangers of one source; counts are sums over the galleries.

    fpir: the share of the searches that bring somebody at or over the threshold; 95 %, people resampled. holds: whether
    the rate asked for lies within that interval or over it. n_no_face: photos that gave no embedding, in no rate.
    """

    source: str
    n_searches: int
    n_people: int
    n_no_face: int
    fpir: ErrorRate
    holds: bool


@dataclass(frozen=True, slots=True)
class DrawnGallery(Record):
    """One gallery. promised: the FPIR that it states at its threshold. own_factor: as `OpenSet`. fpir: by source."""

    seed: int
    threshold: float
    promised: ErrorRate
    own_factor: float
    fnir: float
    fpir: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class AtSize(Record):
    """All galleries of one size together; counts are sums over them.

    fnir: the share of the probes of enrolled people that are not answered with the right name; 95 %, people resampled.
    rank_1_errors: the share whose closest person is another, whatever the threshold, or that gave no embedding.
    """

    n_people: int
    n_mated: int
    n_probes: int
    fnir: ErrorRate
    rank_1_errors: ErrorRate
    misses: Misses
    strangers: tuple[StrangersFound, ...]
    galleries: tuple[DrawnGallery, ...]


@dataclass(frozen=True, slots=True)
class IdentificationReport(Record):
    """A whole run. n_photos and n_people: of the folder of people; n_not_enrolled: people of whom no photo has a face.

    based_on: what the promised rates rest on, for the largest gallery.
    """

    model: str
    calibration_id: str
    based_on: str
    asked_fpir: float
    n_photos: int
    n_people: int
    n_no_face: int
    n_not_enrolled: int
    sizes: tuple[AtSize, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _People:
    """The folder of people by name. rows: their templates; lost: how many more photos of each gave no embedding."""

    rows: tuple[Indices, ...]
    lost: Indices
    vectors: Floats

    @classmethod
    def of(cls, people: Templates) -> _People:
        """By the folders that the photos lie in, in the order of their names."""
        found = np.array([path.parent.name for path in people.paths])
        lost = [one.path.parent.name for one in people.missing]
        names = sorted({*found.tolist(), *lost})
        rows = tuple(np.flatnonzero(found == name) for name in names)
        return cls(rows, np.array([lost.count(name) for name in names]), people.vectors)

    def drawn(self, size: int, seed: int) -> tuple[Indices, Indices]:
        """Who is enrolled, (size,), and the row of the photo of each. Raises DataError where they are too few."""
        random = np.random.default_rng(seed)
        counts = np.array([len(rows) for rows in self.rows])
        mated, single = (
            np.flatnonzero((counts > 0) & more) for more in (counts + self.lost > 1, counts + self.lost == 1)
        )
        people = np.concatenate([random.permutation(mated), random.permutation(single)])[:size]
        if not len(mated):
            raise DataError("Nobody has two photos, so that nobody can be missed.", "Give people with two or more.")
        if len(people) < size:
            raise DataError(f"Of {size:,} people asked for, {len(people):,} can be enrolled.", "Ask for fewer.")
        return people, np.array([random.choice(self.rows[one]) for one in people])


@dataclass(frozen=True, slots=True, eq=False)
class _Strangers:
    """vectors: (S, D). people: (S,) whom each shows. n_no_face: photos without an embedding."""

    vectors: Floats
    people: Indices
    n_no_face: int


@dataclass(frozen=True, slots=True, eq=False)
class _Outcome:
    """What became of the probes of one gallery.

    people: (P,) whom each probe shows. kinds: (P,) what became of it: NAMED, NO_FACE and so on. strangers: by source,
    with (S,) whether somebody was at or over the threshold.
    """

    gallery: DrawnGallery
    people: Indices
    kinds: Indices
    strangers: Mapping[str, tuple[_Strangers, Flags]]
    based_on: str


def evaluate_identification(
    people: Templates, strangers: Mapping[str, Templates], calibration: Calibration, protocol: OpenSetProtocol
) -> IdentificationReport:
    """Enrol people with one photo each, then search for their other photos and for strangers.

    people: of a folder of people, so that each path's folder names who it shows, missing photos too. Who has several
    photos is drawn first, and people with a single one fill the gallery up. Those of `people` who are not enrolled are
    strangers, and so are `strangers`, by source. Raises DataError where there are fewer people than a gallery needs,
    nobody to search for, or no stranger, and CalibrationError where the rate is not supported at a size.
    """
    known = _People.of(people)
    others = {source: _Strangers(some.vectors, some.people, len(some.missing)) for source, some in strangers.items()}
    seeds = range(protocol.seed, protocol.seed + protocol.draws)
    runs = {
        size: [_search(known, others, calibration, protocol.fpir, (size, seed)) for seed in seeds]
        for size in protocol.sizes
    }
    return IdentificationReport(
        model=people.model,
        calibration_id=calibration.id,
        based_on=runs[max(runs)][0].based_on,
        asked_fpir=protocol.fpir,
        n_photos=len(people.paths) + len(people.missing),
        n_people=len(known.rows),
        n_no_face=len(people.missing),
        n_not_enrolled=sum(not len(rows) for rows in known.rows),
        sizes=tuple(_at_size(size, run, protocol.fpir) for size, run in runs.items()),
    )


def _search(
    known: _People, strangers: Mapping[str, _Strangers], calibration: Calibration, fpir: float, draw: tuple[int, int]
) -> _Outcome:
    """One gallery; draw: its size and seed."""
    size, seed = draw
    enrolled, rows = known.drawn(size, seed)
    ask = _identifier(enrolled, known.vectors[rows], calibration, fpir)
    sources = {NOT_ENROLLED: _not_enrolled(known, enrolled)} | dict(strangers)
    found = {source: (some, _somebody(ask, some.vectors)) for source, some in sources.items() if len(some.vectors)}
    if not found:
        raise DataError("There is no stranger to search for.", "Enrol fewer people, or give photos with --strangers.")
    people, kinds = _mated(ask, known, enrolled, rows)
    open_set = ask.open_set
    assert open_set is not None
    threshold = open_set.threshold(fpir)
    gallery = DrawnGallery(
        seed=seed,
        threshold=threshold,
        promised=open_set.fpir(threshold),
        own_factor=open_set.own_factor,
        fnir=float((kinds != NAMED).mean()),
        fpir={source: float(flags.mean()) for source, (_, flags) in found.items()},
    )
    return _Outcome(gallery, people, kinds, found, open_set.based_on)


def _identifier(enrolled: Indices, vectors: Floats, calibration: Calibration, fpir: float) -> Identifier:
    """As a gallery makes it: the index, the people left out in turn, the threshold."""
    names, count = [str(one) for one in enrolled.tolist()], len(enrolled)
    index = Index(vectors.shape[1])
    index.put_many(names, [Labels()] * count, np.ones(count, np.int64), np.arange(count), vectors)
    some = list(zip(names, vectors[:, None], strict=True))[:MOST_LEFT_OUT]
    open_set = OpenSet(calibration, count, 1.0, leave_one_out(index, some, count))
    return Identifier(index, open_set, calibration.model, IdentifyPolicy(fpir))


def _mated(ask: Identifier, known: _People, enrolled: Indices, rows: Indices) -> tuple[Indices, Indices]:
    """(P,) whom each probe shows and what became of it: every photo of the enrolled but the enrolled one."""
    probes = [known.rows[one][known.rows[one] != row] for one, row in zip(enrolled, rows, strict=True)]
    people = np.repeat(enrolled, [len(some) for some in probes])
    answers = ask(known.vectors[np.concatenate(probes)]) if len(people) else []
    kinds = [_kind(answer, str(person)) for person, answer in zip(people.tolist(), answers, strict=True)]
    lost = np.repeat(enrolled, known.lost[enrolled])
    return np.concatenate([people, lost]), np.array([*kinds, *[NO_FACE] * len(lost)], np.intp)


def _kind(answer: Identification, person: str) -> int:
    if answer.candidates[0].person_id != person:
        return OTHER_CLOSER
    if answer.answer is Who.PERSON:
        return NAMED
    return BELOW if answer.answer is Who.UNKNOWN else TOO_CLOSE


def _not_enrolled(known: _People, enrolled: Indices) -> _Strangers:
    left = np.setdiff1d(np.arange(len(known.rows)), enrolled)
    rows = [known.rows[one] for one in left]
    people = np.repeat(left, [len(some) for some in rows])
    every = np.concatenate(rows) if rows else np.empty(0, np.intp)
    return _Strangers(known.vectors[every], people, int(known.lost[left].sum()))


def _somebody(ask: Identifier, vectors: Floats) -> Flags:
    """(S,) whether somebody is at or over the threshold; an answer between two people counts."""
    found = [(one.score, one.threshold) for one in ask(vectors)]
    return np.array([score is not None and line is not None and score >= line for score, line in found], np.bool_)


def _at_size(size: int, run: Sequence[_Outcome], asked: float) -> AtSize:
    people, kinds = (np.concatenate([getattr(one, name) for one in run]) for name in ("people", "kinds"))
    counts = np.bincount(kinds, minlength=TOO_CLOSE + 1).tolist()
    return AtSize(
        n_people=size,
        n_mated=len(np.unique(people)),
        n_probes=len(people),
        fnir=_rate(people, kinds != NAMED),
        rank_1_errors=_rate(people, (kinds == NO_FACE) | (kinds == OTHER_CLOSER)),
        misses=Misses(*counts[1:]),
        strangers=tuple(
            _strangers(source, run, asked) for source in dict.fromkeys(s for one in run for s in one.strangers)
        ),
        galleries=tuple(one.gallery for one in run),
    )


def _strangers(source: str, run: Sequence[_Outcome], asked: float) -> StrangersFound:
    some = [one.strangers[source] for one in run if source in one.strangers]
    people = np.concatenate([strangers.people for strangers, _ in some])
    fpir = _rate(people, np.concatenate([flags for _, flags in some]))
    return StrangersFound(
        source=source,
        n_searches=len(people),
        n_people=len(np.unique(people)),
        n_no_face=sum(strangers.n_no_face for strangers, _ in some),
        fpir=fpir,
        holds=fpir.low <= asked,
    )


def _rate(people: Indices, happened: Flags) -> ErrorRate:
    """The share of searches, with its interval by drawing people, each with all searches in all galleries."""
    own = np.unique(people, return_inverse=True)[1]
    trials, events = np.bincount(own).astype(np.float64), np.bincount(own, weights=happened)
    drawn: Numbers = np.array([draw @ events / (draw @ trials) for draw in draws_of_people(len(trials))])
    return interval(drawn, float(events.sum() / trials.sum()), len(trials))
