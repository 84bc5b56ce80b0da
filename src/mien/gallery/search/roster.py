"""People by number: 16 bytes for the id, and a hash table of numbers, instead of Python objects a person."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.gallery.search.planes import reserved

Keys = NDArray[np.bytes_]
Int32s = NDArray[np.int32]

FREE: Final = -1
LEFT: Final = -2  # whoever was here has left: a search goes on past it
_KEY: Final = np.dtype("S16")
_SPELT: Final = 26
_ALPHABET: Final = b"abcdefghijklmnopqrstuvwxyz234567"
_VALUES: Final = np.full(256, 255, np.uint8)
_VALUES[np.frombuffer(_ALPHABET, np.uint8)] = np.arange(len(_ALPHABET), dtype=np.uint8)
_FULL: Final = 0.8
_GROWTH: Final = 1.25


def keys_of(people: Sequence[str]) -> tuple[Keys, NDArray[np.bool_]]:
    """(P,) S16, and (P,) whether each id spells its 16 bytes in lower-case base32; any other text is hashed.

    The same as `base64` would say, for a million ids in a second.
    """
    keys = np.empty(len(people), _KEY)
    spelt = np.array([len(one) == _SPELT and one.isascii() for one in people], np.bool_)
    letters = np.array([one for one, right in zip(people, spelt.tolist(), strict=True) if right], f"S{_SPELT}")
    values = _VALUES[letters.view(np.uint8).reshape(-1, _SPELT)]
    # 26 letters of 5 bits are 130: the last two must be zero, else two texts would spell the same bytes.
    right = (values < len(_ALPHABET)).all(axis=1) & (values[:, -1] % 4 == 0)
    bits = np.unpackbits(values[right][:, :, None], axis=2)[:, :, 3:].reshape(-1, 5 * _SPELT)
    spelt[spelt] = right
    keys[spelt] = np.packbits(bits[:, : 8 * _KEY.itemsize], axis=1).view(_KEY)[:, 0]
    for at in np.flatnonzero(~spelt).tolist():
        keys[at] = blake2b(people[at].encode("utf-8", "surrogatepass"), digest_size=_KEY.itemsize).digest()
    return keys, spelt


def text_of(key: bytes) -> str:
    """The id that spells these 16 bytes."""
    return base64.b32encode(key.ljust(_KEY.itemsize, b"\0")).decode().rstrip("=").lower()


@dataclass(frozen=True, slots=True, eq=False)
class RosterView:
    """Ids and label numbers as they were at one moment; what belongs to a number never changes."""

    keys: Keys
    labels: Int32s
    texts: dict[int, str]

    def text(self, number: int) -> str:
        """The id of a person."""
        text = self.texts.get(number)
        return text_of(bytes(self.keys[number])) if text is None else text


@dataclass(slots=True, eq=False)
class Roster:
    """Numbers are given in order and not reused: who is put anew gets a new one. Not thread-safe; readers get views.

    keys, labels: of each number. places: (size,) the chunk in which a number's rows lie, LEFT where it has none.
    texts: ids that do not spell 16 bytes.
    """

    size: int = 0
    keys: Keys = field(default_factory=lambda: np.empty(16, _KEY))
    labels: Int32s = field(default_factory=lambda: np.empty(16, np.int32))
    places: Int32s = field(default_factory=lambda: np.empty(16, np.int32))
    texts: dict[int, str] = field(default_factory=dict)
    _slots: Int32s = field(default_factory=lambda: np.full(32, FREE, np.int32))
    _taken: int = 0
    present: int = 0

    def find(self, people: Sequence[str]) -> Int32s:
        """(P,) the numbers of these people, FREE where there is none."""
        return self._walk(keys_of(people)[0])[1]

    def _walk(self, keys: Keys) -> tuple[NDArray[np.int64], Int32s]:
        """For each key the slot where the search for it ends, and its number there or FREE."""
        at = self._home(keys)
        number = self._slots[at]
        going = np.flatnonzero(self._differs(number, keys))
        while len(going):
            at[going] = (at[going] + 1) % len(self._slots)
            number[going] = self._slots[at[going]]
            going = going[self._differs(number[going], keys[going])]
        return at, number

    def _differs(self, number: Int32s, keys: Keys) -> NDArray[np.bool_]:
        other = self.keys[np.maximum(number, 0)] != keys
        differs: NDArray[np.bool_] = (number == LEFT) | ((number >= 0) & other)
        return differs

    def _home(self, keys: Keys) -> NDArray[np.int64]:
        """Where the search for a key begins; ids are random, so that their first bytes are as good as a hash."""
        head = np.ascontiguousarray(keys).view(np.uint64)[::2]
        return (head % np.uint64(len(self._slots))).astype(np.int64)

    def add(self, people: Sequence[str], labels: Int32s) -> Int32s:
        """Give numbers to people who have none (anymore), each named once. (P,) their numbers."""
        keys, spelt = keys_of(people)
        first, size = self.size, self.size + len(keys)
        self._reserve(size)
        numbers = np.arange(first, size, dtype=np.int32)
        self.keys[first:size], self.labels[first:size], self.places[first:size] = keys, labels, 0
        self.size = size
        self.present += len(keys)
        self.texts.update({first + at: people[at] for at in np.flatnonzero(~spelt).tolist()})
        self._enter(numbers)
        return numbers

    def _enter(self, numbers: Int32s) -> None:
        """Where several want one slot the last one written has it, and the others go on."""
        if (self._taken + len(numbers)) > _FULL * len(self._slots):
            living = np.flatnonzero(self.places[: self.size] >= 0).astype(np.int32)
            self._slots = reserved((max(32, int(len(living) / _FULL * _GROWTH) + 1),), np.int32)
            self._slots.fill(FREE)
            self._taken, numbers = 0, living
        self._taken += len(numbers)
        at = self._home(self.keys[numbers])
        while len(numbers):
            free = self._slots[at] == FREE
            self._slots[at[free]] = numbers[free]
            left = self._slots[at] != numbers
            numbers, at = numbers[left], (at[left] + 1) % len(self._slots)

    def drop(self, number: int) -> None:
        """Take a number out; its key may be added again. Views go on showing it."""
        (at,), _ = self._walk(self.keys[number : number + 1])
        self._slots[at] = LEFT
        self.places[number] = LEFT
        self.present -= 1

    def renumbered(self) -> tuple[Roster, Int32s]:
        """A new roster of those who are present, and (size,) the new number of each old one, FREE for who left."""
        living = np.flatnonzero(self.places[: self.size] >= 0).astype(np.int32)
        numbers = np.full(self.size, FREE, np.int32)
        numbers[living] = np.arange(len(living), dtype=np.int32)
        texts = {int(numbers[old]): text for old, text in self.texts.items() if numbers[old] >= 0}
        roster = Roster(len(living), self.keys[living], self.labels[living], self.places[living], texts)
        roster.present = len(living)
        roster._enter(np.arange(len(living), dtype=np.int32))
        return roster, numbers

    def _reserve(self, size: int) -> None:
        if size <= len(self.keys):
            return
        room = max(size, int(len(self.keys) * _GROWTH))
        for name in ("keys", "labels", "places"):
            old = getattr(self, name)
            grown = reserved((room,), old.dtype)
            grown[: self.size] = old[: self.size]
            setattr(self, name, grown)

    def view(self) -> RosterView:
        """As it is now."""
        return RosterView(self.keys[: self.size], self.labels[: self.size], self.texts)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays."""
        return self.keys.nbytes + self.labels.nbytes + self.places.nbytes + self._slots.nbytes
