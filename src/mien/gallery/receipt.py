"""The receipt of a removal: signed by the gallery, free of personal data, checked with the public key alone."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mien.gallery.disk import sync, sync_folder
from mien.gallery.errors import GalleryDamaged, GalleryMissing
from mien.record import Record

FORMAT: Final = "mien-receipt/1"


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

    def to_dict(self) -> dict[str, Any]:
        """Fields as JSON has them; the time as ISO 8601 in UTC."""
        # `slots=True` makes the class anew, so that `super()` without arguments would not find it.
        return Record.to_dict(self) | {"at": self.at.astimezone(UTC).isoformat()}


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
    folder.mkdir(exist_ok=True)
    path = folder / f"{receipt.person_sha256}.json"
    part = path.with_suffix(".part")
    with part.open("w", encoding="utf-8") as file:
        file.write(receipt.to_json() + "\n")
        file.flush()
        sync(file.fileno())
    part.replace(path)
    sync_folder(folder)


def load_receipt(path: Path) -> Receipt:
    """Read a receipt's file. Raises GalleryMissing, and GalleryDamaged where it is not one."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        own = {"at": datetime.fromisoformat(fields["at"]), "counts": Counts(**fields["counts"])}
        return Receipt(**fields | own)
    except OSError as error:
        raise GalleryMissing(f"The receipt {path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, KeyError) as error:
        raise GalleryDamaged(f"{path} is not a receipt of a removal.") from error


def _signed_bytes(receipt: Receipt) -> bytes:
    fields = {name: value for name, value in receipt.to_dict().items() if name != "signature"}
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
