"""What the keys of a gallery are as bytes, wherever they are kept: a header, two marks, and a slot for each person.

Little-endian. The header: magic, format, generation, gallery id, name of the master key, the gallery's own keys sealed
by the master key, a checksum. A mark counts the destructions and names the last slot destroyed. A slot has 64 bytes:
nonce, data key sealed by a key of the gallery, tag, checksum. A destroyed slot holds random bytes and the inverted
checksum.
"""

from __future__ import annotations

import secrets
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from struct import Struct
from struct import error as struct_error
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mien.gallery.errors import GalleryDamaged, GalleryNewer, WrongKey
from mien.gallery.store.master import MasterKey
from mien.gallery.store.seal import KEY_BYTES, NONCE_BYTES, derive

FORMAT: Final = 1
MARK_BYTES: Final = 32
SLOT_BYTES: Final = 64
NO_SLOT: Final = (1 << 64) - 1

_FIXED: Final = Struct("<8sIIQ16s8s")
_SEALED_BYTES: Final = NONCE_BYTES + 2 * KEY_BYTES + 16
_MARK: Final = Struct("<QQI")
_SLOT_BOUND: Final = Struct("<8s16sQ")
_MAGIC: Final = b"mienkeys"
_CHECK: Final = Struct("<I")

BRING_BACK: Final = (
    "Put back the copy of the keys that `mien gallery backup --keys` keeps: delete the file, then run `mien gallery"
    " restore BACKUP --keys COPY`."
)


@dataclass(frozen=True, slots=True)
class GalleryKeys:
    """The gallery's own secrets. root: all other keys are derived from it. signing: seed of the Ed25519 key."""

    root: bytes = field(repr=False)
    signing: bytes = field(repr=False)

    @classmethod
    def new(cls) -> GalleryKeys:
        """Fresh ones."""
        return cls(secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES))

    def signer(self) -> Ed25519PrivateKey:
        """What signs receipts."""
        return Ed25519PrivateKey.from_private_bytes(self.signing)


@dataclass(frozen=True, slots=True)
class Header:
    """What the keys say of themselves before any key is known.

    generation: which records belong to these keys; a rekey counts it up. master: name of the master key.
    """

    format: int
    generation: int
    gallery: bytes
    master: str


class SlotKeys(ABC):
    """The keys of a gallery, opened by the master key. Subclasses say where the bytes are."""

    def __init__(self, head: bytes, where: str, find: Callable[[str], MasterKey]) -> None:
        """find: gives the master key of a name. Raises GalleryNewer, WrongKey, GalleryDamaged."""
        self.header = parse_header(head, where)
        self.secrets = _unwrap(head, self.header, find(self.header.master))
        self.where = where
        self._cipher = slot_cipher(self.secrets)

    @abstractmethod
    def _read_slots(self, slots: Sequence[int]) -> list[bytes]:
        """The bytes of these slots, fewer than 64 where there are no more."""

    @abstractmethod
    def marks(self) -> bytes:
        """One or two marks as they are: for a copy of the keys."""

    def get(self, slot: int) -> bytes | None:
        """The data key in a slot, None where it was destroyed. Raises GalleryDamaged for anything else."""
        return self.get_many([slot])[0]

    def get_many(self, slots: Sequence[int]) -> list[bytes | None]:
        """As `get`, for many: slots that lie near each other are read at once."""
        # Written out, since a scan asks for a million keys.
        gallery, pack, decrypt = self.header.gallery, _SLOT_BOUND.pack, self._cipher.decrypt
        found: list[bytes | None] = []
        for slot, raw in zip(slots, self._read_slots(slots), strict=True):
            try:
                found.append(decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:-4], pack(_MAGIC, gallery, slot)))
            except (InvalidTag, ValueError):
                found.append(self._explain(slot, raw))
        return found

    def sealed(self, slot: int, key: bytes) -> bytes:
        """The 64 bytes of a slot that holds this data key."""
        return seal_slot(self._cipher, self.header.gallery, slot, key)

    def epoch(self) -> int:
        """How many times keys were destroyed; records that have seen fewer are behind. Raises GalleryDamaged."""
        return self.last_mark(self.marks())[0]

    def last_mark(self, raw: bytes) -> tuple[int, int]:
        """Count of destructions and the slot of the last one, from marks. Raises GalleryDamaged."""
        whole = [mark for at in range(0, len(raw), MARK_BYTES) if (mark := _decode_mark(raw[at : at + MARK_BYTES]))]
        if not whole:
            raise GalleryDamaged(f"{self.where} is damaged: its count of removals.", BRING_BACK)
        return max(whole)

    def _explain(self, slot: int, raw: bytes) -> bytes | None:
        """Why a slot does not open: None where it was destroyed, GalleryDamaged otherwise."""
        if len(raw) == SLOT_BYTES and raw[-4:] == _CHECK.pack(zlib.crc32(raw[:-4]) ^ 0xFFFFFFFF):
            return None
        # A removal in another process may have been overwriting the slot at that very moment.
        again = self._read_slots([slot])[0]
        if again != raw:
            return self.get(slot)
        raise GalleryDamaged(
            f"Slot {slot} of {self.where} is damaged, so that one person cannot be read.",
            BRING_BACK,
        )


