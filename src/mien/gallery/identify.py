"""One to many: which person of the gallery is this, or nobody, at the false positive identification rate asked for?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from mien.decide.calibration import ErrorRate
from mien.decide.verify import Uncalibrated
from mien.errors import CalibrationError
from mien.face import Floats
from mien.gallery.fpir import LeftOut, OpenSet, OwnPeople, own_people
from mien.gallery.people import Negative, PastAnswer
from mien.record import Record

if TYPE_CHECKING:
    from mien.gallery.search.labels import Filter

DEFAULT_FPIR: Final = 0.01
# Beyond the people asked for, so that those whom a correction rules out do not leave the answer short.
SPARE: Final = 8
LEFT_OUT_AT_ONCE: Final = 256


class Hit(Protocol):
    """One person found: `scores` (T,) of all the person's templates, `best` the highest of them."""

    @property
    def person(self) -> str:
        """The person's id."""
        ...

    @property
    def best(self) -> float:
        """The cosine with the closest template, -1..1."""
        ...


class Search(Protocol):
    """What finds people; `mien.gallery.search.index.Index` does."""

    def search(self, probes: Floats, k: int = 10, keep: Filter | None = None) -> Sequence[Sequence[Hit]]:
        """For each probe of (P, D) the k closest people, the closest first."""
        ...

    def __len__(self) -> int:
        """How many templates there are."""
        ...


class Who(StrEnum):
    """What an identification can say."""

    PERSON = "person"
    UNKNOWN = "unknown"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Candidate(Record):
    """One of the people found.

    fpir: of calling this score a person. not_this: a correction says that the face is somebody else's.
    """

    person_id: str
    score: float
    fpir: ErrorRate | Uncalibrated
    not_this: bool = False


@dataclass(frozen=True, slots=True)
class Identification(Record):
    """Who a probe shows, and what that rests on.

    score: the cosine with the closest template of the best candidate that no correction rules out, -1..1; None where
    nobody could be compared. threshold: what it was held against. fpir: the share of strangers that would be called a
    person, were this score enough. margin: to the next person; None where there is no other. candidates: as many as
    were asked for, the closest first, those that a correction rules out included. reasons: for a person, never empty.
    """

    answer: Who
    person_id: str | None
    score: float | None
    threshold: float | None
    fpir: ErrorRate | Uncalibrated | None
    asked_fpir: float
    margin: float | None
    candidates: tuple[Candidate, ...]
    calibration_id: str | None
    based_on: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IdentifyPolicy(Record):
    """fpir: the false positive identification rate asked for, 0..1.

    margin: two people who both reach the threshold and lie closer together than this leave it open which of them it is.
    negative_fmr: the false match rate at which a probe counts as the face of a correction.
    """

    fpir: float = DEFAULT_FPIR
    margin: float = 0.05
    negative_fmr: float = 1e-4


@dataclass(frozen=True, slots=True)
class Replayed(Record):
    """A past answer that a correction would change, and what it would become."""

    answer: PastAnswer
    now: Identification


@dataclass(frozen=True, slots=True)
class _Line:
    """What the scores of a batch are held against; threshold None where nobody is enrolled."""

    open_set: OpenSet | None
    threshold: float | None
    extrapolated: bool

    @property
    def cautions(self) -> tuple[str, ...]:
        found = []
        if self.extrapolated:
            found.append("The threshold is extrapolated: neither calibration nor gallery counts so small a rate.")
        if self.open_set and self.open_set.calibration.indicative:
            people = self.open_set.calibration.n_people
            found.append(f"The calibration is indicative only: it rests on {people:,} people.")
        return tuple(found)


