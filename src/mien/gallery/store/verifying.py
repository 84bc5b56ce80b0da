"""Checking a whole gallery: the database's structure, every seal, every key, every receipt."""

from __future__ import annotations

from typing import Any

from mien.gallery.errors import GalleryError
from mien.gallery.store.content import decode_labels, decode_profile, encode_labels, id_text
from mien.gallery.store.ground import Home
from mien.gallery.store.reading import Owner, Reading
from mien.gallery.store.receipt import verify_receipt
from mien.gallery.store.seal import Seal, Table

PAGE = 1000


def verify(reading: Reading, home: Home) -> list[str]:
    """As `Records.verify`."""
    problems: list[str] = []
    try:
        problems += [f"database: {line}" for line in home.check(reading.connection)]
        problems += _keys(reading)
        after = 0
        while rows := reading.rows("SELECT * FROM people WHERE number > ? ORDER BY number LIMIT ?", (after, PAGE)):
            for row in rows:
                problems += _person(reading, row)
            after = rows[-1][0]
        problems += _strays(reading)
        problems += _own(reading)
    except Exception as error:
        plain = home.plain(error)
        if plain is None:
            raise
        # What is corrupt is already listed, or is why the check cannot go on.
        problems.append(f"database: {plain.cause}")
    return problems + _receipts(reading, home)


def _keys(reading: Reading) -> list[str]:
    try:
        return ["records: have not seen every removal; open the gallery to finish them"] if reading.is_behind() else []
    except GalleryError as error:
        return [f"keys: {error.cause}"]


def _person(reading: Reading, row: tuple[Any, ...]) -> list[str]:
    number, person, slot, check, _, n_templates, name_tag, external_tag, profile, templates = row
    whom = f"person {id_text(person)}"
    try:
        seal = reading.seal(Owner(number, person, slot, check))
    except GalleryError as error:
        return [f"{whom}: {error.cause}"]
    if seal is None:
        return [f"{whom}: the key is destroyed, the rows are still there"]
    problems = _pieces(reading, seal, number, person)
    said = _open(seal, Table.PROFILE, number, profile, problems)
    content = _open(seal, Table.TEMPLATES, number, templates, problems)
    if said is not None:
        named = decode_profile(said)[0]
        tags = (reading.vault.name_tag(named.name), reading.vault.external_tag(named.external_id))
        if tags != (name_tag, external_tag):
            problems.append("the look-up tags are of another name or external id")
    if content is not None:
        shelf = reading.vault.open_shelf(seal, number, templates)
        if len(shelf.templates) != n_templates:
            problems.append(f"{n_templates} templates are said to be there, there are {len(shelf.templates)}")
        if said is not None and decode_labels(shelf.labels) != decode_labels(encode_labels(named)):
            problems.append("what the index filters by is not what the profile says")
        rows = {one for (one,) in reading.rows("SELECT template FROM crops WHERE person = ?", (number,))}
        if rows != {one.id for one, has in zip(shelf.templates, shelf.has_crop, strict=True) if has}:
            problems.append("the crops do not fit the templates")
    return [f"{whom}: {problem}" for problem in problems]


def _pieces(reading: Reading, seal: Seal, number: int, person: bytes) -> list[str]:
    problems: list[str] = []
    for table, sql, owner in (
        (Table.CROP, "SELECT template, content FROM crops WHERE person = ?", number),
        (Table.NEGATIVE, "SELECT number, content FROM negatives WHERE person = ?", number),
        (Table.ANSWER, "SELECT number, content FROM answers WHERE person = ?", number),
        (Table.EVENT, "SELECT seq, detail FROM history WHERE person = ? AND detail IS NOT NULL", person),
    ):
        for row, sealed in reading.rows(sql, (owner,)):
            _open(seal, table, row, sealed, problems)
    return problems


def _open(seal: Seal, table: Table, row: int, sealed: bytes, problems: list[str]) -> bytes | None:
    try:
        return seal.open(table, row, sealed)
    except GalleryError as error:
        problems.append(error.cause)
        return None


def _own(reading: Reading) -> list[str]:
    """What is sealed as the gallery's own."""
    problems: list[str] = []
    for row, sealed in reading.rows("SELECT number, content FROM answers WHERE person IS NULL"):
        _open(reading.vault.ledger, Table.ANSWER, row, sealed, problems)
    for row, sealed in reading.rows("SELECT seq, detail FROM history WHERE person IS NULL AND detail IS NOT NULL"):
        _open(reading.vault.ledger, Table.EVENT, row, sealed, problems)
    return [f"gallery: {problem}" for problem in problems]


def _strays(reading: Reading) -> list[str]:
    """Rows of nobody."""
    problems = []
    for name in ("crops", "negatives", "answers"):
        sql = f"SELECT count(*) FROM {name} WHERE person IS NOT NULL AND person NOT IN (SELECT number FROM people)"
        count = reading.rows(sql)[0][0]
        problems += [f"{name}: {count} of nobody"] if count else []
    sql = """SELECT count(*) FROM history WHERE detail IS NOT NULL AND person IS NOT NULL
        AND person NOT IN (SELECT id FROM people)"""
    count = reading.rows(sql)[0][0]
    return problems + ([f"history: {count} details of nobody"] if count else [])


def _receipts(reading: Reading, home: Home) -> list[str]:
    public = reading.vault.root.signer.public_key().public_bytes_raw()
    problems = []
    for name, receipt in home.receipts(reading.connection):
        if isinstance(receipt, GalleryError):
            problems.append(f"receipt {name}: {receipt.cause}")
        elif not verify_receipt(receipt, public):
            problems.append(f"receipt {name}: the signature is wrong")
    return problems
