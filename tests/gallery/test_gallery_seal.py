"""Sealing, look-up tags, the rotation and receipts."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.gallery.stored_people import NOW, vector

from mien.gallery.errors import GalleryDamaged, GalleryMissing
from mien.gallery.store.receipt import Counts, Receipt, load_receipt, save_receipt, sign, verify_receipt
from mien.gallery.store.rotation import make_rotation, rotate, rotate_back
from mien.gallery.store.seal import Seal, Table, derive, lookup_tag, same_name

KEY, GALLERY, ANNA, BOB = bytes(range(32)), b"g" * 16, b"a" * 16, b"b" * 16


def test_what_is_sealed_opens_only_in_its_place() -> None:
    seal = Seal(KEY, GALLERY, ANNA)
    sealed = seal.close(Table.PROFILE, 5, b"content")
    assert seal.open(Table.PROFILE, 5, sealed) == b"content"
    elsewhere = [
        (seal, Table.TEMPLATES, 5),
        (seal, Table.PROFILE, 6),
        (Seal(KEY, GALLERY, BOB), Table.PROFILE, 5),
        (Seal(KEY, b"h" * 16, ANNA), Table.PROFILE, 5),
        (Seal(bytes(32), GALLERY, ANNA), Table.PROFILE, 5),
    ]
    for other, table, row in elsewhere:
        with pytest.raises(GalleryDamaged, match=f"in row {row}"):
            other.open(table, row, sealed)


@pytest.mark.parametrize("place", range(0, 35, 2))
def test_a_changed_bit_is_noticed(place: int) -> None:
    seal = Seal(KEY, GALLERY, ANNA)
    sealed = bytearray(seal.close(Table.CROP, 1, b"content"))
    sealed[place] ^= 1
    with pytest.raises(GalleryDamaged):
        seal.open(Table.CROP, 1, bytes(sealed))


@pytest.mark.parametrize("length", [0, 5, 12, 27])
def test_a_cut_piece_is_noticed(length: int) -> None:
    seal = Seal(KEY, GALLERY, ANNA)
    with pytest.raises(GalleryDamaged):
        seal.open(Table.CROP, 1, seal.close(Table.CROP, 1, b"")[:length])


def test_two_seals_of_one_content_differ() -> None:
    seal = Seal(KEY, GALLERY, ANNA)
    assert seal.close(Table.CROP, 1, b"same") != seal.close(Table.CROP, 1, b"same")


def test_keys_for_two_purposes_differ() -> None:
    assert len({derive(KEY, purpose) for purpose in ("database", "slots", "ledger", "look-up")}) == 4


def test_tags_tell_names_and_kinds_apart() -> None:
    tags = {
        lookup_tag(KEY, "name", "anna"),
        lookup_tag(KEY, "external id", "anna"),
        lookup_tag(bytes(32), "name", "anna"),
    }
    assert len(tags) == 3
    assert b"anna" not in b"".join(tags)


def test_names_are_compared_as_people_do() -> None:
    assert same_name("  Änna\tB ") == same_name("A\u0308NNA b")
    assert same_name("Straße") == same_name("STRASSE")
    assert same_name("Anna") != same_name("Anne")


def test_the_rotation_is_orthogonal_and_never_the_same() -> None:
    first, second = make_rotation(64), make_rotation(64)
    assert np.abs(first @ first.T - np.eye(64)).max() < 1e-6
    assert np.abs(first - second).max() > 0.1


def test_the_rotation_is_uniform_in_its_signs() -> None:
    """QR alone makes a matrix whose diagonal leans to one side."""
    diagonals = np.array([np.diag(make_rotation(8)) for _ in range(300)])
    assert abs(diagonals.mean()) < 0.05


def test_cosines_stay_inside_a_gallery() -> None:
    vectors = np.array([vector(seed, 128) for seed in range(40)])
    rotation = make_rotation(128)
    stored = rotate(vectors, rotation)
    assert np.abs(stored @ stored.T - vectors @ vectors.T).max() < 1e-5
    assert np.abs(rotate_back(stored, rotation) - vectors).max() < 1e-5


def test_stored_vectors_cannot_be_linked_across_galleries() -> None:
    """The cosine of one person's stored vectors in two galleries is as that of two people's: no more, no less."""
    vectors = np.array([vector(seed, 128) for seed in range(400)])
    one, other = rotate(vectors, make_rotation(128)), rotate(vectors, make_rotation(128))
    across = one @ other.T
    same, different = np.diag(across), across[~np.eye(len(across), dtype=bool)]
    # All persons' cosines share the trace of the turn between the two, over D: a standard deviation of 1 / 128, so that
    # more people do not make the mean sharper. The bounds are six standard deviations or more; one linked is 1.
    assert abs(same.mean() - different.mean()) < 0.06
    assert abs(same.std() - different.std()) < 0.03
    ranks = (different.reshape(len(same), -1) > same[:, None]).mean(axis=1)
    assert abs(ranks.mean() - 0.5) < 0.2


def a_receipt() -> Receipt:
    return Receipt("gallery", "ab" * 32, NOW, 9, Counts(3, 2, 5, 1, 0))


def test_a_receipt_is_verified_with_the_public_key_alone(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    save_receipt(sign(a_receipt(), key), tmp_path / "receipts")
    loaded = load_receipt(tmp_path / "receipts" / f"{'ab' * 32}.json")
    assert loaded == sign(a_receipt(), key)
    assert verify_receipt(loaded, public)
    assert not verify_receipt(loaded, Ed25519PrivateKey.generate().public_key().public_bytes_raw())


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 10},
        {"person_sha256": "cd" * 32},
        {"counts": Counts(4, 2, 5, 1, 0)},
        {"signature": ""},
        {"signature": "x"},
    ],
)
def test_a_changed_receipt_does_not_verify(change: dict[str, object]) -> None:
    key = Ed25519PrivateKey.generate()
    changed = dataclasses.replace(sign(a_receipt(), key), **change)  # type: ignore[arg-type]
    assert not verify_receipt(changed, key.public_key().public_bytes_raw())


def test_what_is_no_receipt_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"at": "yesterday"}')
    with pytest.raises(GalleryDamaged, match="not a receipt"):
        load_receipt(tmp_path / "r.json")
    with pytest.raises(GalleryMissing):
        load_receipt(tmp_path / "none.json")