@dataclass(frozen=True)
class Identifier:
    """Answers from one index. Holds nothing that changes: make a new one when the gallery does.

    open_set: None where no calibration is for the embedder; every answer is inconclusive then. negatives: by person id,
    (K, D) float32 of unit length, the probes that are said not to be that person. model: `Embedding.model`.
    """

    index: Search
    open_set: OpenSet | None
    model: str
    policy: IdentifyPolicy = IdentifyPolicy()
    negatives: Mapping[str, Floats] = field(default_factory=dict)

    def __call__(
        self,
        probes: Floats,
        top: int = 1,
        keep: Filter | None = None,
        n_people: int | None = None,
        doubts: Sequence[tuple[str, ...]] = (),
    ) -> list[Identification]:
        """Who each probe shows; probes (P, D) float32 of unit length are searched in one batch.

        top: how many candidates each answer lists. keep: whom to search. n_people: how many people pass `keep`, where
        that is known; the whole gallery's size, which is on the safe side, where it is not. doubts: for each probe what
        speaks against deciding on it, such as too poor a quality; an answer with doubts is inconclusive. Raises
        CalibrationError where the rate asked for is below what calibration and gallery support at this size.
        """
        line = self._line(n_people)
        found = self.index.search(probes, max(top, 2) + (SPARE if self.negatives else 0), keep)
        doubted = doubts or [()] * len(probes)
        return [
            self._answer(probe, hits, line, top, why) for probe, hits, why in zip(probes, found, doubted, strict=True)
        ]

    def replay(self, answers: Iterable[PastAnswer], negative: Negative, keep: Filter | None = None) -> list[Replayed]:
        """The past answers that `negative` would change, were it stored; only those that named its person can.

        Each is asked anew twice, without and with it, so that other changes of the gallery since do not count.
        """
        named = [answer for answer in answers if answer.person_id == negative.person_id]
        if not named:
            return []
        probes = np.stack([answer.vector for answer in named])
        before, after = self(probes, keep=keep), self.with_negative(negative)(probes, keep=keep)
        return [
            Replayed(answer, new)
            for answer, old, new in zip(named, before, after, strict=True)
            if (old.answer, old.person_id) != (new.answer, new.person_id)
        ]

    def with_negative(self, negative: Negative) -> Identifier:
        """The same with one more correction."""
        have = self.negatives.get(negative.person_id)
        rows = negative.vector[None] if have is None else np.vstack([have, negative.vector])
        return replace(self, negatives={**self.negatives, negative.person_id: rows})

    def _line(self, n_people: int | None) -> _Line:
        """What scores are held against, once for all probes of a batch."""
        if self.open_set is None:
            return _Line(None, None, False)
        open_set = self.open_set if n_people is None else self.open_set.at(n_people)
        if open_set.n_people == 0:
            return _Line(open_set, None, False)
        threshold = open_set.threshold(self.policy.fpir)
        return _Line(open_set, threshold, open_set.fpir(threshold).extrapolated)

    def _answer(
        self, probe: Floats, hits: Sequence[Hit], line: _Line, top: int, doubts: tuple[str, ...]
    ) -> Identification:
        wrong = {hit.person for hit in hits if self._ruled_out(probe, hit)}
        left = [hit for hit in hits if hit.person not in wrong]
        best = left[0] if left else None
        answer, reasons = self._decide(left, line)
        reasons += tuple(
            f"{hit.person} would be closer ({hit.best:.3f}), but a correction says that this face is somebody else."
            for hit in hits
            if hit.person in wrong and (best is None or hit.best > best.best)
        )
        if doubts:
            answer, reasons = Who.INCONCLUSIVE, doubts + reasons
        return Identification(
            answer=answer,
            person_id=best.person if best and answer is Who.PERSON else None,
            score=float(best.best) if best else None,
            threshold=line.threshold,
            fpir=self._rate(line, best.best) if best else None,
            asked_fpir=self.policy.fpir,
            margin=float(left[0].best - left[1].best) if len(left) > 1 else None,
            candidates=tuple(
                Candidate(hit.person, float(hit.best), self._rate(line, hit.best), hit.person in wrong)
                for hit in hits[:top]
            ),
            calibration_id=line.open_set.calibration.id if line.open_set else None,
            based_on=line.open_set.based_on if line.open_set else "no calibration",
            reasons=reasons,
        )

    def _rate(self, line: _Line, score: float) -> ErrorRate | Uncalibrated:
        return line.open_set.fpir(float(score)) if line.open_set else Uncalibrated(self.model)

    def _decide(self, left: Sequence[Hit], line: _Line) -> tuple[Who, tuple[str, ...]]:
        if line.open_set is None:
            reason = f"Uncalibrated: no calibration is for {self.model}, so that the score has no known error rate."
            return Who.INCONCLUSIVE, (reason, "`mien calibrate` builds one from a folder of people.")
        if not left or line.threshold is None:
            return Who.UNKNOWN, ("There is nobody to compare with.",)
        over = left[0].best >= line.threshold
        reasons = (
            f"The score {left[0].best:.3f} is {'at or over' if over else 'below'} {line.threshold:.3f}, the threshold"
            f" for a false positive identification rate of {self.policy.fpir:.2g} among"
            f" {line.open_set.n_people:,} {'person' if line.open_set.n_people == 1 else 'people'}.",
            *line.cautions,
        )
        if not over:
            return Who.UNKNOWN, reasons
        if len(left) > 1 and left[1].best >= line.threshold and left[0].best - left[1].best < self.policy.margin:
            which = f"{left[0].person} ({left[0].best:.3f}) and {left[1].person} ({left[1].best:.3f})"
            doubt = f"Two people are too close to each other: {which}. Are they one person, enrolled twice?"
            return Who.INCONCLUSIVE, (*reasons, doubt)
        return Who.PERSON, reasons

    def _ruled_out(self, probe: Floats, hit: Hit) -> bool:
        """Whether the probe is a face that is said not to be this person, and is closer to it than to the person."""
        wrong = self.negatives.get(hit.person)
        if wrong is None or not len(wrong):
            return False
        closest = float((wrong @ probe).max())
        return closest > hit.best and closest >= self._negative_threshold

    @property
    def _negative_threshold(self) -> float:
        """Without a calibration only the very face of the correction counts."""
        if self.open_set is None:
            return 1.0 - 1e-4
        try:
            return self.open_set.calibration.threshold(self.policy.negative_fmr)
        except CalibrationError:
            return self.open_set.calibration.knots[-1].score


def leave_one_out(
    index: Search, people: Sequence[tuple[str, Floats]], n_people: int, keep: Filter | None = None
) -> OwnPeople | None:
    """Search for some of the gallery's own people among the others: what `OpenSet.own` is made of.

    people: ids with all templates (T, D) of each; 3,000 of them count a rate of 1 %, 300 extrapolate to it; more than
    3,000 are seldom worth the time. n_people: how many people the index has (behind `keep`). None for fewer than 50.
    """
    if len(people) < 2:
        return None
    vectors = np.concatenate([rows for _, rows in people])
    owners = [(name, 1 / len(rows)) for name, rows in people for _ in rows]
    found = []
    for start in range(0, len(vectors), LEFT_OUT_AT_ONCE):
        hits = index.search(vectors[start : start + LEFT_OUT_AT_ONCE], 2, keep)
        for (owner, weight), row in zip(owners[start : start + LEFT_OUT_AT_ONCE], hits, strict=True):
            others = [hit for hit in row if hit.person != owner]
            if others:
                found.append(LeftOut(owner, others[0].person, float(others[0].best), weight))
    return own_people(found, n_people - 1)
