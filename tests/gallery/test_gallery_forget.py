"""A removed person is gone: from every file as it lies on disk, and from the records as they are once decrypted."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from tests.gallery.stored_people import (
    MASTER,
    AnyRecords,
    Galleries,
    bytes_of,
    enrol,
    names,
    only_sqlite,
    profile,
    template,
    vector,
)

from mien.gallery.errors import GalleryDamaged, GalleryFull, PersonUnknown
from mien.gallery.store.keys import HEADER_BYTES, KeyFile
from mien.gallery.store.reading import Owner
from mien.gallery.store.receipt import Counts, Receipt, load_receipt, verify_receipt
from mien.gallery.store.rotation import rotate
from mien.gallery.store.slots import SLOT_BYTES
from mien.gallery.store.sqlite import SqliteRecords
from mien.gallery.store.writing import SqlWriting

NAME = "Annabella Forgettable-Longname"
EXTERNAL = "external-number-4711"


@pytest.fixture
def records(galleries: Galleries) -> Iterator[AnyRecords]:
    with galleries.new() as opened:
        for number in range(20):
            enrol(opened, f"Other {number}", 100 + number)
        yield opened


def enrol_anna(records: AnyRecords) -> str:
    """With everything that the records keep of anybody."""
    with records.write() as writing:
        anna = writing.add_person(profile(NAME, external_id=EXTERNAL), [template(1), template(2)])
        writing.add_negative(anna, vector(3), "the porter of " + NAME)
        writing.add_answer(vector(4), anna, 0.5)
        writing.change_profile(anna, profile(NAME + " II", external_id=EXTERNAL), "rename")
    return anna


def decrypted(records: AnyRecords) -> bytes:
    """Every page of the database as SQLite sees it, free pages included; on a server every row."""
    with records.write() as writing:
        connection = writing.connection
        if not isinstance(records, SqliteRecords):
            tables = ("people", "crops", "negatives", "answers", "history", "slots", "receipts")
            cells = [cell for table in tables for row in writing.rows(f"SELECT * FROM {table}") for cell in row]
            return b"".join(cell if isinstance(cell, bytes) else str(cell).encode() for cell in cells)
    return connection.serialize("main")


def said_of_anna(records: AnyRecords) -> list[bytes]:
    """Her name, crops and vectors, in each form that they could lie in."""
    with records.write() as writing:
        rotation = writing.vault.rotation
    vectors = np.array([vector(number) for number in (1, 2, 3, 4)])
    turned = rotate(vectors, rotation)
    bytes_int8 = [(np.round(one * 127 / np.abs(one).max())).astype(np.int8).tobytes() for one in (*vectors, *turned)]
    whole = [one.tobytes() for one in (*vectors, *turned, *vectors.astype(np.float64))]
    halves = [one[: len(one) // 2] for one in whole]
    words = [NAME, NAME.casefold(), EXTERNAL, "photo 1.jpg", "porter"]
    crops = [crop[:40] for number in (1, 2) if (crop := template(number).crop)]
    return [
        *whole,
        *halves,
        *bytes_int8,
        *crops,
        *(word.encode() for word in words),
        *(w.encode("utf-16le") for w in words),
    ]


def sealed_of(records: AnyRecords, anna: str) -> list[bytes]:
    """Her ciphertexts, and what is in the plain columns besides the id."""
    with records.write() as writing:
        owner = writing.row_of(anna)
        pieces = []
        for sql, value in (
            ("SELECT profile, templates, name_tag, external_tag, key_check FROM people WHERE number = ?", owner.number),
            ("SELECT content FROM crops WHERE person = ?", owner.number),
            ("SELECT content FROM negatives WHERE person = ?", owner.number),
            ("SELECT content FROM answers WHERE person = ?", owner.number),
            ("SELECT detail FROM history WHERE person = ? AND detail IS NOT NULL", owner.id),
        ):
            pieces += [piece for row in writing.rows(sql, (value,)) for piece in row]
    return pieces


@only_sqlite
def test_nothing_of_a_removed_person_is_left(records: SqliteRecords) -> None:
    anna = enrol_anna(records)
    said, sealed = said_of_anna(records), sealed_of(records, anna)
    assert len(sealed) == 5 + 2 + 1 + 1 + 3
    before = decrypted(records)
    assert all(piece in before for piece in sealed), "the search would find them"
    assert not [piece for piece in said if piece in before], "nothing is ever there unsealed"
    with records.write() as writing:
        slot = writing.row_of(anna).slot
        receipt = writing.remove(anna)
    after = decrypted(records)
    assert not [piece for piece in (*said, *sealed) if piece in after]
    assert (records.folder / "records-1.db-wal").stat().st_size == 0
    keys = KeyFile(records.folder / "keys", lambda _: MASTER)
    assert keys.get(slot) is None
    assert records.verify() == [] and len(names(records)) == 20
    assert receipt.counts == Counts(templates=2, crops=2, events=3, negatives=1, answers=1)
    records.close()
    for name, content in bytes_of(records.folder).items():
        assert not [piece for piece in (*said, *sealed) if piece in content], name


@only_sqlite
def test_large_content_is_erased_from_the_pages_that_it_spilled_over(records: SqliteRecords) -> None:
    crop = os.urandom(30_000)
    with records.write() as writing:
        anna = writing.add_person(profile(NAME), [template(1)])
        owner = writing.row_of(anna)
        sealed = b"\x01" * 12 + crop
        writing.connection.execute("UPDATE crops SET content = ? WHERE person = ?", (sealed, owner.number))
    pieces = [crop[start : start + 100] for start in range(0, len(crop), 1000)]
    assert sum(piece in decrypted(records) for piece in pieces) > 20
    with records.write() as writing:
        writing.remove(anna)
    image = decrypted(records)
    assert not [piece for piece in pieces if piece in image]


def test_a_removed_person_is_unknown_everywhere(galleries: Galleries, records: AnyRecords) -> None:
    anna = enrol_anna(records)
    with galleries.again(records) as other:
        assert other.person(anna)
        with records.write() as writing:
            writing.remove(anna)
        for one in (records, other):
            for ask in (one.person, one.templates):
                with pytest.raises(PersonUnknown):
                    ask(anna)
            assert one.find(NAME) == one.find(NAME + " II") == one.find(EXTERNAL) == one.find(anna) == []
            assert one.negatives() == one.answers() == []
            assert anna not in [person for batch in one.scan() for person in batch.person_ids]
    events = records.history(anna)
    assert [event.kind for event in events] == ["enrol", "correct", "rename", "remove"]
    assert not any(event.detail for event in events)
    with records.write() as writing, pytest.raises(PersonUnknown):
        writing.remove(anna)


def test_the_receipt_proves_it_and_says_nothing(records: AnyRecords) -> None:
    anna = enrol_anna(records)
    with records.write() as writing:
        receipt = writing.remove(anna)
    name = sha256(anna.encode()).hexdigest()
    assert receipt.person_sha256 == name and receipt.gallery_id == records.info.id
    assert receipt.seq == records.seq()
    assert anna not in receipt.to_json() and NAME not in receipt.to_json()
    if isinstance(records, SqliteRecords):
        assert (records.folder / "receipts" / f"{name}.json").read_text() == receipt.to_json() + "\n"
        assert load_receipt(records.folder / "receipts" / f"{name}.json") == receipt
    assert verify_receipt(receipt, records.public_key)
    public = records.public_key
    records.rekey()
    assert records.public_key == public, "receipts outlive the keys"


def test_a_removal_stands_where_the_rest_of_the_block_fails(records: AnyRecords) -> None:
    anna = enrol_anna(records)
    with pytest.raises(RuntimeError), records.write() as writing:
        writing.add_person(profile("Bob"), [])
        receipt = writing.remove(anna)
        raise RuntimeError
    assert records.find(anna) == [] and records.find("Bob") == []
    assert records.verify() == []
    if isinstance(records, SqliteRecords):
        saved = load_receipt(records.folder / "receipts" / f"{receipt.person_sha256}.json")
        assert verify_receipt(saved, records.public_key)
    assert [event.kind for event in records.history(anna)][-1] == "remove"


def test_a_removal_stands_where_its_own_rows_could_not_be_deleted(
    records: AnyRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key is gone first: whoever follows the changes must hear of it, however long the gallery stays open."""
    anna = enrol_anna(records)
    delete, before = SqlWriting._delete_rows, records.seq()

    def fails(writing: SqlWriting, owner: Owner) -> Receipt:
        monkeypatch.setattr(SqlWriting, "_delete_rows", delete)
        raise GalleryFull("The disk is full.")

    monkeypatch.setattr(SqlWriting, "_delete_rows", fails)
    with pytest.raises(GalleryFull), records.write() as writing:
        writing.remove(anna)
    assert anna in [change.person_id for change in records.changes(before)]
    assert [event.kind for event in records.history(anna)][-1] == "remove" and records.verify() == []


