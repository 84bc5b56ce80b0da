"""The receipt of a removal: signed by the gallery, free of personal data, checked with the public key alone."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mien.gallery.errors import GalleryDamaged, GalleryMissing
from mien.gallery.store.disk import sync, sync_folder
from mien.record import Record

FORMAT: Final = "mien-receipt/1"
RECEIPTS: Final = "receipts"


@dataclass(frozen=True, slots=True)
class Counts(Record):
    """How many of each were deleted with a person; events are lines of history whose detail was."""

    templates: int
    crops: int
    events: int
    negatives: int
    answers: int


@dataclass(frozen=True, slots=True)
class Receipt(Record):
    """Who was removed, when and by which gallery.

    person_sha256: SHA-256 of the person's id, as hex: who holds the id can show that the receipt is about it. The
    counts are of rows deleted. signature: Ed25519 (RFC 8032) over all other fields, as hex.
    """

    gallery_id: str
    person_sha256: str
    at: datetime
    seq: int
    counts: Counts
    signature: str = ""
    format: str = FORMAT


def sign(receipt: Receipt, key: Ed25519PrivateKey) -> Receipt:
    """The receipt with its signature."""
    return dataclasses.replace(receipt, signature=key.sign(_signed_bytes(receipt)).hex())


def verify_receipt(receipt: Receipt, public_key: bytes) -> bool:
    """Whether the gallery with this public key (32 bytes) signed the receipt and nobody changed it since."""
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(bytes.fromhex(receipt.signature), _signed_bytes(receipt))
    except (InvalidSignature, ValueError):
        return False
    return True


def save_receipt(receipt: Receipt, folder: Path) -> None:
    """Write the receipt durably to `folder`/<person_sha256>.json, in place of an earlier one for the same removal."""
    if not folder.exists():
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
    path = receipt_path(receipt, folder)
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        file.write(receipt.to_json() + "\n")
        file.flush()
        sync(file.fileno())
    part.replace(path)
    sync_folder(folder)


def receipt_path(receipt: Receipt, folder: Path) -> Path:
    """Where `save_receipt` writes it."""
    return folder / f"{receipt.person_sha256}.json"


def load_receipt(path: Path) -> Receipt:
    """Read a receipt's file. Raises GalleryMissing, and GalleryDamaged where it is not one."""
    try:
        return parse_receipt(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise GalleryMissing(f"The receipt {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise _no_receipt(str(path)) from error


def parse_receipt(text: str, where: str) -> Receipt:
    """Read a receipt's JSON; `where` is what an error calls it. Raises GalleryDamaged where it is not one."""
    try:
        fields = json.loads(text)
        own = {"at": datetime.fromisoformat(fields["at"]), "counts": Counts(**fields["counts"])}
        own["signature"] = str(fields["signature"])
        # `mien serve` says more in its answer than what is signed.
        known = {field.name: fields[field.name] for field in dataclasses.fields(Receipt)}
        return Receipt(**known | own)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _no_receipt(where) from error


def _no_receipt(where: str) -> GalleryDamaged:
    return GalleryDamaged(f"{where} is not a receipt of a removal.")


def _signed_bytes(receipt: Receipt) -> bytes:
    fields = {name: value for name, value in receipt.to_dict().items() if name != "signature"}
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
