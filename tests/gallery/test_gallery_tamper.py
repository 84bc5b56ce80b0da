"""Rows that something without the keys' leave has changed are detected: read they raise, and `verify` lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from tests.gallery.stored_people import MASTER, AnyRecords, Galleries, names, only_sqlite, profile, template, vector

from mien.gallery.errors import GalleryDamaged
from mien.gallery.store.ground import Value
from mien.gallery.store.keys import HEADER_BYTES
from mien.gallery.store.slots import SLOT_BYTES
from mien.gallery.store.sqlite import SqliteRecords
from mien.gallery.store.writing import SqlWriting


@pytest.fixture
def records(galleries: Galleries) -> Iterator[AnyRecords]:
    with galleries.new() as opened:
        with opened.write() as writing:
            for number, name in enumerate(("Anna", "Bob")):
                who = writing.add_person(profile(name, external_id=name), [template(number), template(10 + number)])
                writing.add_negative(who, vector(20 + number), "me")
                writing.add_answer(vector(30 + number), who, 0.5)
            writing.add_answer(vector(40), None, 0.5)
        yield opened


def ids(records: AnyRecords) -> list[str]:
    return [person.id for person in records.people()]


Change = Callable[[SqlWriting], object]
"""What somebody does who has the database's key or password, past the seals."""


def flip(table: str, column: str, key: str) -> Change:
    """Changes the last byte of a value in the first row that has one."""

    def change(writing: SqlWriting) -> None:
        row, value = writing.rows(f"SELECT {key}, {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY {key}")[0]
        values = (value[:-1] + bytes([value[-1] ^ 1]), row)
        writing.connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", values)

    return change


def swap(table: str, column: str, key: str) -> Change:
    """Exchanges a value between two rows."""
    low, high = (f"(SELECT {which}({key}) FROM {table} WHERE {column} IS NOT NULL)" for which in ("min", "max"))
    return sql(f"""UPDATE {table} SET {column} = CASE {key}
        WHEN {low} THEN (SELECT {column} FROM {table} WHERE {key} = {high})
        ELSE (SELECT {column} FROM {table} WHERE {key} = {low}) END WHERE {key} IN ({low}, {high})""")


def sql(text: str, *values: Value) -> Change:
    """Runs a statement that changes something."""

    def change(writing: SqlWriting) -> None:
        writing.connection.execute(text, values)
        assert writing.connection.changes() > 0

    return change


def tamper(records: AnyRecords, change: Change) -> None:
    with records.write() as writing:
        change(writing)


Ask = Callable[[AnyRecords], object]
PEOPLE: Ask = names
TEMPLATES: Ask = lambda records: [records.templates(one) for one in ids(records)]  # noqa: E731
SCAN: Ask = lambda records: list(records.scan())  # noqa: E731
NEGATIVES: Ask = lambda records: records.negatives()  # noqa: E731
ANSWERS: Ask = lambda records: records.answers()  # noqa: E731
HISTORY: Ask = lambda records: records.history()  # noqa: E731


@pytest.mark.parametrize(
    ("change", "ask", "named"),
    [
        (flip("people", "profile", "number"), PEOPLE, "profile in row 1"),
        (flip("people", "templates", "number"), TEMPLATES, "templates in row 1"),
        (flip("people", "templates", "number"), SCAN, "templates in row 1"),
        (flip("crops", "content", "template"), TEMPLATES, "crop in row"),
        (flip("negatives", "content", "number"), NEGATIVES, "negative in row"),
        (flip("answers", "content", "number"), ANSWERS, "answer in row"),
        (flip("history", "detail", "seq"), HISTORY, "event in row 1"),
        (swap("people", "profile", "number"), PEOPLE, "profile in row 1"),
        (swap("people", "templates", "number"), TEMPLATES, "templates in row 1"),
        (swap("people", "templates", "number"), SCAN, "templates in row 1"),
        (swap("crops", "content", "template"), TEMPLATES, "crop in row"),
        (swap("negatives", "content", "number"), NEGATIVES, "negative in row"),
        (swap("answers", "content", "number"), ANSWERS, "answer in row"),
        (swap("history", "detail", "seq"), HISTORY, "event in row"),
        (sql("UPDATE people SET profile = templates"), PEOPLE, "profile in row 1"),
        (sql("DELETE FROM crops WHERE template = (SELECT min(template) FROM crops)"), TEMPLATES, "crops"),
        (swap("negatives", "person", "number"), NEGATIVES, "negative"),
    ],
)
def test_a_changed_row_is_noticed(records: AnyRecords, change: Change, ask: Ask, named: str) -> None:
    assert records.verify() == []
    ask(records)
    tamper(records, change)
    with pytest.raises(GalleryDamaged):
        ask(records)
    assert [line for line in records.verify() if named in line], records.verify()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (swap("people", "name_tag", "number"), "look-up tags"),
        (sql("UPDATE people SET external_tag = NULL"), "look-up tags"),
        (sql("UPDATE people SET n_templates = 9"), "9 templates are said"),
        (sql("INSERT INTO crops VALUES (999, 777, ?)", b"x"), "crops: 1 of nobody"),
        (sql("INSERT INTO history VALUES (999, 0, 'add', ?, ?)", bytes(16), b"x"), "history: 1 details of nobody"),
        (lambda writing: writing.counters.update(epoch=7), "have not seen every removal"),
    ],
)
def test_verify_finds_what_no_reading_meets(records: AnyRecords, change: Change, named: str) -> None:
    tamper(records, change)
    assert [line for line in records.verify() if named in line], records.verify()