def parse_header(head: bytes, where: str) -> Header:
    """Read the part that needs no key. Raises GalleryDamaged, GalleryNewer."""
    try:
        magic, number, _, generation, gallery, master = _FIXED.unpack_from(head)
        end = _FIXED.size + _SEALED_BYTES
        (check,) = _CHECK.unpack_from(head, end)
    except struct_error as error:
        raise GalleryDamaged(f"{where} is too short for a file of keys.", BRING_BACK) from error
    if magic == _MAGIC and number > FORMAT:
        raise GalleryNewer(f"{where} has format {number}, this version reads up to {FORMAT}.", "Update mien.")
    if magic != _MAGIC or check != zlib.crc32(head[:end]):
        raise GalleryDamaged(f"{where} is not a file of keys, or is damaged.", BRING_BACK)
    return Header(number, generation, gallery, master.hex())


def encode_header(header: Header, keys: GalleryKeys, master: MasterKey) -> bytes:
    """What `parse_header` reads, with the gallery's own keys wrapped by the master key."""
    fixed = _FIXED.pack(_MAGIC, header.format, 0, header.generation, header.gallery, bytes.fromhex(master.name))
    nonce = secrets.token_bytes(NONCE_BYTES)
    wrapped = fixed + nonce + AESGCM(_wrapper(master)).encrypt(nonce, keys.root + keys.signing, fixed)
    return wrapped + _CHECK.pack(zlib.crc32(wrapped))


def slot_cipher(keys: GalleryKeys) -> AESGCM:
    """What seals the slots of a gallery with these keys."""
    return AESGCM(derive(keys.root, "slots"))


def seal_slot(cipher: AESGCM, gallery: bytes, slot: int, key: bytes) -> bytes:
    """The 64 bytes of a slot that holds a data key."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    raw = nonce + cipher.encrypt(nonce, key, _SLOT_BOUND.pack(_MAGIC, gallery, slot))
    return raw + _CHECK.pack(zlib.crc32(raw))


def free_slot() -> bytes:
    """The 64 bytes of a slot that holds nothing, or no longer."""
    raw = secrets.token_bytes(SLOT_BYTES - 4)
    return raw + _CHECK.pack(zlib.crc32(raw) ^ 0xFFFFFFFF)


def encode_mark(epoch: int, slot: int) -> bytes:
    """A count of destructions and the slot of the last one, with a checksum."""
    return _MARK.pack(epoch, slot, zlib.crc32(_MARK.pack(epoch, slot, 0))).ljust(MARK_BYTES, b"\0")


def _decode_mark(raw: bytes) -> tuple[int, int] | None:
    epoch, slot, check = _MARK.unpack_from(raw.ljust(MARK_BYTES, b"\0"))
    # Where no mark was ever written there are zeros.
    return (epoch, slot) if check == zlib.crc32(_MARK.pack(epoch, slot, 0)) else None


def _wrapper(master: MasterKey) -> bytes:
    return derive(master.key, "master key")


def _unwrap(head: bytes, header: Header, master: MasterKey) -> GalleryKeys:
    start = _FIXED.size
    nonce, sealed = head[start : start + NONCE_BYTES], head[start + NONCE_BYTES : start + _SEALED_BYTES]
    try:
        both = AESGCM(_wrapper(master)).decrypt(nonce, sealed, head[:start])
    except InvalidTag as error:
        if header.master == master.name:
            raise GalleryDamaged("The header of the file of keys is damaged.", BRING_BACK) from error
        raise WrongKey(
            f"The master key from {master.source} is {master.name}; this gallery's is {header.master}.",
            "Give the key that the gallery was made or last rekeyed with.",
        ) from error
    return GalleryKeys(both[:KEY_BYTES], both[KEY_BYTES:])
