"""Rows of people who left, overwritten as soon as no reader can be looking at them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.gallery.search.chunks import Chunk
from mien.gallery.search.planes import Int8s


class Leaving:
    """What leaves after one view of the index: held by that view and, through `later`, by all views before it.

    So it lives exactly as long as a view in which the rows are still somebody's, and overwrites them when it goes:
    at once where nobody is reading, else with the last reader who began before the removal. No lock is needed, since
    whoever reads a later view looks at none of these rows.
    """

    __slots__ = ("_rows", "later")

    def __init__(self) -> None:
        self._rows: list[tuple[Int8s, Int8s, NDArray[np.intp]]] = []
        self.later: Leaving | None = None

    def add(self, chunk: Chunk, rows: NDArray[np.intp]) -> None:
        """These rows of a chunk are nobody's from the next view on."""
        self._rows.append((chunk.high, chunk.low, rows))

    def __del__(self) -> None:
        for high, low, rows in self._rows:
            high[rows] = 0
            low[rows] = 0
