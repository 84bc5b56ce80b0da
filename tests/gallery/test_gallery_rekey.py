"""A rekeyed gallery is the same people under other keys: what leaked before opens and links nothing."""

from __future__ import annotations

import os

import numpy as np
import pytest
from tests.gallery.stored_people import (
    MASTER,
    AnyRecords,
    Galleries,
    enrol,
    names,
    only_sqlite,
    profile,
    template,
    vector,
)

from mien.face import Floats
from mien.gallery.errors import GalleryDamaged, WrongKey
from mien.gallery.people import Event, Profile
from mien.gallery.store import renewal
from mien.gallery.store.master import MasterKey
from mien.gallery.store.records import GalleryPolicy
from mien.gallery.store.rotation import rotate
from mien.gallery.store.sqlite import SqliteRecords


def fill(records: AnyRecords) -> list[str]:
    """People with everything, one removed and one merged away."""
    with records.write() as writing:
        people = [
            writing.add_person(
                profile(f"P{number}", external_id=str(number), tenant="t"), [template(number), template(50 + number)]
            )
            for number in range(6)
        ]
        writing.add_negative(people[0], vector(90), "me")
        writing.add_answer(vector(91), people[0], 0.5)
        writing.add_answer(vector(92), None, 0.25)
    with records.write() as writing:
        writing.remove(people.pop())
        writing.merge(people.pop(), people[0])
    return people


def content(records: AnyRecords) -> list[object]:
    """All that the records say, without vectors."""
    people = list(records.people())
    templates = [
        (one.id, one.quality, one.source, one.added_at, one.crop) for who in people for one in records.templates(who.id)
    ]
    negatives = [(one.id, one.person_id, one.at, one.by) for one in records.negatives()]
    answers = [(one.id, one.at, one.person_id, one.score) for one in records.answers()]
    return [people, templates, negatives, answers, [event for event in records.history() if event.kind != "rekey"]]


def vectors(records: AnyRecords) -> Floats:
    """All vectors, those of negatives and answers too."""
    stored = [one.vector for who in records.people() for one in records.templates(who.id)]
    return np.array([*stored, *(one.vector for one in records.negatives()), *(one.vector for one in records.answers())])


def stored(records: AnyRecords) -> Floats:
    """Vectors as they lie in the file."""
    with records.write() as writing:
        return rotate(vectors(records), writing.vault.rotation)


def test_everything_is_there_afterwards(galleries: Galleries, records: AnyRecords) -> None:
    fill(records)
    before, seen, seq = content(records), vectors(records), records.seq()
    for _ in range(3):
        records.rekey()
    assert content(records) == before
    assert np.abs(vectors(records) - seen).max() < 1e-6
    assert records.verify() == []
    assert records.seq() == seq + 3 and records.changes(seq) == [], "nothing that an index holds has changed"
    assert [event.kind for event in records.history()][-3:] == ["rekey"] * 3
    last: Event = records.history()[-1]
    assert last.person_id is None and last.detail["generation"] == "4"
    assert [one.profile.external_id for one in records.find("2")] == ["2"]
    if isinstance(records, SqliteRecords):
        assert sorted(path.name for path in records.folder.glob("records-*.db")) == ["records-4.db"]
    records.close()
    with galleries.again(records) as again:
        assert content(again) == before and enrol(again, "New", 99) and again.verify() == []


def test_all_keys_are_new(records: AnyRecords) -> None:
    people = fill(records)
    with records.write() as writing:
        before = [writing.keys.get(writing.row_of(one).slot) for one in people]
        secrets = writing.keys.secrets
    old = slots(records)
    records.rekey()
    with records.write() as writing:
        after = [writing.keys.get(writing.row_of(one).slot) for one in people]
        assert secrets.root != writing.keys.secrets.root and secrets.signing == writing.keys.secrets.signing
    assert None not in before + after and not set(before) & set(after)
    assert len(old) >= len(people) and not set(old) & set(slots(records))