def test_the_gallery_cannot_be_passed_off_as_another_embedders(galleries: Galleries, records: AnyRecords) -> None:
    tamper(records, flip("meta", "content", "name"))
    records.close()
    with pytest.raises(GalleryDamaged, match="meta"):
        galleries.again(records)


@only_sqlite
@pytest.mark.parametrize("where", [0.0, 0.2, 0.5, 0.8, 0.999])
def test_a_changed_byte_of_the_file_is_noticed(records: SqliteRecords, where: float) -> None:
    records.close()
    path = records.folder / "records-1.db"
    content = bytearray(path.read_bytes())
    content[int(where * len(content))] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(GalleryDamaged) as caught, SqliteRecords(records.folder, MASTER) as again:
        problems = again.verify()
        if problems:
            raise GalleryDamaged(problems[0])
    assert caught.value.code == "gallery-damaged"


@only_sqlite
def test_damaged_pages_are_listed_and_not_passed_over(records: SqliteRecords) -> None:
    records.close()
    path = records.folder / "records-1.db"
    content = bytearray(path.read_bytes())
    for page in range(2 * 4096, len(content), 4096):
        content[page + 50] ^= 1
    path.write_bytes(content)
    with pytest.raises(GalleryDamaged), SqliteRecords(records.folder, MASTER) as again:
        names(again)


@only_sqlite
def test_a_damaged_slot_is_named_and_nothing_is_deleted(records: SqliteRecords) -> None:
    original = (records.folder / "keys").read_bytes()
    records.close()
    changed = bytearray(original)
    changed[HEADER_BYTES + 30] ^= 1
    # A count of removals that the records have not seen makes the opening look through every slot.
    with (records.folder / "keys").open("r+b") as file:
        file.write(changed)
    with SqliteRecords(records.folder, MASTER) as again:
        assert [line for line in again.verify() if "Slot 0" in line]
        with again.write() as writing:
            writing.finish_off()
    (records.folder / "keys").write_bytes(original)
    with SqliteRecords(records.folder, MASTER) as again:
        assert names(again) == ["Anna", "Bob"] and again.verify() == []


@only_sqlite
def test_two_exchanged_slots_are_damage(records: SqliteRecords) -> None:
    first, second, end = (HEADER_BYTES + SLOT_BYTES * number for number in range(3))
    content = bytearray((records.folder / "keys").read_bytes())
    content[first:end] = content[second:end] + content[first:second]
    with (records.folder / "keys").open("r+b") as file:
        file.write(content)
    with pytest.raises(GalleryDamaged, match="Slot 0"):
        names(records)
    assert len([line for line in records.verify() if "Slot" in line]) == 2


@only_sqlite
def test_a_forged_receipt_is_listed(records: SqliteRecords) -> None:
    with records.write() as writing:
        writing.remove(ids(records)[0])
    (path,) = (records.folder / "receipts").iterdir()
    path.write_text(path.read_text().replace('"crops": 2', '"crops": 3'))
    assert records.verify() == [f"receipt {path.name}: the signature is wrong"]
    path.write_text("{}")
    assert "not a receipt" in records.verify()[0]
