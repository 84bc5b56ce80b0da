"""What a gallery answers: who is this, who is it not, and what is wrong with the gallery itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Lock
from typing import Final

import numpy as np

from mien.analyze import Analyzer, Stage
from mien.decide.calibration import Calibration
from mien.decide.subject import MIN_QUALITY, subject_of
from mien.errors import DataError, ImageError
from mien.face import Analysis, Embedding, Face, Failed, Floats, Quality
from mien.gallery.doctor import DoctorPolicy, Finding, examine
from mien.gallery.enrol import COPY_SCORE
from mien.gallery.errors import EnrolmentRefused, GalleryError, GalleryModel, PersonUnknown
from mien.gallery.fpir import OpenSet
from mien.gallery.identify import Identification, Identifier, IdentifyPolicy, Replayed, Who
from mien.gallery.kept import Kept
from mien.gallery.live import Live, LiveIndex
from mien.gallery.people import PERSON_ID, Negative
from mien.gallery.place import Place
from mien.gallery.search.labels import Filter
from mien.gallery.store.master import MasterKey
from mien.gallery.store.receipt import Receipt
from mien.image import ImageLimits, Source
from mien.record import Record
from mien.settings import Settings
from mien.weights.catalog import Catalog
from mien.weights.progress import Progress

FAST: Final = "-fast"


@dataclass(frozen=True, slots=True)
class Ask:
    """How to ask.

    top: candidates listed. keep: whom to search; people who are not valid now are never found, unless `keep.at` says
    another moment. The rate is that among the people of the tenant and groups named. min_quality: 0..100; `unknown` is
    not said of a face that is poorer.
    """

    policy: IdentifyPolicy = field(default_factory=IdentifyPolicy)
    top: int = 1
    keep: Filter = field(default_factory=Filter)
    min_quality: float = MIN_QUALITY


@dataclass(frozen=True, slots=True, eq=False)
class Sighting(Record):
    """One face of a photo.

    identification: `Failed` where the face could not be embedded. names: by id, of candidates and of whom reasons name.
    """

    face: Face
    identification: Identification | Failed
    names: Mapping[str, str]

    @property
    def name(self) -> str | None:
        """Of the person who it is; None where that is not known."""
        found = self.identification
        return self.names.get(found.person_id or "") if isinstance(found, Identification) else None


class Asking(Kept):
    """A gallery with an index and, from the first photo on, with the networks of its embedder."""

    def __init__(
        self,
        place: Place | None = None,
        settings: Settings | None = None,
        *,
        master: MasterKey | None = None,
        calibration: Calibration | None = None,
        analyzer: Analyzer | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Open a gallery.

        place: a folder, or postgresql://...; None: as the settings say. master: None looks in the environment, the
        default file and the keyring. calibration: None takes the one for the gallery's embedder. analyzer: one that is
        loaded already; it must have the stages quality and embed. Raises GalleryMissing, GalleryKeyMissing, WrongKey,
        GalleryNewer, GalleryDamaged, GalleryBusy, and GalleryModel for an analyzer of another embedder.
        """
        super().__init__(place, settings, master)
        model = self.info.model
        if analyzer is not None and analyzer.embedding_model != model:
            self.close()
            raise GalleryModel(
                f"The gallery's templates are of {model}, the analyzer embeds with {analyzer.embedding_model}.",
                "Give no analyzer: the gallery loads its own.",
            )
        self.calibration = calibration or Calibration.for_model(model, self.settings)
        # Of photos that are enrolled; whoever calls its limits otherwise than the settings do says so here.
        self.limits = ImageLimits(self.settings.max_pixels, self.settings.max_bytes)
        self._live = LiveIndex(self.records, self.calibration)
        self._analyzer, self._progress, self._loading = analyzer, progress, Lock()

    @property
    def analyzer(self) -> Analyzer:
        """What looks at photos for this gallery; loaded when first used. Raises GalleryModel without its weights."""
        with self._loading:
            if self._analyzer is None:
                name, fast = embedder_of(self.info.model, self.settings)
                stages: tuple[Stage, ...] = ("quality", "embed")
                self._analyzer = Analyzer(stages, self.settings, embedder=name, fast=fast, progress=self._progress)
            return self._analyzer

    def identify(self, photo: Source, ask: Ask | None = None) -> tuple[Sighting, ...]:
        """Who the faces of a photo are, the largest first. Raises an ImageError."""
        return self._sightings(self.analyzer.analyze(photo).faces, ask or Ask())

    def identify_many(
        self, photos: Iterable[Source], ask: Ask | None = None
    ) -> Iterator[tuple[Sighting, ...] | ImageError]:
        """As `identify` for each photo, in order, on `settings.threads` threads.

        An error stands in its photo's place.
        """
        for found in self.analyzer.analyze_many(photos):
            yield self._sightings(found.faces, ask or Ask()) if isinstance(found, Analysis) else found

    def identify_vectors(self, probes: Floats, ask: Ask | None = None) -> list[Identification]:
        """Who embeddings are; probes (P, D) float32 of unit length are searched in one batch.

        Raises GalleryModel for another length, CalibrationError where the rate asked for is not supported at this size.
        """
        ask = ask or Ask()
        keep = ask.keep if ask.keep.at is not None else replace(ask.keep, at=datetime.now(UTC).timestamp())
        live = self._live()
        n_people = _found_among(live, keep)
        answers = self._identifier(live, ask.policy)(probes, ask.top, keep, n_people)
        # Of strangers, and of people who were removed, nothing is kept: a correction is about a person who was named.
        found = [(probe, one) for probe, one in zip(probes, answers, strict=True) if one.person_id]
        if self.info.policy.keep_answers_days > 0 and found:
            with self.records.write() as writing:
                for probe, one in found:
                    # Whoever was removed a moment ago has no past.
                    with suppress(PersonUnknown):
                        writing.add_answer(probe, one.person_id, one.score if one.score is not None else -1.0)
        return answers

    def _sightings(self, faces: Sequence[Face], ask: Ask) -> tuple[Sighting, ...]:
        embedded = [face.embedding.vector for face in faces if isinstance(face.embedding, Embedding)]
        answers = iter(self.identify_vectors(np.stack(embedded), ask) if embedded else ())
        return tuple(self._sighting(face, answers, ask) for face in faces)

    def _sighting(self, face: Face, answers: Iterator[Identification], ask: Ask) -> Sighting:
        if not isinstance(face.embedding, Embedding):
            why = face.embedding if isinstance(face.embedding, Failed) else Failed("embed", "It was not asked for.")
            return Sighting(face, why, {})
        found = _unless_poor(next(answers), face, ask.min_quality)
        said = PERSON_ID.findall(" ".join(found.reasons))
        names = self._names({*(one.person_id for one in found.candidates), *said})
        return Sighting(face, replace(found, reasons=tuple(named(one, names) for one in found.reasons)), names)

    def _names(self, ids: Iterable[str]) -> dict[str, str]:
        """Whoever was removed a moment ago has none."""
        names = {}
        for one in ids:
            with suppress(PersonUnknown):
                names[one] = self.records.person(one).profile.name
        return names

    def remove(self, person: str, at_seq: int | None = None) -> Receipt:
        """As `Kept.remove`; the index in this process lets go of the person too, others with their next question."""
        receipt = super().remove(person, at_seq)
        # The person is gone whatever becomes of the index, which is asked again by the next question.
        with suppress(GalleryError):
            self._live.forget()
        return receipt

    def correct(self, person: str, photo: Source, by: str = "") -> None:
        """Store that the one face of a photo is not this person; used from now on. Raises EnrolmentRefused."""
        negative = self._negative(person, photo, by)
        own = [
            one.id for one in self.records.templates(negative.person_id) if one.vector @ negative.vector >= COPY_SCORE
        ]
        if own:
            raise EnrolmentRefused(
                (f"The photo is one of the person's own: template {', '.join(map(str, own))}.",),
                "If it is not the person, take the template away: `mien gallery change PERSON --drop TEMPLATE`.",
            )
        with self.records.write() as writing:
            writing.add_negative(negative.person_id, negative.vector, by)

    def withdraw(self, person: str, correction: int) -> None:
        """Take a correction back. Raises PersonUnknown, and DataError where the person has none of that number."""
        found = self.person(person)
        if correction not in {one.id for one in self.records.negatives(found.id)}:
            raise DataError(f"{found.profile.name} has no correction {correction}.", "`mien gallery show` lists them.")
        with self.records.write() as writing:
            writing.drop_negative(found.id, correction)

    def replay(self, person: str, photo: Source) -> list[Replayed]:
        """The past answers that `correct` with this photo would change, among the people of the person's tenant."""
        negative = self._negative(person, photo, "")
        keep = Filter(self.person(negative.person_id).profile.tenant, at=datetime.now(UTC).timestamp())
        return self._identifier(self._live(), IdentifyPolicy()).replay(self.records.answers(), negative, keep)

    def examine(self, policy: DoctorPolicy | None = None, keep: Filter | None = None) -> tuple[Finding, ...]:
        """What is wrong with the gallery, or among whom `keep` lets pass, in the words of names.

        Raises CalibrationError, GalleryModel without one.
        """
        if self.calibration is None:
            raise GalleryModel(f"No calibration is for {self.info.model}.", "Build one with `mien calibrate`.")
        policy = policy or DoctorPolicy(min_quality=self.info.policy.min_quality)
        names = {person.id: person.profile.name for person in self.people(keep)}
        people = {}
        for person in names:
            with suppress(PersonUnknown):
                people[person] = self.records.templates(person)
        findings = examine(people, self.calibration, policy)
        return tuple(replace(one, reason=named(one.reason, names)) for one in findings)

    def rates(self, keep: Filter | None = None) -> OpenSet | None:
        """The road from a score to the error rate among whom `keep` lets pass; None without a calibration."""
        live, keep = self._live(), keep or Filter()
        keep = keep if keep.at is not None else replace(keep, at=datetime.now(UTC).timestamp())
        return live.open_set.at(_found_among(live, keep)) if live.open_set else None

    def _identifier(self, live: Live, policy: IdentifyPolicy) -> Identifier:
        return Identifier(live.index, live.open_set, self.info.model, policy, live.negatives)

    def _negative(self, person: str, photo: Source, by: str) -> Negative:
        found = self.person(person)
        subject = subject_of(self.analyzer.analyze(photo).faces)
        if subject.doubts or subject.face is None or not isinstance(subject.face.embedding, Embedding):
            doubts = subject.doubts or ("The face could not be embedded.",)
            raise EnrolmentRefused(doubts, "Crop the photo to the one face.")
        return Negative(0, found.id, subject.face.embedding.vector, datetime.now(UTC), by)