def slots(records: AnyRecords) -> list[bytes]:
    """The wrapped keys as they are kept."""
    if isinstance(records, SqliteRecords):
        content = (records.folder / "keys").read_bytes()
        return [content[place : place + 60] for place in range(512, len(content), 64)]
    with records.write() as writing:
        return [content[:60] for (content,) in writing.rows("SELECT content FROM slots")]


def gallery_of(galleries: Galleries) -> AnyRecords:
    """A gallery of the same 150 people as any other, in as many dimensions as the embedder of mien has."""
    records = galleries.new(GalleryPolicy(require_consent=False), 128)
    with records.write() as writing:
        for number in range(150):
            writing.add_person(Profile(f"P{number}"), [template(number, 128)])
    return records


def assert_not_linked(one: Floats, other: Floats) -> None:
    """A person's stored vectors are as near each other as those of two people. Bounds: over six standard deviations."""
    across = one @ other.T
    same, different = np.diag(across), across[~np.eye(len(across), dtype=bool)]
    assert abs(same.mean() - different.mean()) < 0.07
    assert abs(same.std() - different.std()) < 0.04
    ranks = (different.reshape(len(same), -1) > same[:, None]).mean(axis=1)
    assert abs(ranks.mean() - 0.5) < 0.22


def test_what_leaked_before_cannot_be_linked_with_what_is_stored_now(galleries: Galleries) -> None:
    with gallery_of(galleries) as records:
        before = stored(records)
        records.rekey()
        after = stored(records)
    assert np.abs(after @ after.T - before @ before.T).max() < 1e-5, "the same people, seen from inside"
    assert_not_linked(before, after)


def test_two_galleries_of_the_same_people_cannot_be_linked(galleries: Galleries) -> None:
    with gallery_of(galleries) as one, gallery_of(galleries) as other:
        assert_not_linked(stored(one), stored(other))
        assert np.abs(vectors(one) - vectors(other)).max() < 1e-6, "as the embedder made them they are the same"


def test_the_old_master_key_opens_nothing(galleries: Galleries, records: AnyRecords) -> None:
    fill(records)
    fresh = MasterKey.new()
    records.rekey(fresh)
    assert len(names(records)) == 4
    records.close()
    with pytest.raises(WrongKey):
        galleries.again(records)
    with galleries.again(records, fresh) as again:
        assert len(names(again)) == 4 and again.verify() == []


def test_a_damaged_row_stops_the_rekey_and_changes_nothing(records: AnyRecords) -> None:
    fill(records)
    with records.write() as writing:
        writing.connection.execute(
            "UPDATE people SET templates = profile WHERE number = (SELECT max(number) FROM people)"
        )
    keys = slots(records)
    with pytest.raises(GalleryDamaged):
        records.rekey(MasterKey.new())
    assert slots(records) == keys
    if isinstance(records, SqliteRecords):
        assert sorted(path.name for path in records.folder.glob("records-*.db")) == ["records-1.db"]
    assert enrol(records, "New", 70)


@only_sqlite
def test_leftovers_of_a_kill_are_deleted(records: SqliteRecords) -> None:
    fill(records)
    records.close()
    for name in ("records-2.db", "records-2.db-wal", "records-2.db-journal", "records-3.db-journal", "keys.new"):
        (records.folder / name).write_bytes(b"half")
    os.link(records.folder / "keys.new", records.folder.parent / "blocks of keys.new")
    with SqliteRecords(records.folder, MASTER) as again:
        assert b"half" not in (records.folder.parent / "blocks of keys.new").read_bytes(), "it holds keys"
        assert sorted(
            path.name for path in records.folder.iterdir() if path.is_file() and path.suffix in ("", ".new")
        ) == ["keys"]
        assert not list(records.folder.glob("records-[23]*"))
        again.rekey()
        assert len(names(again)) == 4 and again.verify() == []


@only_sqlite
def test_an_error_at_any_step_leaves_one_whole_gallery(records: SqliteRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(records)
    before = content(records)
    for step in ("fill_records", "_note", "_sync_file", "switch"):
        with monkeypatch.context() as patched:
            patched.setattr(renewal, step, lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            with pytest.raises(Exception, match="full"):
                records.rekey()
        assert content(records) == before and records.verify() == []
