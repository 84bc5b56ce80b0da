"""Vectors in two planes of int8: the high one is scanned, both together are the stored precision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mien.face import Floats
from mien.gallery.errors import GalleryError, GalleryModel

Int8s = NDArray[np.int8]
Doubles = NDArray[np.float64]

# 127 * 63 * 2048 < 2 ** 24: every coarse product is exact in float32 too.
MAX_DIM: Final = 2048
CODE: Final = 127  # high plane: -127..127
STEPS: Final = 256  # the low plane divides a step of the high one into so many
PROBE_CODE: Final = 63  # 255 * 63 * 2 < 2 ** 15: no instruction that adds two products in 16 bits saturates
FIXED: Final = 2.0**30  # a probe is rounded to multiples of its inverse
LEVELS: Final = 12
_UNIT_TOLERANCE: Final = 1e-3


def reserved(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An array of zeros in memory of its own, which takes room as it is written, and gives it back when it is freed.

    The heap would keep what a grown array leaves behind, about a quarter of the index.
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(mmap(-1, max(size, 1)), dtype, int(np.prod(shape))).reshape(shape)


def step_of(level: int) -> float:
    """What one step of the high plane is worth. Level L holds vectors whose largest |component| is <= 2 ** (-L / 2)."""
    return float(2.0 ** (-level / 2) / CODE)


def checked(vectors: Floats, dim: int) -> Floats:
    """(N, D) float32. Raises GalleryModel where D is another, GalleryError where a row is not finite or of length 1."""
    rows = np.ascontiguousarray(vectors, np.float32)
    if rows.ndim != 2 or rows.shape[1] != dim:
        raise GalleryModel(
            f"Vectors of shape {rows.shape}, where (N, {dim}) was expected.", "Embed with the gallery's own model."
        )
    length = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    right = np.abs(length - 1) <= _UNIT_TOLERANCE
    if not right.all():
        wrong = int(right.argmin())
        raise GalleryError(f"Vector {wrong} has length {length[wrong]:.4g}, not 1.", "Divide it by its length before.")
    return rows


def levels_of(rows: Floats, starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """(P,) the finest level that holds all rows of a person; a person's rows begin at each of `starts`."""
    peak = np.maximum.reduceat(np.abs(rows).max(axis=1), starts).astype(np.float64)
    # The guess may be one too fine where rounding of the logarithm touches a border.
    level: NDArray[np.int64] = np.clip(np.floor(-2 * np.log2(peak)).astype(np.int64), 0, LEVELS - 1)
    level -= (peak > 2.0 ** (-level / 2)) & (level > 0)
    return level


def split(rows: Floats, level: int) -> tuple[Int8s, Int8s]:
    """High and low plane, (N, D) each: a row is about step * (high + low / 256), to half a step of the low plane.

    A vector of length 1.001 at level 0 may reach over the largest code and is cut to it.
    """
    fine = np.rint(rows * np.float32(STEPS / step_of(level))).astype(np.int32)
    np.clip(fine, -CODE * STEPS, CODE * STEPS, out=fine)
    high = (fine + STEPS // 2) >> 8
    return high.astype(np.int8), (fine - (high << 8)).astype(np.int8)


def joined(high: Int8s, low: Int8s) -> Doubles:
    """(N, D) float64: 256 * high + low, whole numbers."""
    fine = high.astype(np.float64)
    fine *= STEPS
    fine += low
    return fine


def spreads(high: Int8s, low: Int8s) -> tuple[float, float]:
    """The largest length among the rows of each plane, in its own steps, rounded up."""
    if not len(high):
        return 0.0, 0.0
    squares = [np.einsum("ij,ij->i", plane, plane, dtype=np.int32).max() for plane in (high, low)]
    return float(np.sqrt(squares[0])) * (1 + 1e-9), float(np.sqrt(squares[1])) * (1 + 1e-9)


@dataclass(frozen=True, slots=True, eq=False)
class Probes:
    """P probes as the scan and the re-ranking need them.

    fixed: (P, D) float64, whole numbers, probe * 2 ** 30. codes: (P, D) int8, -63..63. steps: (P,) float64, what one
    step of a code is worth. lengths: (P,) of the probe, leftovers: (P,) of probe - step * code, both rounded up.
    """

    fixed: Doubles
    codes: Int8s
    steps: Doubles
    lengths: Doubles
    leftovers: Doubles

    @classmethod
    def of(cls, vectors: Floats) -> Probes:
        """From (P, D) float32 rows of length 1."""
        fixed = np.rint(np.multiply(vectors, FIXED, dtype=np.float64))
        steps = np.abs(fixed).max(axis=1) / PROBE_CODE
        codes = np.rint(fixed / steps[:, None])
        rest = fixed - steps[:, None] * codes
        lengths, leftovers = (np.sqrt(np.vecdot(rows, rows)) * ((1 + 1e-9) / FIXED) for rows in (fixed, rest))
        return cls(fixed, codes.astype(np.int8), steps / FIXED, lengths, leftovers)

    def each(self) -> Iterator[Probes]:
        """One after the other, as the only one."""
        if len(self.codes) == 1:
            yield self
            return
        for one in range(len(self.codes)):
            at = slice(one, one + 1)
            yield Probes(self.fixed[at], self.codes[at], self.steps[at], self.lengths[at], self.leftovers[at])

    def margins(self, step: float, spread: tuple[float, float]) -> Doubles:
        """(P,) how far a coarse score may lie from the exact one, for rows of these spreads (see `spreads`).

        A stored row is x = s (h + l / 256), a probe q = t c + r, where s and t are steps, h and l the row's planes, c
        the probe's codes and r what they leave over. The exact score is <x, q>; the coarse one is s t <h, c>, of which
        <h, c> is a whole number that the scan computes without any rounding. Their difference is
            <x, q> - s t <h, c> = <s l / 256, q> + <s h, q - t c> = (s / 256) <l, q> + s <h, r>,
        and by Cauchy and Schwarz at most (s / 256) |l| |q| + s |h| |r|. So where k people have a row whose coarse score
        less its margin is at least F, no row whose coarse score plus its margin is below F belongs to the best k, and
        nothing else needs to be looked at exactly. The last term covers float64 rounding of scores, which are about 1.
        """
        return step * (spread[1] / STEPS * self.lengths + spread[0] * self.leftovers) + 1e-12
