"""What a gallery does without looking at a face: list, change, merge, forget, hand over, keep safe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from mien.gallery.choose import choose_templates
from mien.gallery.errors import EnrolmentRefused, GalleryExists, GalleryReadOnly, PersonChanged, PersonUnknown
from mien.gallery.people import Event, Person, Profile, Template
from mien.gallery.place import Place, keys_on_server, open_records, place_of
from mien.gallery.search.labels import Filter
from mien.gallery.store.content import labels_of
from mien.gallery.store.disk import copy_keys
from mien.gallery.store.master import MasterKey
from mien.gallery.store.opening import KEYS
from mien.gallery.store.receipt import RECEIPTS, Receipt, receipt_path
from mien.gallery.store.records import GalleryInfo, Writing
from mien.gallery.transfer import person_line
from mien.settings import Settings, load_settings


class Kept:
    """The people on record. Safe to use from several threads, and beside other processes."""

    def __init__(
        self, place: Place | None = None, settings: Settings | None = None, master: MasterKey | None = None
    ) -> None:
        self.settings = settings or load_settings()
        self.place = place_of(place, self.settings)
        self.records = open_records(self.place, master)

    @property
    def info(self) -> GalleryInfo:
        """Identity, embedder and policy."""
        return self.records.info

    def people(self, keep: Filter | None = None) -> Iterator[Person]:
        """Everybody, or those that `keep` lets pass, in order of enrolment."""
        return (person for person in self.records.people() if keep is None or keep.passes(labels_of(person.profile)))

    def person(self, text: str) -> Person:
        """The one person whose id, external id or name is `text`. Raises PersonUnknown for nobody and for several."""
        found = self.records.find(text)
        if len(found) == 1:
            return found[0]
        if not found:
            raise PersonUnknown(
                f"Nobody in the gallery has the id, external id or name {text!r}.", "`mien gallery list` shows who is."
            )
        ids = ", ".join(one.id for one in found)
        raise PersonUnknown(f"{len(found)} people are called {text!r}.", f"Say which by the id: {ids}.")

    def templates(self, person: str) -> list[Template]:
        """A person's templates, the oldest first, with crops where the policy keeps them."""
        return self.records.templates(self.person(person).id)

    def change(self, person: str, at_seq: int | None = None, **fields: Any) -> Person:
        """Give other values to fields of the profile; the others stay.

        at_seq: the person's last change that the caller knows of. Raises PersonUnknown, ConsentMissing, and
        PersonChanged where there was another since.
        """
        kind = "rename" if set(fields) == {"name"} else "change"
        with self.records.write() as writing:
            found = self._unchanged(person, at_seq)
            profile = replace(found.profile, **fields)
            self._check_external_id(profile, found.id)
            writing.change_profile(found.id, profile, kind)
        return self.records.person(found.id)

    def merge(self, person: str, into: str) -> Person:
        """Two records were one person: the second's profile stays, the best templates of both do."""
        source, target = self.person(person), self.person(into)
        with self.records.write() as writing:
            writing.merge(source.id, target.id)
        with self.records.write() as writing:
            self._trim(writing, target.id)
        return self.records.person(target.id)

    def drop_templates(self, person: str, template_ids: Sequence[int]) -> None:
        """Take templates from a person; ids that the person does not have are ignored."""
        with self.records.write() as writing:
            writing.drop_templates(self.person(person).id, template_ids)

    def remove(self, person: str, at_seq: int | None = None) -> Receipt:
        """Forget a person for good: key, rows, crops, history's contents. The receipt is signed and kept.

        at_seq: as of `change`.
        """
        with self.records.write() as writing:
            return writing.remove(self._unchanged(person, at_seq).id)

    def receipt_file(self, receipt: Receipt) -> Path | None:
        """Where a removal's receipt lies; None where a server keeps it."""
        folder = getattr(self.records, "folder", None)
        return receipt_path(receipt, folder / RECEIPTS) if isinstance(folder, Path) else None

    def expired(self, at: datetime | None = None) -> list[Person]:
        """People whose consent has run out: they are no longer found, and should be removed."""
        now = at or datetime.now(UTC)
        consents = ((person, person.profile.consent) for person in self.records.people())
        return [person for person, consent in consents if consent and consent.until and consent.until <= now]

    def history(self, person: str | None = None) -> list[Event]:
        """What happened, to one person or at all, the oldest first. A removed person is named by the id.

        Raises PersonUnknown.
        """
        if person is None:
            return self.records.history()
        # Whoever was removed or merged is only known to the history.
        gone = self.records.history(person) if not self.records.find(person) else []
        return gone or self.records.history(self.person(person).id)

    def export(self, with_templates: bool = True) -> Iterator[dict[str, Any]]:
        """Everybody as `transfer` has it, decrypted: what leaves here is no longer protected by the gallery."""
        for person in self.records.people():
            # Somebody may be removed meanwhile.
            with suppress(PersonUnknown):
                yield person_line(person, self.records.templates(person.id) if with_templates else (), self.info)

    def backup(self, to: Path, keys_to: Path | None = None) -> None:
        """Write an encrypted copy of the records, without keys, to a new file.

        keys_to: where the one copy of the file of keys is kept, replaced by each backup. It is worth nothing without
        the master key; with it, it opens backups, also for people who were removed since it was last replaced. Raises
        GalleryExists, and GalleryError for keys of a server.
        """
        keys = self._folder() / KEYS if keys_to else None
        if keys and keys_to and keys_to.exists() and keys_to.samefile(keys):
            raise GalleryExists(f"{keys_to} is the gallery's own file of keys.", "Name a file on another medium.")
        if keys is None or keys_to is None:
            self.records.backup(to)
            return
        # While nobody writes: after a rekey in between, the one would not open the other.
        with self.records.write():
            self.records.backup(to)
            try:
                copy_keys(keys, keys_to)
            except OSError as error:
                raise GalleryReadOnly(f"The keys cannot be copied to {keys_to}: {error.strerror}.") from error

    def verify(self) -> list[str]:
        """A sentence for everything that is wrong with rows, keys and files; empty is good."""
        return self.records.verify()

    def rekey(self, master: MasterKey | None = None) -> None:
        """New keys and a new rotation, without photos; earlier backups are worthless from then on."""
        self.records.rekey(master)

    def close(self) -> None:
        """Let go of files and connections."""
        self.records.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _folder(self) -> Path:
        folder = getattr(self.records, "folder", None)
        if not isinstance(folder, Path):
            raise keys_on_server()
        return folder

    def _unchanged(self, person: str, at_seq: int | None) -> Person:
        """To be asked while nobody else writes."""
        found = self.person(person)
        if at_seq is not None and found.seq != at_seq:
            raise PersonChanged(
                f"The person was changed since change {at_seq}: the last one is {found.seq}.",
                "Look at the person again, then say what to change.",
            )
        return found

    def _check_external_id(
        self, profile: Profile, own: str | None = None, taken: set[tuple[str, str]] | None = None
    ) -> None:
        """Raises EnrolmentRefused where it is somebody else's of the tenant, or of `taken`, to which it is added."""
        number = profile.external_id
        if number is None:
            return
        mine = profile.tenant, number
        others = [
            one
            for one in self.records.find(number)
            if (one.profile.tenant, one.profile.external_id) == mine and one.id != own
        ]
        if others or (taken is not None and mine in taken):
            whose = f"{others[0].profile.name}'s" if others else "named twice"
            raise EnrolmentRefused(
                (f"The external id {number!r} is {whose}.",),
                "Add photos to that person, or use another external id.",
            )
        if taken is not None:
            taken.add(mine)

    def _trim(self, writing: Writing, person_id: str) -> None:
        """Keep the best templates, as many as the policy has."""
        templates = self.records.templates(person_id)
        kept = {one.id for one in choose_templates(templates, self.info.policy.max_templates)}
        writing.drop_templates(person_id, [one.id for one in templates if one.id not in kept])
