"""The enrolment gate: is this face fit to enrol, may it be, and is it somebody who is enrolled already?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mien.compare import DOMINANT_AREA
from mien.decide.calibration import Calibration, ErrorRate
from mien.errors import EmbeddingMismatch
from mien.face import Analysis, Box, Embedding, Face, Failed, Quality
from mien.gallery.errors import ConsentMissing
from mien.gallery.identify import Search
from mien.gallery.people import Consent
from mien.gallery.records import GalleryPolicy
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
            f" {self.by_chance:.2g} of the people would look as much alike."
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

    n_people: who is enrolled at present.
    """

    policy: GalleryPolicy
    model: str
    calibration: Calibration | None
    index: Search
    n_people: int

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
        reasons = self._unfit(face)
        if not isinstance(face.embedding, Embedding):
            return Admission(False, reasons)
        lookalikes, notes = self._lookalikes(face.embedding, same_as)
        found = tuple(one.sentence() for one in lookalikes)
        if allow_duplicate:
            return Admission(not reasons, reasons, lookalikes, notes + found)
        return Admission(not reasons and not found, reasons + found, lookalikes, notes)

    def check_consent(self, consent: Consent | None, now: datetime | None = None) -> None:
        """Raises ConsentMissing where the policy asks for a consent, and it is absent, incomplete or not in force."""
        if not self.policy.require_consent:
            return
        cure = "Record who agreed, when, to what purpose and how; a policy with require_consent=False asks for none."
        if consent is None:
            raise ConsentMissing("This gallery enrols nobody without a consent record.", cure)
        empty = [name for name in ("given_by", "purpose", "how") if not getattr(consent, name).strip()]
        if empty:
            raise ConsentMissing(f"The consent record does not say: {', '.join(empty)}.", cure)
        at = now or datetime.now(UTC)
        if consent.given_at > at:
            raise ConsentMissing(f"The consent is dated in the future ({consent.given_at:%Y-%m-%d}).", cure)
        if consent.until is not None and consent.until <= at:
            raise ConsentMissing(f"The consent ran out on {consent.until:%Y-%m-%d}.", "Ask for it anew.")

    def _unfit(self, face: Face) -> tuple[str, ...]:
        """What speaks against the face itself."""
        reasons: tuple[str, ...] = ()
        if isinstance(face.embedding, Embedding):
            if face.embedding.model != self.model:
                raise EmbeddingMismatch(
                    f"The gallery's templates are of {self.model}, this face was embedded by {face.embedding.model}.",
                    "Embed with the gallery's model.",
                )
        else:
            why = face.embedding.reason if isinstance(face.embedding, Failed) else "it was not asked for."
            reasons += (f"The face has no embedding: {why}",)
        quality = face.quality
        if not isinstance(quality, Quality):
            why = quality.reason if isinstance(quality, Failed) else "it was not asked for."
            return (*reasons, f"The quality of the face is unknown: {why}")
        if quality.score >= self.policy.min_quality:
            return reasons
        said = f"The face is too poor ({quality.score:.0f} of 100, {self.policy.min_quality:.0f} needed)."
        return (*reasons, said, *(measure.reason for measure in quality.measures if not measure.passed))

    def _lookalikes(self, embedding: Embedding, same_as: str | None) -> tuple[tuple[Lookalike, ...], tuple[str, ...]]:
        if self.calibration is None:
            return (), (f"Duplicates were not sought: no calibration is for {self.model}.",)
        if not self.n_people:
            return (), ()
        asked = max(self.policy.duplicate_fmr, self.calibration.smallest_fmr)
        threshold = self.calibration.threshold(asked)
        hits = self.index.search(embedding.vector[None], LOOKALIKES + 1)[0]
        rates = [(hit, self.calibration.fmr(hit.best)) for hit in hits if hit.person != same_as]
        found = [
            Lookalike(hit.person, float(hit.best), fmr, fmr.value * self.n_people)
            for hit, fmr in rates
            if hit.best >= threshold
        ]
        return tuple(found[:LOOKALIKES]), ()


def only_face(analysis: Analysis) -> tuple[Face | None, tuple[str, ...]]:
    """The face that a photo to enrol shows, and what the operator should know about the choice.

    It is the photo's only face, or one at least four times as large in area as the next; else None and the reason.
    """
    faces: Sequence[Face] = analysis.faces
    if not faces:
        return None, ("No face was found in the photo.",)
    if len(faces) == 1:
        return faces[0], ()
    box = faces[0].detection.box
    chosen = f"The photo shows {len(faces)} faces; the largest is at {box.x:.0f},{box.y:.0f}."
    if _area(box) < DOMINANT_AREA * _area(faces[1].detection.box):
        return None, (chosen + " It is not clear whose it is: crop the photo to one person.",)
    return faces[0], (chosen,)


def _area(box: Box) -> float:
    return box.width * box.height
