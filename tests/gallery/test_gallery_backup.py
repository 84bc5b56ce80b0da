"""Backups hold no keys, come back, and stay unreadable for whoever was removed since."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.gallery.stored_people import (
    MASTER,
    AnyRecords,
    Galleries,
    enrol,
    names,
    new_gallery,
    only_sqlite,
    profile,
    template,
)

from mien.gallery.errors import (
    GalleryBusy,
    GalleryDamaged,
    GalleryExists,
    GalleryKeyMissing,
    GalleryMissing,
    PersonUnknown,
    WrongKey,
)
from mien.gallery.place import restore_records
from mien.gallery.store import renewal
from mien.gallery.store.disk import copy_keys
from mien.gallery.store.master import MasterKey
from mien.gallery.store.receipt import load_receipt, verify_receipt
from mien.gallery.store.records import Writing
from mien.gallery.store.renewal import restore
from mien.gallery.store.sqlite import SqliteRecords
from mien.gallery.store.vault import RootKeys, Vault


def find(_: str) -> MasterKey:
    return MASTER


@pytest.fixture
def records(galleries: Galleries) -> Iterator[AnyRecords]:
    with galleries.new() as opened:
        for number, name in enumerate(("Anna", "Bob", "Carl")):
            enrol(opened, name, number)
        yield opened


def test_a_backup_comes_back(galleries: Galleries, records: AnyRecords, tmp_path: Path) -> None:
    records.backup(tmp_path / "b")
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".b")]
    before = records.seq()
    enrol(records, "Dora", 9)
    galleries.restore(records, tmp_path / "b")
    assert names(records) == ["Anna", "Bob", "Carl"], "an open gallery follows"
    assert records.verify() == []
    (change,) = records.changes(before + 1)
    assert change.person_id is None, "who follows the changes must read everything anew"
    assert records.history()[-1].kind == "restore"
    assert enrol(records, "Ed", 10) and records.seq() > before + 2


@only_sqlite
def test_a_backup_is_encrypted_and_has_no_keys(records: SqliteRecords, tmp_path: Path) -> None:
    records.backup(tmp_path / "b")
    content = (tmp_path / "b").read_bytes()
    slots = (records.folder / "keys").read_bytes()[512 : 512 + 3 * 64]
    assert b"SQLite" not in content and b"Anna" not in content
    assert not [slot for slot in range(3) if slots[64 * slot : 64 * slot + 60] in content]


def test_a_removed_person_stays_unreadable_in_an_older_backup(
    galleries: Galleries, records: AnyRecords, tmp_path: Path
) -> None:
    records.backup(tmp_path / "b")
    (anna,) = [one.id for one in records.find("Anna")]
    with records.write() as writing:
        receipt = writing.remove(anna)
    if isinstance(records, SqliteRecords):
        (records.folder / "receipts" / f"{receipt.person_sha256}.json").unlink()
    galleries.restore(records, tmp_path / "b")
    with galleries.again(records) as again:
        assert names(again) == ["Bob", "Carl"]
        with again.write() as writing:
            assert writing.rows("SELECT count(*) FROM people") == [(2,)], "finished off, not only passed over"
        assert again.verify() == []
        assert [event.kind for event in again.history(anna)][-1] == "remove"
        if isinstance(records, SqliteRecords):
            again_signed = load_receipt(records.folder / "receipts" / f"{receipt.person_sha256}.json")
            assert verify_receipt(again_signed, again.public_key)


@only_sqlite
@pytest.mark.parametrize("reused", [False, True])
def test_records_put_back_by_hand_are_finished_off_too(records: SqliteRecords, tmp_path: Path, reused: bool) -> None:
    """Also where the removed person's slot holds somebody else's key by now."""
    records.backup(tmp_path / "b")
    (anna,) = [one.id for one in records.find("Anna")]
    with records.write() as writing:
        slot = writing.row_of(anna).slot
        writing.remove(anna)
    if reused:
        with records.write() as writing:
            pass
        dora = enrol(records, "Dora", 7)
        with records.write() as writing:
            assert writing.row_of(dora).slot == slot
    records.close()
    shutil.copyfile(tmp_path / "b", records.folder / "records-1.db")
    with SqliteRecords(records.folder, MASTER) as again:
        assert names(again) == ["Bob", "Carl"]
        with pytest.raises(PersonUnknown):
            again.person(anna)
        assert again.verify() == []
        enrol(again, "Ed", 11)
        assert names(again) == ["Bob", "Carl", "Ed"] and again.verify() == []


def test_a_row_without_its_key_is_passed_over_even_before(
    galleries: Galleries, records: AnyRecords, tmp_path: Path
) -> None:
    """A process that has the gallery open while another one removes somebody, before the rows are deleted."""
    (anna,) = [one.id for one in records.find("Anna")]
    with galleries.again(records) as other, records.write() as writing:
        writing.remove(anna)
        assert names(other) == ["Bob", "Carl"]
        assert [one for batch in other.scan() for one in batch.person_ids] == [one.id for one in other.people()]
        assert other.find("Anna") == []
        assert other.history(anna)[0].detail == {}


@only_sqlite
def test_a_damaged_gallery_is_restored(records: SqliteRecords, tmp_path: Path) -> None:
    records.backup(tmp_path / "b")
    records.close()
    (records.folder / "records-1.db").write_bytes(b"noise" * 5000)
    with pytest.raises(GalleryDamaged, match="damaged"):
        SqliteRecords(records.folder, MASTER)
    restore(records.folder, tmp_path / "b", find)
    with SqliteRecords(records.folder, MASTER) as again:
        assert names(again) == ["Anna", "Bob", "Carl"] and again.verify() == []
    assert not list(records.folder.glob("records-1.db*"))


@only_sqlite
def test_what_is_no_backup_is_refused_and_changes_nothing(records: SqliteRecords, tmp_path: Path) -> None:
    with pytest.raises(GalleryMissing):
        restore(records.folder, tmp_path / "none", find)
    (tmp_path / "noise").write_bytes(b"noise" * 5000)
    with new_gallery(tmp_path / "other", MASTER) as other:
        other.backup(tmp_path / "theirs")
    records.backup(tmp_path / "old")
    records.rekey()
    for file in ("noise", "theirs", "old"):
        with pytest.raises(GalleryDamaged, match="no backup of this gallery") as caught:
            restore(records.folder, tmp_path / file, find)
        assert caught.value.cure
    with pytest.raises(WrongKey):
        restore(records.folder, tmp_path / "old", lambda _: MasterKey.new())
    assert names(records) == ["Anna", "Bob", "Carl"] and records.verify() == []


def test_nothing_is_overwritten_by_a_backup(records: AnyRecords, tmp_path: Path) -> None:
    records.backup(tmp_path / "b")
    with pytest.raises(GalleryExists):
        records.backup(tmp_path / "b")


@only_sqlite
@pytest.mark.parametrize("other", ["rekey", "restore"])
def test_a_gallery_renewed_while_a_backup_is_checked_is_left_alone(
    records: SqliteRecords, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    """The keys that were opened before are wiped by then: put back, they would open nothing."""
    records.backup(tmp_path / "b")
    check = renewal.check_backup

    def meanwhile(backup: Path, root: RootKeys, epoch: int) -> Vault:
        monkeypatch.undo()
        with SqliteRecords(records.folder, MASTER) as also:
            also.rekey() if other == "rekey" else restore(records.folder, tmp_path / "b", find)
        return check(backup, root, epoch) if other == "restore" else records._vault()

    monkeypatch.setattr(renewal, "check_backup", meanwhile)
    with pytest.raises(GalleryBusy, match="at this moment"):
        restore(records.folder, tmp_path / "b", find)
    with SqliteRecords(records.folder, MASTER) as again:
        assert names(again) == ["Anna", "Bob", "Carl"] and again.verify() == []


@only_sqlite
def test_keys_that_do_not_fit_the_backup_are_not_put_there(records: SqliteRecords, tmp_path: Path) -> None:
    """Or else the right ones would be passed over the next time."""
    with new_gallery(tmp_path / "other", MASTER):
        copy_keys(tmp_path / "other" / "keys", tmp_path / "wrong keys")
    copy_keys(records.folder / "keys", tmp_path / "right keys")
    records.backup(tmp_path / "b")
    place = tmp_path / "new machine"
    with pytest.raises(GalleryDamaged, match="no backup of this gallery"):
        restore_records(str(place), tmp_path / "b", tmp_path / "wrong keys", MASTER)
    restore_records(str(place), tmp_path / "b", tmp_path / "right keys", MASTER)
    with SqliteRecords(place, MASTER) as again:
        assert names(again) == ["Anna", "Bob", "Carl"]


@only_sqlite
def test_a_copy_of_the_keys_is_one_copy(records: SqliteRecords, tmp_path: Path) -> None:
    """What was there before, or was left there by a kill, is overwritten and not only deleted."""
    to, left = tmp_path / "stick" / "door[1].keys", tmp_path / "stick" / ".door[1].keys.0123abcd.part"
    to.parent.mkdir()
    keys = (records.folder / "keys").read_bytes()
    for path in (to, left):
        path.write_bytes(keys)
        os.link(path, tmp_path / f"blocks of {path.name}")
    copy_keys(records.folder / "keys", to)
    assert [path.name for path in to.parent.iterdir()] == [to.name] and to.read_bytes() == keys
    for path in (to, left):
        blocks = (tmp_path / f"blocks of {path.name}").read_bytes()
        assert len(blocks) == len(keys) and keys[512:576] not in blocks


@only_sqlite
def test_nobody_writes_while_a_backup_is_put_back(records: SqliteRecords, tmp_path: Path) -> None:
    records.backup(tmp_path / "b")
    with records.write(), pytest.raises(GalleryBusy):
        restore(records.folder, tmp_path / "b", find, wait=0.05)
    assert names(records) == ["Anna", "Bob", "Carl"]


def test_a_backup_from_before_a_rekey_or_of_another_gallery_is_refused(
    galleries: Galleries, records: AnyRecords, tmp_path: Path
) -> None:
    with galleries.new() as other:
        other.backup(tmp_path / "theirs")
    records.backup(tmp_path / "old")
    records.rekey()
    for file in ("theirs", "old"):
        with pytest.raises(GalleryDamaged, match="no backup of this gallery"):
            galleries.restore(records, tmp_path / file)
    with pytest.raises(GalleryMissing):
        galleries.restore(records, tmp_path / "none")
    assert names(records) == ["Anna", "Bob", "Carl"] and records.verify() == []


def test_everything_is_in_a_backup(galleries: Galleries, records: AnyRecords, tmp_path: Path) -> None:
    (anna,) = records.find("Anna")
    with records.write() as writing:
        writing.add_negative(anna.id, template(5).vector, "me")
        writing.add_answer(template(6).vector, anna.id, 0.5)
        writing.add_answer(template(7).vector, None, 0.25)
        writing.remove(enrol_in(writing))
    records.backup(tmp_path / "b")
    before = [records.history(), list(records.people()), [one.by for one in records.negatives()]]
    crops = [one.crop for one in records.templates(anna.id)]
    with records.write() as writing:
        writing.drop_templates(anna.id, [one.id for one in records.templates(anna.id)])
        writing.change_profile(anna.id, profile("Annabel"))
    galleries.restore(records, tmp_path / "b")
    assert [records.history()[:-1], list(records.people()), [one.by for one in records.negatives()]] == before
    assert [one.crop for one in records.templates(anna.id)] == crops and crops[0]
    assert [one.score for one in records.answers()] == [0.5, 0.25] and records.verify() == []


def enrol_in(writing: Writing) -> str:
    """Somebody, in a change that is open."""
    return writing.add_person(profile("Passer-by"), [template(9)])


@only_sqlite
def test_keys_older_than_the_backup_would_take_newcomers_for_removed(records: SqliteRecords, tmp_path: Path) -> None:
    """They would be deleted with a signed receipt, though nobody removed them."""
    old = (records.folder / "keys").read_bytes()
    with records.write() as writing:
        writing.remove(next(records.people()).id)
    enrol(records, "Dora", 77)
    records.backup(tmp_path / "b")
    records.close()
    (records.folder / "keys").write_bytes(old)
    with pytest.raises(GalleryDamaged, match="older than"):
        restore(records.folder, tmp_path / "b", find)


@only_sqlite
def test_lost_keys_are_named_with_the_way_back(records: SqliteRecords) -> None:
    records.close()
    (records.folder / "keys").unlink()
    with pytest.raises(GalleryKeyMissing, match=r"lost its file of keys.*restore BACKUP --keys"):
        SqliteRecords(records.folder, MASTER)
