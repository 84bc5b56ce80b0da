"""The enrolment gate: is this face fit to enrol, may it be, and is it somebody who is enrolled already?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mien.decide.calibration import Calibration, ErrorRate
from mien.decide.subject import unfit
from mien.errors import EmbeddingMismatch
from mien.face import Embedding, Face, Floats
from mien.gallery.identify import Search
from mien.gallery.people import Consent
from mien.gallery.search.labels import Filter
from mien.gallery.store.records import GalleryPolicy
from mien.gallery.store.rules import check_consent
from mien.record import Record

LOOKALIKES: Final = 5


@dataclass(frozen=True, slots=True)
class Lookalike(Record):
    """Somebody enrolled whom a newcomer resembles.

    score: the cosine with that person's closest template. fmr: the false match rate of calling this score a match.
    by_chance: how many such look-alikes a newcomer would have among all people by chance.
    """

    person_id: str
    score: float
    fmr: ErrorRate
    by_chance: float

    def sentence(self, name: str = "") -> str:
        """For a person: who, how much alike, and what that is worth; `name` is what to call the look-alike."""
        return (
            f"This looks like {name or self.person_id} (score {self.score:.3f}, false match rate {self.fmr}); by chance"
            f" {self.by_chance:.2g} of the people would look as much alike. If it is the same person, add the photos to"
            f" that record."
        )


@dataclass(frozen=True, slots=True)
class Admission(Record):
    """What the gate says about one face. reasons: why it is refused, empty where it is accepted.

    lookalikes: people who it may be already, the closest first; they refuse it unless the caller says otherwise.
    notes: what the operator should know in any case.
    """

    accepted: bool
    reasons: tuple[str, ...]
    lookalikes: tuple[Lookalike, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gate:
    """Judges faces for one gallery. calibration: None where there is none for `model`; duplicates are not sought then.

    n_people: who is enrolled at present. keep: among whom look-alikes are sought, such as one tenant's people.
    """

    policy: GalleryPolicy
    model: str
    calibration: Calibration | None
    index: Search
    n_people: int
    keep: Filter | None = None

    def __call__(
        self,
        face: Face,
        consent: Consent | None,
        now: datetime | None = None,
        same_as: str | None = None,
        allow_duplicate: bool = False,
    ) -> Admission:
        """Judge one face. same_as: the person who gets this template, and who is no duplicate of it.

        Raises ConsentMissing where the policy asks for a consent that is absent or has run out, whatever else is
        allowed, and EmbeddingMismatch for an embedding of another model.
        """
        self.check_consent(consent, now)
        reasons = unfit(face, self.policy.min_quality)
        if not isinstance(face.embedding, Embedding):
            return Admission(False, reasons)
        if face.embedding.model != self.model:
            raise EmbeddingMismatch(
                f"The gallery's templates are of {self.model}, this face was embedded by {face.embedding.model}.",
                "Embed with the gallery's model.",
            )
        lookalikes, notes = self.lookalikes(face.embedding.vector, same_as)
        found = tuple(one.sentence() for one in lookalikes)
        if allow_duplicate:
            return Admission(not reasons, reasons, lookalikes, notes + found)
        return Admission(not reasons and not found, reasons + found, lookalikes, notes)

    def check_consent(self, consent: Consent | None, now: datetime | None = None) -> None:
        """As `rules.check_consent`."""
        check_consent(consent, self.policy, now or datetime.now(UTC))

    def lookalikes(self, vector: Floats, same_as: str | None = None) -> tuple[tuple[Lookalike, ...], tuple[str, ...]]:
        """Whom a face (D,) resembles, and what should be known of the search."""
        if self.calibration is None:
            return (), (f"Duplicates were not sought: no calibration is for {self.model}.",)
        if not self.n_people:
            return (), ()
        asked = max(self.policy.duplicate_fmr, self.calibration.smallest_fmr)
        threshold = self.calibration.threshold(asked)
        hits = self.index.search(vector[None], LOOKALIKES + 1, self.keep)[0]
        rates = [(hit, self.calibration.fmr(hit.best)) for hit in hits if hit.person != same_as]
        found = [
            Lookalike(hit.person, float(hit.best), fmr, fmr.value * self.n_people)
            for hit, fmr in rates
            if hit.best >= threshold
        ]
        return tuple(found[:LOOKALIKES]), ()