@pytest.mark.parametrize("said", [{"signature": 5}, {"signature": None}, {"counts": [1]}])
def test_what_is_no_receipt_is_said_and_stops_no_check(records: AnyRecords, tmp_path: Path, said: object) -> None:
    with records.write() as writing:
        receipt = writing.remove(writing.people("LIMIT 1", ())[0].id)
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(receipt.to_dict() | said))  # type: ignore[operator]
    try:
        assert not verify_receipt(load_receipt(path), records.public_key)
    except GalleryDamaged as error:
        assert "not a receipt" in str(error)


def test_the_key_of_a_merged_person_is_destroyed(records: AnyRecords) -> None:
    anna, bob = enrol_anna(records), enrol(records, "Bob", 50)
    sealed = sealed_of(records, anna)
    with records.write() as writing:
        slot = writing.row_of(anna).slot
    assert all(piece in decrypted(records) for piece in sealed)
    with records.write() as writing:
        writing.merge(anna, bob)
    assert not [piece for piece in sealed if piece in decrypted(records)]
    with records.write() as writing:
        assert writing.keys.get(slot) is None
        assert writing.rows("SELECT * FROM doomed_slots") == []
        writing.remove(bob)
    assert not [piece for piece in sealed if piece in decrypted(records)]
    assert not any(event.detail for event in records.history(anna) + records.history(bob))
    assert records.verify() == []


