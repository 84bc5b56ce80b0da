"""The doctor: which templates of a gallery are wrong, poor or superfluous, and which people are hard to tell apart?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from mien.decide.calibration import Calibration, ErrorRate
from mien.face import Floats
from mien.gallery.people import Template
from mien.record import Record

Kind = Literal["mislabelled", "duplicate_person", "poisoned", "duplicate_template", "low_quality", "confusable"]
ROWS: Final = 512
# Photos of one person as alike as this are one photo, stored twice or encoded anew.
SAME_PHOTO: Final = 0.97
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Finding(Record):
    """One thing to look at. reason: in plain words; names are ids, which the caller may replace.

    score: the cosine that is meant, or the quality for `low_quality`. fmr: the false match rate of that cosine, where
    it speaks for two faces being of one person; None where it speaks against.
    """

    kind: Kind
    person_id: str
    template_id: int | None
    other_id: str | None
    score: float
    fmr: ErrorRate | None
    reason: str


@dataclass(frozen=True, slots=True)
class DoctorPolicy(Record):
    """What the doctor calls a fault.

    match_fmr: from the score for this false match rate on, two templates are held for one person's. stranger_fmr:
    below the score for this rate, two templates are held for two people's. chance: how many pairs of different people
    may be called one person by chance in the whole gallery; chance_of_several: how many strangers a template may be
    like by chance. min_quality: 0..100. limit: findings of a kind, the most
    striking first.
    """

    match_fmr: float = 1e-4
    stranger_fmr: float = 1e-2
    chance: float = 0.5
    chance_of_several: float = 0.05
    min_quality: float = 50.0
    limit: int = 1000


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Every template beside its person. own: cosine with the closest of the person's others, NaN where there is none.

    rivals: for each template the closest other people at or over the match threshold, the closest first.
    """

    templates: tuple[Template, ...]
    owner: Indices
    own: Floats
    twin: Indices
    rivals: tuple[tuple[tuple[int, float], ...], ...]


def examine(
    people: Mapping[str, Sequence[Template]], calibration: Calibration, policy: DoctorPolicy | None = None
) -> tuple[Finding, ...]:
    """Look at every template with itself left out, and at every pair of people.

    people: by person id. Findings come by kind in the order of `Kind`, the most striking first. Every template is
    compared with every other: a million pairs take about 10 ms on one core, so that 10,000 templates take a second,
    50,000 half a minute, and 1,000,000 three hours; memory is 512 floats a template. Raises CalibrationError where the
    calibration does not support the policy's rates.
    """
    policy = policy or DoctorPolicy()
    ids = tuple(people)
    rows = _rows(people, calibration.threshold(policy.match_fmr))
    if not rows.templates:
        return ()
    examination = _Examination(ids, rows, calibration, policy)
    wrong = {place for place in range(len(rows.templates)) if examination.is_wrong(place)}
    pairs = list(examination.pairs(wrong))
    mislabelled, poisoned = examination.wrong(wrong)
    kinds = (
        mislabelled,
        [one for one in pairs if one.kind == "duplicate_person"],
        poisoned,
        examination.twins(),
        examination.poor(),
        [one for one in pairs if one.kind == "confusable"],
    )
    return tuple(finding for kind in kinds for finding in kind[: policy.limit])


