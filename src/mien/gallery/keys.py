"""The file of keys: one small slot for each person, overwritten in place, and nowhere else a copy of any of them.

Layout, little-endian. The first 512 bytes are the header: magic, format, generation, gallery id, name of the master
key, the gallery's own keys sealed by the master key, a checksum; at 448 two marks, the newer of which counts the
destructions and names the last slot destroyed. Slots of 64 bytes follow: nonce, data key sealed by a key of the
gallery, tag, checksum. A destroyed slot holds random bytes and
the inverted checksum. No slot crosses a sector of the disk.

Overwriting in place destroys a key on disks and file systems that write in place. A copy-on-write file system, a
snapshot or a worn flash cell may keep the old bytes: they are sealed still, and `rekey` under a new master key makes
them worthless once the old master key is destroyed.
"""

from __future__ import annotations

import os
import secrets
import threading
import weakref
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from struct import Struct
from struct import error as struct_error
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mien.gallery.disk import read_at, sync, write_at
from mien.gallery.errors import GalleryDamaged, GalleryMissing, GalleryNewer, WrongKey
from mien.gallery.master import MasterKey
from mien.gallery.seal import KEY_BYTES, NONCE_BYTES, derive

FORMAT: Final = 1
HEADER_BYTES: Final = 512
MARKS_AT: Final = 448
MARK_BYTES: Final = 32
SLOT_BYTES: Final = 64
GROWTH: Final = 1024
"""Slots that the file grows by: filled beforehand, so that enrolment only overwrites."""

_FIXED: Final = Struct("<8sIIQ16s8s")
_SEALED_BYTES: Final = NONCE_BYTES + 2 * KEY_BYTES + 16
NO_SLOT: Final = (1 << 64) - 1
_MARK: Final = Struct("<QQI")
_SLOT_BOUND: Final = Struct("<8s16sQ")
_MAGIC: Final = b"mienkeys"
_CHECK: Final = Struct("<I")


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
    """What the file of keys says of itself before any key is known.

    generation: which `records-<generation>.db` belongs to these keys. master: name of the master key.
    """

    format: int
    generation: int
    gallery: bytes
    master: str