@only_sqlite
def test_slots_are_used_again_and_the_file_does_not_grow(records: SqliteRecords) -> None:
    size = (records.folder / "keys").stat().st_size
    with records.write() as writing:
        used = writing.counters["slots"]
    for number in range(15):
        who = enrol(records, f"Passer-by {number}", number)
        with records.write() as writing:
            writing.remove(who)
    with records.write() as writing:
        assert writing.counters["slots"] == used + 1
    assert (records.folder / "keys").stat().st_size == size == HEADER_BYTES + 1024 * SLOT_BYTES


@only_sqlite
def test_a_person_whose_slot_is_damaged_can_be_forgotten(records: SqliteRecords) -> None:
    anna = enrol_anna(records)
    with records.write() as writing:
        slot = writing.row_of(anna).slot
    with (records.folder / "keys").open("r+b") as file:
        file.seek(HEADER_BYTES + SLOT_BYTES * slot + 20)
        file.write(b"damage")
    with records.write() as writing:
        writing.remove(anna)
    assert records.verify() == [] and records.find(anna) == []


@only_sqlite
def test_a_reader_in_the_way_delays_only_the_log(records: SqliteRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is gone and the rows are deleted all the same; the log is cut by the next write."""
    anna = enrol_anna(records)
    records.close()
    with (
        SqliteRecords(records.folder, MASTER, wait_seconds=0.05) as writer,
        SqliteRecords(records.folder, MASTER) as other,
    ):
        reader = other._opened.connect() if other._opened else None  # a snapshot that stays open
        assert reader is not None
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM people").fetchall()
        with writer.write() as writing:
            writing.remove(anna)
        log = records.folder / "records-1.db-wal"
        assert log.stat().st_size > 0
        assert writer.find(anna) == []
        reader.close()
        enrol(writer, "Bob", 60)
        assert log.stat().st_size == 0