class _Examination:
    """The findings of one gallery, kind by kind."""

    def __init__(self, ids: tuple[str, ...], rows: _Rows, calibration: Calibration, policy: DoctorPolicy) -> None:
        self._ids, self._rows, self._calibration, self._policy = ids, rows, calibration, policy
        self._stranger = calibration.threshold(policy.stranger_fmr)
        self._match = calibration.threshold(policy.match_fmr)
        self._n_pairs = len(ids) * (len(ids) - 1) / 2
        self._duplicate = self._threshold(policy.chance / max(self._n_pairs, 1.0))
        self._several = self._threshold(policy.chance_of_several / len(ids))
        # Means are over the templates that are like at least one other of their person, or are the only one.
        vectors = np.stack([one.vector for one in rows.templates])
        fits = ~(rows.own < self._stranger)
        self._sums = np.zeros((len(ids), vectors.shape[1]), np.float32)
        np.add.at(self._sums, rows.owner[fits], vectors[fits])
        self._counts = np.bincount(rows.owner[fits], minlength=len(ids))

    def _threshold(self, fmr: float) -> float:
        lowest, highest = self._calibration.smallest_fmr, self._policy.match_fmr
        return self._calibration.threshold(min(max(fmr, lowest), highest))

    def is_wrong(self, place: int) -> bool:
        """Whether a template does not fit its own person.

        It is like none of the person's others; or like two other people; or on the whole liker to somebody else. The
        whole counts, not the closest: a good template is like a copy of its face that was filed under a wrong name.
        """
        own, rivals = float(self._rows.own[place]), self._rows.rivals[place]
        if own < self._stranger or self._several_people(place):
            return True
        if np.isnan(own) or not rivals:
            return False
        vector, mine = self._rows.templates[place].vector, int(self._rows.owner[place])
        rest = (self._sums[mine] - vector) / (self._counts[mine] - 1)
        rival = self._mean(rivals[0][0])
        # Where the rest of the person is like the rival too, the two are one person, and no template is wrong.
        return bool(rival @ vector > rest @ vector and rival @ rest < self._match)

    def _mean(self, person: int) -> Floats:
        """(D,) the mean of a person's templates; zero where none fits."""
        return np.asarray(self._sums[person] / max(1, int(self._counts[person])), np.float32)

    def _several_people(self, place: int) -> list[tuple[int, float]]:
        """The people whom a template is like as a whole, where one would do: not its own, and not like each other."""
        rivals = [(other, score) for other, score in self._rows.rivals[place] if score >= self._several]
        found = self._strangers_to_each_other(
            [one for one in rivals if self._mean(one[0]) @ self._rows.templates[place].vector >= self._match]
        )
        return found if len(found) > 1 else []

    def wrong(self, places: set[int]) -> tuple[list[Finding], list[Finding]]:
        """Mislabelled ones, which are like one other person, and poisoned ones, which are like several or nobody."""
        mislabelled, poisoned = [], []
        for place in sorted(places):
            own, rivals = float(self._rows.own[place]), self._rows.rivals[place]
            among = f"its closest of the person's other templates has {own:.3f}" if own == own else "it is the only one"
            several = self._several_people(place)
            if several:
                who = ", ".join(f"{self._ids[other]} ({score:.3f})" for other, score in several[:4])
                text = f"It is like several people who are not like each other: {who}; {among}."
                poisoned.append(self._finding("poisoned", place, several[0][0], several[0][1], text))
            elif rivals:
                other, score = rivals[0]
                text = f"It is liker to {self._ids[other]} ({score:.3f}, false match rate {self._fmr(score)}): {among}."
                mislabelled.append(self._finding("mislabelled", place, other, score, text))
            else:
                text = f"It is like none of its own person: {among}, where strangers reach {self._stranger:.3f}."
                poisoned.append(self._finding("poisoned", place, None, own, text))
        return sorted(mislabelled, key=lambda one: -one.score), sorted(poisoned, key=lambda one: -one.score)

    def pairs(self, wrong: set[int]) -> Iterator[Finding]:
        """Two people who are one, or hard to tell apart: by the templates that fit their own person."""
        found = {
            (min(int(self._rows.owner[place]), other), max(int(self._rows.owner[place]), other))
            for place, rivals in enumerate(self._rows.rivals)
            if place not in wrong
            for other, _ in rivals
        }
        scored = [(pair, self._fitting(pair[0], wrong) @ self._fitting(pair[1], wrong).T) for pair in found]
        ranked = sorted(
            ((-float(scores.max()), pair, scores) for pair, scores in scored if scores.size), key=lambda one: one[:2]
        )
        for negative, (first, second), scores in ranked:
            score, fmr = -negative, self._fmr(-negative)
            if score < self._match:
                continue
            chance = f"about {fmr.value * self._n_pairs:.2g} such pairs are to be expected by chance in this gallery"
            text = f"{self._ids[first]} and {self._ids[second]} score {score:.3f} (false match rate {fmr}; {chance})"
            same = score >= self._duplicate and float(np.median(scores)) >= self._match
            end = ": one person, enrolled twice?" if same else ": hard to tell apart."
            kind: Kind = "duplicate_person" if same else "confusable"
            yield Finding(kind, self._ids[first], None, self._ids[second], score, fmr, text + end)

    def _fitting(self, person: int, wrong: set[int]) -> Floats:
        """(T, D): a person's templates that fit the person."""
        first, last = np.searchsorted(self._rows.owner, [person, person + 1])
        kept = [self._rows.templates[place].vector for place in range(first, last) if place not in wrong]
        return np.stack(kept) if kept else np.empty((0, len(self._rows.templates[0].vector)), np.float32)

    def twins(self) -> list[Finding]:
        """Templates of one person that add nothing to an earlier one."""
        found = []
        for place, own in enumerate(self._rows.own):
            twin = int(self._rows.twin[place])
            if own >= SAME_PHOTO and (twin < place or self._rows.own[twin] < own):
                text = f"It is as good as a copy of template {self._rows.templates[twin].id} ({own:.3f})."
                found.append(self._finding("duplicate_template", place, None, float(own), text))
        return sorted(found, key=lambda one: -one.score)

    def poor(self) -> list[Finding]:
        """Templates whose photo was too poor; those of unknown quality have no say."""
        found = []
        for place, template in enumerate(self._rows.templates):
            if template.quality < self._policy.min_quality:
                text = f"Its quality is {template.quality:.0f} of 100, {self._policy.min_quality:.0f} is asked for."
                found.append(self._finding("low_quality", place, None, template.quality, text))
        return sorted(found, key=lambda one: one.score)

    def _strangers_to_each_other(self, rivals: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
        """The rivals that are not like any closer one: somebody enrolled under three names counts once."""
        kept: list[tuple[int, float]] = []
        for other, score in rivals:
            mine = self._vectors(other)
            if all(float((mine @ self._vectors(one).T).max()) < self._stranger for one, _ in kept):
                kept.append((other, score))
        return kept

    def _vectors(self, person: int) -> Floats:
        """(T, D): a person's templates."""
        first, last = np.searchsorted(self._rows.owner, [person, person + 1])
        return np.stack([one.vector for one in self._rows.templates[first:last]])

    def _fmr(self, score: float) -> ErrorRate:
        return self._calibration.fmr(score)

    def _finding(self, kind: Kind, place: int, other: int | None, score: float, reason: str) -> Finding:
        template = self._rows.templates[place]
        person, rival = self._ids[self._rows.owner[place]], None if other is None else self._ids[other]
        return Finding(kind, person, template.id, rival, score, None if other is None else self._fmr(score), reason)


def _rows(people: Mapping[str, Sequence[Template]], match: float) -> _Rows:
    """Every template against all, block by block: N templates never need N x N floats at once."""
    templates = tuple(template for some in people.values() for template in some)
    sizes = [len(some) for some in people.values()]
    owner = np.repeat(np.arange(len(sizes)), sizes)
    own, twin = np.full(len(templates), np.nan, np.float32), np.full(len(templates), -1, np.intp)
    rivals: list[tuple[tuple[int, float], ...]] = []
    vectors = np.stack([one.vector for one in templates]) if templates else np.empty((0, 1), np.float32)
    for start in range(0, len(templates), ROWS):
        scores = np.clip(vectors[start : start + ROWS] @ vectors.T, -1, 1)
        for row, line in enumerate(scores, start):
            first, last = np.searchsorted(owner, [owner[row], owner[row] + 1])
            line[row] = -2
            if last - first > 1:
                twin[row] = first + int(np.argmax(line[first:last]))
                own[row] = line[twin[row]]
            line[first:last] = -2
            rivals.append(_closest_people(line, owner, match))
    return _Rows(templates, owner, own, twin, tuple(rivals))


def _closest_people(line: Floats, owner: Indices, match: float) -> tuple[tuple[int, float], ...]:
    """People with a score at or over `match` in one row of scores, with their highest, the closest first."""
    over = np.flatnonzero(line >= match)
    best: dict[int, float] = {}
    for place in over[np.argsort(-line[over], kind="stable")]:
        best.setdefault(int(owner[place]), float(line[place]))
    return tuple(best.items())
