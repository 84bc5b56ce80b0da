"""Stretches: runs of sights of which there is no doubt that they are one face, so that a stretch may have an identity.

Strict on purpose, unlike `mien.track`, which joins what most likely belongs together: a face that is left bare by
mistake cannot be taken back, while a stretch too many is only identified once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from mien.detect.rows import Rows, overlaps, shared
from mien.face import Floats

# The next sight of a face overlaps where it is expected by so much, intersection over union, and nothing else does.
SAME: Final = 0.3
NEAR: Final = 0.1
# Longer without a sight, and another face may have taken its place.
GAP_SECONDS: Final = 0.25
# Of the smaller of two faces, what may lie within the other before it is in doubt whose face is whose.
TOUCHING: Final = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """One face in one frame.

    row: (20,) float32: a candidate as `mien.detect.rows` has it, then its bearing as `mien.redact.bearing` has it.
    touched: another face overlaps it.
    """

    time_seconds: float
    row: Rows
    touched: bool


@dataclass(slots=True, eq=False)
class Stretch:
    """Sights of one face, in order; grows while the video is read."""

    number: int
    sights: list[Sight] = field(default_factory=list)

    def expected(self) -> Floats:
        """(4,) the box where the next sight should be: as far on as the last two sights are apart."""
        last = self.sights[-1].row[:4]
        if len(self.sights) < 2:
            return last
        before = self.sights[-2].row[:4]
        step = last[:2] + last[2:] / 2 - before[:2] - before[2:] / 2
        if np.abs(step).max() > last[2:].max():
            return last
        return np.concatenate([last[:2] + step, last[2:]])


class Linker:
    """Puts the sights of frame after frame into stretches. For one thread."""

    def __init__(self) -> None:
        self.stretches: list[Stretch] = []
        self._open: list[Stretch] = []

    def update(self, time_seconds: float, rows: Rows, jumped: bool) -> list[Stretch]:
        """The stretch of each row (N, 20). jumped: the picture may show another scene, so that every stretch ends."""
        known = [one for one in self._open if time_seconds - one.sights[-1].time_seconds <= GAP_SECONDS]
        pairs = {} if jumped else _pairs(known, rows)
        touched = _touched(rows)
        found = []
        for index, row in enumerate(rows):
            stretch = known[pairs[index]] if index in pairs and not touched[index] else self._new()
            stretch.sights.append(Sight(time_seconds, row.copy(), bool(touched[index])))
            found.append(stretch)
        missed = [] if jumped else [one for index, one in enumerate(known) if index not in set(pairs.values())]
        # Whatever overlaps a face that is missing may be it, or be in front of it.
        self._open = [*found, *(one for one in missed if one not in found and not _hidden(one, rows))]
        return found

    def _new(self) -> Stretch:
        self.stretches.append(Stretch(len(self.stretches) + 1))
        return self.stretches[-1]


def _pairs(known: Sequence[Stretch], rows: Rows) -> dict[int, int]:
    """Row to stretch, where each is the only one near the other."""
    if not known or not len(rows):
        return {}
    agreement = np.stack(
        [np.maximum(overlaps(rows, one.expected()), overlaps(rows, one.sights[-1].row[:4])) for one in known]
    )
    alone = ((agreement > NEAR).sum(axis=0) == 1) & ((agreement > NEAR).sum(axis=1) == 1)[:, None]
    return {int(row): int(one) for one, row in np.argwhere((agreement >= SAME) & alone)}


def _touched(rows: Rows) -> list[bool]:
    """Which rows another one overlaps."""
    result = []
    for index, row in enumerate(rows):
        others = np.delete(rows, index, axis=0)
        smaller = np.minimum(others[:, 2] * others[:, 3], row[2] * row[3])
        result.append(bool((shared(others, row[:4]) > TOUCHING * smaller).any()))
    return result


def _hidden(stretch: Stretch, rows: Rows) -> bool:
    return bool(len(rows)) and bool((overlaps(rows, stretch.sights[-1].row[:4]) > NEAR).any())
