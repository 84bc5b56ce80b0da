"""The file of keys: one small slot for each person, overwritten in place, and nowhere else a copy of any of them.

Layout: the first 512 bytes hold the header, and at 448 two marks, of which the newer counts; slots of 64 bytes follow
(see `slots`). No slot crosses a sector of the disk.

Overwriting in place destroys a key on disks and file systems that write in place. A copy-on-write file system, a
snapshot or a worn flash cell may keep the old bytes: they are sealed still, and `rekey` under a new master key makes
them worthless once the old master key is destroyed.
"""

from __future__ import annotations

import os
import secrets
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from mien.gallery.errors import GalleryDamaged, GalleryMissing
from mien.gallery.store.disk import read_at, sync, write_at
from mien.gallery.store.master import MasterKey
from mien.gallery.store.slots import (
    MARK_BYTES,
    SLOT_BYTES,
    GalleryKeys,
    Header,
    SlotKeys,
    encode_header,
    encode_mark,
    free_slot,
)

HEADER_BYTES: Final = 512
MARKS_AT: Final = 448
GROWTH: Final = 1024
"""Slots that the file grows by: filled beforehand, so that enrolment only overwrites."""


class KeyFile(SlotKeys):
    """An open file of keys. Reading is safe in any thread; writers hold the lock of the records."""

    def __init__(self, path: Path, find: Callable[[str], MasterKey], writable: bool = True) -> None:
        """find: gives the master key of a name. Raises GalleryMissing, GalleryNewer, WrongKey, GalleryDamaged."""
        try:
            self._file = os.open(path, (os.O_RDWR if writable else os.O_RDONLY) | getattr(os, "O_BINARY", 0))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise _missing(path) from error
        try:
            super().__init__(read_at(self._file, HEADER_BYTES, 0), str(path), find)
        except BaseException:
            os.close(self._file)
            raise
        self.path = path

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

    def marks(self) -> bytes:
        """The two marks as they are."""
        return read_at(self._file, HEADER_BYTES - MARKS_AT, MARKS_AT)

    def put(self, keys: Mapping[int, bytes]) -> None:
        """Write data keys into free slots, durably."""
        if keys and max(keys) >= self.capacity():
            self._grow(max(keys) + 1)
        for start, raw in _runs((slot, self.sealed(slot, keys[slot])) for slot in sorted(keys)):
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
        slot = self.last_mark(self.marks())[1]
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


def _missing(path: Path) -> GalleryMissing:
    return GalleryMissing(
        f"There is no gallery at {path.parent}.", f"Make one with `mien gallery init --gallery {path.parent}`."
    )


def write_key_file(
    path: Path, header: Header, keys: GalleryKeys, master: MasterKey, slots: Iterable[bytes], marks: bytes
) -> None:
    """Write a whole new file of keys, durably. slots: pieces of whole slots, in order. marks: one or two of them."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(handle, "wb") as file:
        head = encode_header(header, keys, master)
        file.write(head.ljust(MARKS_AT, b"\0") + marks.ljust(HEADER_BYTES - MARKS_AT, b"\0"))
        for piece in slots:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


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
