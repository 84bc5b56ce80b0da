"""What a search may filter by, kept beside the index as a few arrays."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isnan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.gallery.errors import GalleryError

_ROW: Final = np.dtype([("tenant", np.int32), ("groups", np.int32), ("start", np.float64), ("end", np.float64)])


@dataclass(frozen=True, slots=True)
class Labels:
    """What is known of a person besides the templates; valid_from <= t < valid_until, in POSIX seconds, None: open.

    Raises GalleryError where a date is NaN.
    """

    tenant: str = ""
    groups: frozenset[str] = frozenset()
    valid_from: float | None = None
    valid_until: float | None = None

    def __post_init__(self) -> None:
        if any(isnan(moment) for moment in (self.valid_from, self.valid_until) if moment is not None):
            raise GalleryError("A date of validity is not a number.", "Give POSIX seconds, or None.")


@dataclass(frozen=True, slots=True)
class Filter:
    """Whom a search may find: of this tenant, of any of these groups, valid at this moment (POSIX seconds).

    None, and an empty set of groups, let everyone pass.
    """

    tenant: str | None = None
    groups: frozenset[str] = frozenset()
    at: float | None = None

    def passes(self, labels: Labels) -> bool:
        """Whether a person with these labels passes."""
        start, end = labels.valid_from, labels.valid_until
        return (
            (self.tenant is None or labels.tenant == self.tenant)
            and (not self.groups or not self.groups.isdisjoint(labels.groups))
            and (self.at is None or ((start is None or start <= self.at) and (end is None or self.at < end)))
        )


@dataclass(frozen=True, slots=True, eq=False)
class LabelView:
    """Labels as they were at one moment; a writer only ever appends behind what a view shows."""

    rows: NDArray[np.void]
    tenants: dict[str, int]
    groups: list[frozenset[str]]

    def allowed(self, keep: Filter) -> NDArray[np.bool_]:
        """(labels,) whether people with these labels pass."""
        rows = self.rows
        passed = np.ones(len(rows), np.bool_)
        if keep.tenant is not None:
            passed &= rows["tenant"] == self.tenants.get(keep.tenant, -1)
        if keep.groups:
            passed &= np.array([not keep.groups.isdisjoint(one) for one in self.groups], np.bool_)[rows["groups"]]
        if keep.at is not None:
            passed &= (rows["start"] <= keep.at) & (keep.at < rows["end"])
        return passed


@dataclass(slots=True, eq=False)
class LabelTable:
    """Distinct labels by number. Not thread-safe: the index's lock guards it; readers get a view."""

    _rows: NDArray[np.void] = field(default_factory=lambda: np.empty(16, _ROW))
    _size: int = 0
    _tenants: dict[str, int] = field(default_factory=dict)
    _groups: dict[frozenset[str], int] = field(default_factory=dict)
    _numbers: dict[tuple[int, int], int] = field(default_factory=dict)

    def number(self, labels: Labels) -> int:
        """The number of these labels.

        Labels with dates get a number each time, since most are one person's own; they are dropped with `live`.
        """
        start = -inf if labels.valid_from is None else labels.valid_from
        end = inf if labels.valid_until is None else labels.valid_until
        tenant = self._tenants.setdefault(labels.tenant, len(self._tenants))
        groups = self._groups.setdefault(labels.groups, len(self._groups))
        if (start, end) != (-inf, inf):
            return self._append((tenant, groups, start, end))
        if (tenant, groups) not in self._numbers:
            self._numbers[tenant, groups] = self._append((tenant, groups, start, end))
        return self._numbers[tenant, groups]

    def _append(self, row: tuple[int, int, float, float]) -> int:
        if self._size == len(self._rows):
            grown = np.empty(self._size + self._size // 2, _ROW)
            grown[: self._size] = self._rows
            self._rows = grown
        self._rows[self._size] = row
        self._size += 1
        return self._size - 1

    def live(self, numbers: NDArray[np.int32]) -> tuple[LabelTable, NDArray[np.int32]]:
        """A new table with only the labels in use, and (N,) the new number of each of `numbers`."""
        used, inverse = np.unique(numbers, return_inverse=True)
        size = max(16, len(used))
        table = LabelTable(np.empty(size, _ROW), len(used), dict(self._tenants), dict(self._groups))
        table._rows[: len(used)] = self._rows[used]
        for number, row in enumerate(table._rows[: len(used)].tolist()):
            if row[2:] == (-inf, inf):
                table._numbers[row[0], row[1]] = number
        return table, inverse.astype(np.int32)

    def view(self) -> LabelView:
        """As it is now. Groups are copied: there are few distinct sets of them."""
        return LabelView(self._rows[: self._size], self._tenants, list(self._groups))

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays; the few distinct texts are not counted."""
        return self._rows.nbytes