def _found_among(live: Live, keep: Filter) -> int:
    """A tenant's threshold depends on the tenant's people, however many others the gallery has."""
    return live.index.count(keep) if keep.tenant is not None or keep.groups else live.n_people


def embedder_of(model: str, settings: Settings) -> tuple[str, bool]:
    """The card's name and whether it is the fast mode. Raises GalleryModel where these weights are not known here."""
    name, fast = model.removesuffix(FAST).split("@")[0], model.endswith(FAST)
    card = Catalog.load(settings).by_name.get(name)
    if card is None or card.id != model.removesuffix(FAST):
        raise GalleryModel(
            f"The gallery's templates are of {model}, whose weights this version does not know.",
            "Add them with `mien weights add`, or enrol anew from photos.",
        )
    return name, fast


def named(text: str, names: Mapping[str, str]) -> str:
    """A text in which people are called by their names instead of their ids."""
    for person_id, name in names.items():
        text = text.replace(person_id, name)
    return text


def _unless_poor(found: Identification, face: Face, least: float) -> Identification:
    """A face that is too poor is no proof that somebody is not there."""
    if found.answer is not Who.UNKNOWN or (isinstance(face.quality, Quality) and face.quality.score >= least):
        return found
    said = f"{face.quality.score:.0f} of 100" if isinstance(face.quality, Quality) else "unknown"
    doubt = f"The quality of the face is {said}: too poor to say that it is nobody."
    return replace(found, answer=Who.INCONCLUSIVE, reasons=(doubt, *found.reasons))