class KeyFile:
    """An open file of keys. Reading is safe in any thread; writers hold the lock of the records."""

    def __init__(self, path: Path, find: Callable[[str], MasterKey], writable: bool = True) -> None:
        """find: gives the master key of a name. Raises GalleryMissing, GalleryNewer, WrongKey, GalleryDamaged."""
        try:
            self._file = os.open(path, (os.O_RDWR if writable else os.O_RDONLY) | getattr(os, "O_BINARY", 0))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _missing(path) from error
        try:
            head = read_at(self._file, HEADER_BYTES, 0)
            self.header = parse_header(head, path)
            self.secrets = _unwrap(head, self.header, find(self.header.master))
        except BaseException:
            os.close(self._file)
            raise
        self.path = path
        self._cipher = slot_cipher(self.secrets)

        # Closed when the last thread that reads has let go of it, not before.
        self._lock = threading.Lock()
        self._closer = weakref.finalize(self, os.close, self._file)

    def close(self) -> None:
        """Let go of the file."""
        self._closer()

    def is_current(self) -> bool:
        """Whether the file at the path is still this one, and not one that a rekey or restore put in its place."""
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._file))
        except OSError:
            return False

    def capacity(self) -> int:
        """Slots in the file, used and free."""
        return max(0, (os.fstat(self._file).st_size - HEADER_BYTES) // SLOT_BYTES)

    def epoch(self) -> int:
        """How many times keys were destroyed; records that have seen fewer are behind. Raises GalleryDamaged."""
        return self._last_mark()[0]

    def marks(self) -> bytes:
        """The two marks as they are: for a copy of the file."""
        return read_at(self._file, HEADER_BYTES - MARKS_AT, MARKS_AT)

    def _last_mark(self) -> tuple[int, int]:
        """Count of destructions and the slot of the last one."""
        raw = self.marks()
        whole = [mark for at in (0, MARK_BYTES) if (mark := _decode_mark(raw[at : at + MARK_BYTES]))]
        if not whole:
            raise GalleryDamaged(f"{self.path} is damaged: its count of removals.", "Bring it back from a mirror.")
        return max(whole)

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

    def put(self, keys: Mapping[int, bytes]) -> None:
        """Write data keys into free slots, durably."""
        if keys and max(keys) >= self.capacity():
            self._grow(max(keys) + 1)
        for start, raw in _runs(
            (slot, seal_slot(self._cipher, self.header.gallery, slot, keys[slot])) for slot in sorted(keys)
        ):
            write_at(self._file, raw, HEADER_BYTES + SLOT_BYTES * start)
        sync(self._file)

    def destroy(self, slot: int) -> int:
        """Overwrite a slot with random bytes, durably; the new epoch, which is durable before the slot is touched."""
        epoch = self.epoch() + 1
        # The two marks are written in turn, so that one is always whole.
        write_at(self._file, encode_mark(epoch, slot), MARKS_AT + MARK_BYTES * (epoch % 2))
        sync(self._file)
        self._overwrite(slot)
        return epoch

    def mend(self) -> None:
        """Finish the last destruction, where a kill came in the middle of it."""
        slot = self._last_mark()[1]
        if slot < self.capacity():
            try:
                self.get(slot)
            except GalleryDamaged:
                self._overwrite(slot)

    def _overwrite(self, slot: int) -> None:
        write_at(self._file, free_slot(), HEADER_BYTES + SLOT_BYTES * slot)
        sync(self._file)

    def wipe(self) -> None:
        """Overwrite the whole file with random bytes: only after another has taken its place."""
        size = os.fstat(self._file).st_size
        for start in range(0, size, 1 << 20):
            write_at(self._file, secrets.token_bytes(min(1 << 20, size - start)), start)
        sync(self._file)

    def raw_slots(self) -> Iterator[bytes]:
        """The slots as they are, in pieces: for a copy with another header."""
        for start in range(0, self.capacity(), GROWTH):
            yield read_at(
                self._file, SLOT_BYTES * min(GROWTH, self.capacity() - start), HEADER_BYTES + SLOT_BYTES * start
            )

    def _grow(self, needed: int) -> None:
        have = self.capacity()
        wanted = -(-needed // GROWTH) * GROWTH
        write_at(self._file, b"".join(free_slot() for _ in range(wanted - have)), HEADER_BYTES + SLOT_BYTES * have)
        sync(self._file)

    def _read_slots(self, slots: Sequence[int]) -> list[bytes]:
        low, high = min(slots, default=0), max(slots, default=-1)
        if high - low > 4 * len(slots) + 64:
            return [read_at(self._file, SLOT_BYTES, HEADER_BYTES + SLOT_BYTES * slot) for slot in slots]
        block = read_at(self._file, SLOT_BYTES * (high - low + 1), HEADER_BYTES + SLOT_BYTES * low)
        return [block[SLOT_BYTES * (slot - low) : SLOT_BYTES * (slot - low + 1)] for slot in slots]

    def _explain(self, slot: int, raw: bytes) -> bytes | None:
        """Why a slot does not open: None where it was destroyed, GalleryDamaged otherwise."""
        if len(raw) == SLOT_BYTES and raw[-4:] == _CHECK.pack(zlib.crc32(raw[:-4]) ^ 0xFFFFFFFF):
            return None
        # A removal in another process may have been overwriting the slot at that very moment.
        again = self._read_slots([slot])[0]
        if again != raw:
            return self.get(slot)
        raise GalleryDamaged(
            f"Slot {slot} of {self.path} is damaged, so that one person cannot be read.",
            "Bring the file of keys back from a mirror; a backup of the records does not hold it.",
        )


def parse_header(head: bytes, path: Path) -> Header:
    """Read the part that needs no key. Raises GalleryDamaged, GalleryNewer."""
    try:
        magic, number, _, generation, gallery, master = _FIXED.unpack_from(head)
        end = _FIXED.size + _SEALED_BYTES
        (check,) = _CHECK.unpack_from(head, end)
    except struct_error as error:
        raise GalleryDamaged(f"{path} is too short for a file of keys.", "Bring it back from a mirror.") from error
    if magic == _MAGIC and number > FORMAT:
        raise GalleryNewer(f"{path} has format {number}, this version reads up to {FORMAT}.", "Update mien.")
    if magic != _MAGIC or check != zlib.crc32(head[:end]):
        raise GalleryDamaged(f"{path} is not a file of keys, or is damaged.", "Bring it back from a mirror.")
    return Header(number, generation, gallery, master.hex())


def _missing(path: Path) -> GalleryMissing:
    return GalleryMissing(f"There is no gallery at {path.parent}.", "Make one with `mien gallery init`.")


def write_key_file(
    path: Path, header: Header, keys: GalleryKeys, master: MasterKey, slots: Iterable[bytes], marks: bytes
) -> None:
    """Write a whole new file of keys, durably. slots: pieces of whole slots, in order. marks: one or two of them."""
    fixed = _FIXED.pack(_MAGIC, header.format, 0, header.generation, header.gallery, bytes.fromhex(master.name))
    nonce = secrets.token_bytes(NONCE_BYTES)
    wrapped = fixed + nonce + AESGCM(_wrapper(master)).encrypt(nonce, keys.root + keys.signing, fixed)
    head = wrapped + _CHECK.pack(zlib.crc32(wrapped))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(head.ljust(MARKS_AT, b"\0") + marks.ljust(HEADER_BYTES - MARKS_AT, b"\0"))
        for piece in slots:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


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
            raise GalleryDamaged(
                "The header of the file of keys is damaged.", "Bring it back from a mirror."
            ) from error
        raise WrongKey(
            f"The master key from {master.source} is {master.name}; this gallery's is {header.master}.",
            "Give the key that the gallery was made or last rekeyed with.",
        ) from error
    return GalleryKeys(both[:KEY_BYTES], both[KEY_BYTES:])


def _runs(slots: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """Neighbouring slots as one piece: first slot and bytes."""
    start, pieces = 0, list[bytes]()
    for slot, raw in slots:
        if pieces and slot != start + len(pieces):
            yield start, b"".join(pieces)
            pieces = []
        if not pieces:
            start = slot
        pieces.append(raw)
    if pieces:
        yield start, b"".join(pieces)
