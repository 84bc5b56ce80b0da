"""`Gallery`: enrol people, find them by an error rate, correct, examine, forget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Self

from mien.errors import WeightsCardInvalid
from mien.face import Face
from mien.gallery.asking import FAST, Asking, named
from mien.gallery.choose import choose_templates
from mien.gallery.enrol import (
    Allow,
    Candidate,
    Enrolment,
    JudgedPhoto,
    PhotoJudge,
    candidate_of,
    folders_of_people,
    outcome,
    without_copies,
    without_strangers,
)
from mien.gallery.gate import Admission, Gate, Lookalike
from mien.gallery.people import Consent, Person, Profile, Template
from mien.gallery.place import Place, create_records, place_of
from mien.gallery.search.labels import Filter
from mien.gallery.store.master import MasterKey
from mien.gallery.store.records import GalleryPolicy
from mien.gallery.transfer import Listed, read_people
from mien.image import Source
from mien.settings import Settings, load_settings
from mien.weights.catalog import Catalog

# People of a file who are stored in one transaction.
AT_ONCE: Final = 1000

__all__ = ["Allow", "Consent", "Enrolment", "Gallery", "GalleryPolicy", "Person", "Profile"]


class Gallery(Asking):
    """People on record and the index that finds them. Safe to use from several threads, and beside other processes.

    Records are the truth: an encrypted SQLite file with its keys apart, or PostgreSQL. The index is in memory, exact,
    and follows what this and other processes change. Whatever a method that changes something returns from is durable.
    """

    @classmethod
    def create(
        cls,
        place: Place | None = None,
        policy: GalleryPolicy | None = None,
        settings: Settings | None = None,
        *,
        master: MasterKey | None = None,
        embedder: str = "sface",
        fast: bool = False,
    ) -> Self:
        """Make an empty gallery for one embedder, and open it.

        master: None makes a fresh key in the default file, which must be backed up apart from the gallery: without it
        nobody can open the gallery. Raises GalleryExists, GalleryReadOnly, GalleryFull, WeightsUnknown.
        """
        settings = settings or load_settings()
        card = Catalog.load(settings).card(embedder)
        if card.embed is None:
            raise WeightsCardInvalid(
                f"{card.name} is no embedder.", "`mien weights list --task embed` shows which are."
            )
        model = card.id + FAST if fast else card.id
        where = place_of(place, settings)
        create_records(where, model, card.embed.dimensions, policy or GalleryPolicy(), master).close()
        return cls(where, settings, master=master)

    def enrol(
        self, profile: Profile, photos: Iterable[Source], allow: Allow | None = None, person_id: str | None = None
    ) -> Enrolment:
        """Enrol a person by photos of their face, of which the unfit are left out with their reasons.

        Nothing is stored where no photo is fit. person_id: to be given, as 16 random bytes make it, for whoever must
        know it before; None makes one. Raises ConsentMissing, EnrolmentRefused for an external id that is somebody
        else's.
        """
        self._check_external_id(profile)
        judged = self._judge(photos, profile, None, allow or Allow())
        return self._enrol(profile, judged, allow or Allow(), person_id=person_id)

    def enrol_faces(self, profile: Profile, faces: Iterable[tuple[str, Face]], allow: Allow | None = None) -> Enrolment:
        """As `enrol`, for faces analysed before, such as the best of a track; each with a name for reports."""
        allow = allow or Allow()
        gate = self._gate(profile, None, allow)
        return self._enrol(profile, [candidate_of(face, name, gate(face)) for name, face in faces], allow)

    def enrol_folder(self, folder: Path, profile: Profile, allow: Allow | None = None) -> Iterator[Enrolment]:
        """One folder a person, named by it; `profile` says what is the same for all, its name is not used.

        Each person is durable when it is yielded. Raises DataError for a folder that is laid out otherwise.
        """
        for name, photos in folders_of_people(folder):
            yield self.enrol(replace(profile, name=name), photos, allow)

    def add_photos(self, person: str, photos: Iterable[Source], allow: Allow | None = None) -> Enrolment:
        """More photos of somebody enrolled; of all templates the best are kept, as many as the policy has."""
        found, allow = self.person(person), allow or Allow()
        candidates = self._judge(photos, found.profile, found.id, allow)
        with self.records.write() as writing:
            known = self.records.templates(found.id)
            candidates = without_copies(candidates, known, self.records.negatives(found.id))
            if not allow.unlike:
                candidates = without_strangers(candidates, known, self.calibration)
            fit = [one.template for one in candidates if one.template]
            chosen = choose_templates([*known, *fit], self.info.policy.max_templates)
            if new := [one for one in chosen if not one.id]:
                writing.add_templates(found.id, new)
                kept = {one.id for one in chosen}
                writing.drop_templates(found.id, [one.id for one in known if one.id not in kept])
        return Enrolment(found.profile.name, found.id, outcome(candidates, chosen))

    def add_people(
        self, people: Iterable[tuple[Profile, Sequence[Template]]], ids: Sequence[str] | None = None
    ) -> list[str]:
        """Enrol people who were embedded before, without the gate: all in one durable transaction, or none.

        Their ids, in order; ids: as of `enrol`, one for each. Raises ConsentMissing, EnrolmentRefused for an external
        id that is taken, GalleryModel for vectors of another length, GalleryError for any not of unit length.
        """
        most, taken = self.info.policy.max_templates, set[tuple[str, str]]()
        chosen = [(profile, choose_templates(some, most)) for profile, some in people]
        with self.records.write() as writing:
            for profile, _ in chosen:
                self._check_external_id(profile, taken=taken)
            return writing.add_people(chosen, ids)

    def import_people(self, lines: Iterable[str], root: Path, allow: Allow | None = None) -> Iterator[Enrolment]:
        """People of lines of JSON, as `transfer` has them: templates are taken as they are, photos are judged.

        Everybody is durable when yielded. root: what photos are relative to. Raises DataError, GalleryModel, and what
        `enrol` raises, at the line where it stops; who came before stays.
        """
        ready: list[Listed] = []
        for one in read_people(lines, self.info, root):
            if one.photos or len(ready) == AT_ONCE:
                yield from self._store(ready, allow or Allow())
                ready = []
            if one.photos:
                self._check_external_id(one.profile)
                judged = self._judge(one.photos, one.profile, None, allow or Allow())
                yield self._enrol(one.profile, judged, allow or Allow(), one.templates)
            else:
                ready.append(one)
        yield from self._store(ready, allow or Allow())

    def _store(self, listed: Sequence[Listed], allow: Allow) -> Iterator[Enrolment]:
        """People without photos to look at, in one transaction; those who look like somebody enrolled are refused."""
        most, people = self.info.policy.max_templates, []
        for one in listed:
            if found := () if allow.duplicate else self._lookalikes(one):
                yield Enrolment(one.profile.name, None, found)
            else:
                people.append(one)
        chosen = [choose_templates(one.templates, most) for one in people]
        ids = self.add_people(zip((one.profile for one in people), chosen, strict=True)) if people else []
        for person_id, one, stored in zip(ids, people, chosen, strict=True):
            given = [Candidate(JudgedPhoto(template.source, True), template) for template in one.templates]
            yield Enrolment(one.profile.name, person_id, outcome(given, stored))

    def _lookalikes(self, one: Listed) -> tuple[JudgedPhoto, ...]:
        """Its templates that look like somebody enrolled, if any."""
        live = self._live()
        gate = Gate(
            self.info.policy, self.info.model, self.calibration, live.index, live.n_people, Filter(one.profile.tenant)
        )
        found = [(template, gate.lookalikes(template.vector)[0]) for template in one.templates]
        return tuple(
            JudgedPhoto(
                template.source,
                False,
                self._sentences(some),
                code="duplicate",
                lookalikes=tuple(one.person_id for one in some),
            )
            for template, some in found
            if some
        )

    def _sentences(self, some: Sequence[Lookalike]) -> tuple[str, ...]:
        names = self._names(one.person_id for one in some)
        return tuple(one.sentence(names.get(one.person_id, "")) for one in some)

    def _enrol(
        self,
        profile: Profile,
        candidates: list[Candidate],
        allow: Allow,
        known: Sequence[Template] = (),
        person_id: str | None = None,
    ) -> Enrolment:
        candidates = without_copies(candidates, known)
        if not allow.unlike:
            candidates = without_strangers(candidates, known, self.calibration)
        templates = [*known, *(one.template for one in candidates if one.template)]
        chosen = choose_templates(templates, self.info.policy.max_templates)
        ids = self.add_people([(profile, chosen)], [person_id] if person_id else None) if chosen else [None]
        return Enrolment(profile.name, ids[0], outcome(candidates, chosen))

    def _judge(
        self, photos: Iterable[Source], profile: Profile, person_id: str | None, allow: Allow
    ) -> list[Candidate]:
        gate = self._gate(profile, person_id, allow)
        return PhotoJudge(self.analyzer, self.limits, gate, self.info.policy.keep_crops)(photos)

    def _gate(self, profile: Profile, person_id: str | None, allow: Allow) -> Callable[[Face], Admission]:
        """What the gate says of one face. Raises ConsentMissing before any photo is looked at.

        Look-alikes are sought among the tenant's own people: nobody learns whom another tenant has enrolled.
        """
        live, keep, consent = self._live(), Filter(profile.tenant), profile.consent
        gate = Gate(self.info.policy, self.info.model, self.calibration, live.index, live.n_people, keep)
        gate.check_consent(consent)
        return lambda face: self._named(gate(face, consent, same_as=person_id, allow_duplicate=allow.duplicate))

    def _named(self, admission: Admission) -> Admission:
        names = self._names(one.person_id for one in admission.lookalikes)
        reasons, notes = (tuple(named(one, names) for one in some) for some in (admission.reasons, admission.notes))
        return replace(admission, reasons=reasons, notes=notes)
