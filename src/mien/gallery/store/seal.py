"""Sealing: AES-256-GCM over each piece of content, bound to the gallery, table, row and person that it belongs to.

Content that is changed, or moved to another row, person or gallery, does not open. An older version of the same row
does: what a thief of two copies could put back is only ever what was there before.
"""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from collections.abc import Iterable
from enum import IntEnum
from struct import Struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mien.gallery.errors import GalleryDamaged

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
ID_BYTES: Final = 16
NOBODY: Final = bytes(ID_BYTES)

_BOUND: Final = Struct(">8s16s16sBQ")
_MARK: Final = b"mien/1\0\0"


class Table(IntEnum):
    """What a sealed piece is; part of what it is bound to, so the numbers never change."""

    PROFILE = 1
    TEMPLATES = 2
    CROP = 3
    NEGATIVE = 4
    ANSWER = 5
    EVENT = 6
    META = 7


def derive(secret: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose (HKDF-SHA256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"mien gallery {purpose}".encode()).derive(secret)


class Seal:
    """Seals and opens what belongs to one person, or to the gallery itself (person `NOBODY`)."""

    __slots__ = ("_cipher", "_gallery", "_person")

    def __init__(self, key: bytes, gallery: bytes, person: bytes = NOBODY) -> None:
        self._cipher = AESGCM(key)
        self._gallery = gallery
        self._person = person

    def close(self, table: Table, row: int, content: bytes) -> bytes:
        """Nonce, ciphertext and tag: 28 bytes more than `content`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        bound = _BOUND.pack(_MARK, self._gallery, self._person, table, row)
        return nonce + self._cipher.encrypt(nonce, content, bound)

    @classmethod
    def open_many(
        cls, gallery: bytes, table: Table, sealed: Iterable[tuple[bytes | None, bytes, int, bytes]]
    ) -> list[bytes | None]:
        """Many pieces at once: (data key, person, row, sealed). None where the key is, or does not fit."""
        pack, number, found = _BOUND.pack, int(table), list[bytes | None]()
        for key, person, row, content in sealed:
            try:
                bound = pack(_MARK, gallery, person, number, row)
                found.append(key and AESGCM(key).decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], bound))
            except (InvalidTag, ValueError):
                found.append(None)
        return found

    def open(self, table: Table, row: int, sealed: bytes) -> bytes:
        """The content. Raises GalleryDamaged where it was changed or is of another place."""
        bound = _BOUND.pack(_MARK, self._gallery, self._person, table, row)
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
        except (InvalidTag, ValueError) as error:
            raise GalleryDamaged(
                f"The {table.name.lower()} in row {row} was changed by something other than mien.",
                "Restore a backup with `mien gallery restore`.",
            ) from error


def key_check(key: bytes, gallery: bytes, person: bytes) -> bytes:
    """8 bytes that say whether a data key is this person's, and nothing else about the key (HMAC-SHA256)."""
    return hmac.digest(key, b"check" + gallery + person, "sha256")[:8]


def lookup_tag(key: bytes, kind: str, text: str) -> bytes:
    """What an index finds `text` by without holding it: 16 bytes of HMAC-SHA256 under a key of the gallery.

    Who reads the records without that key learns nothing; who has both the records and the key can tell which people
    share a name, and can test a name or number that they guess.
    """
    return hmac.digest(key, f"{kind}\0{text}".encode(errors="surrogatepass"), "sha256")[:16]


def same_name(name: str) -> str:
    """A name as `find` compares it: Unicode NFKC, without regard to case, runs of white space as one blank."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
