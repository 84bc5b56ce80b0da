"""Values over time in constant memory: bins that grow wider as the time grows longer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

BINS = 720
FIRST_BIN_SECONDS = 0.04


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One value over time. means: (N,) float64, NaN where nothing was seen; sums: (N,) float64.

    Bin i begins at start_seconds + i * bin_seconds.
    """

    start_seconds: float
    bin_seconds: float
    means: NDArray[np.float64]
    sums: NDArray[np.float64]

    def runs(self) -> Iterator[tuple[int, int]]:
        """(first, beyond) of each stretch of bins in which something was seen. Single empty bins do not part them."""
        seen = np.flatnonzero(np.isfinite(self.means))
        if not len(seen):
            return
        cuts = np.flatnonzero(np.diff(seen) > 1 + round(0.5 / self.bin_seconds))
        for first, last in zip([0, *(cuts + 1)], [*cuts, len(seen) - 1], strict=True):
            yield int(seen[first]), int(seen[last]) + 1


class Timeline:
    """Means of named values in at most `BINS` bins from `start_seconds` on; when they are full, pairs become one."""

    def __init__(self, start_seconds: float) -> None:
        """start_seconds: the time of the first value."""
        self.start_seconds = start_seconds
        self.bin_seconds = FIRST_BIN_SECONDS
        self._used = 0
        self._sums: dict[str, NDArray[np.float64]] = {}
        self._counts: dict[str, NDArray[np.float64]] = {}

    def add(self, seconds: float, values: Mapping[str, float]) -> None:
        """Values that are not finite are left out; a time before the start counts as the start."""
        place = max(0, int((seconds - self.start_seconds) / self.bin_seconds))
        while place >= BINS:
            self._halve()
            place = max(0, int((seconds - self.start_seconds) / self.bin_seconds))
        self._used = max(self._used, place + 1)
        for name, value in values.items():
            if not isfinite(value):
                continue
            if name not in self._sums:
                self._sums[name], self._counts[name] = np.zeros(BINS), np.zeros(BINS)
            self._sums[name][place] += value
            self._counts[name][place] += 1

    def names(self) -> list[str]:
        """Of all values that were ever seen, in the order in which they came."""
        return list(self._sums)

    def series(self, name: str) -> Series:
        """What is known of a value; all NaN for one that was never seen."""
        sums, counts = (kept.get(name, np.zeros(BINS))[: self._used] for kept in (self._sums, self._counts))
        means = np.divide(sums, counts, out=np.full(self._used, np.nan), where=counts > 0)
        return Series(self.start_seconds, self.bin_seconds, means, sums.copy())

    def _halve(self) -> None:
        self.bin_seconds *= 2
        self._used = (self._used + 1) // 2
        for kept in (self._sums, self._counts):
            for name, values in kept.items():
                kept[name] = np.concatenate([values[0::2] + values[1::2], np.zeros(BINS // 2)])
