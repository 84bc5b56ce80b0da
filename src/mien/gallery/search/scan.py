"""The scan of the high planes: which rows the bound cannot rule out, so that they must be ranked exactly."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.gallery.search.chunks import GONE, Chunk
from mien.gallery.search.kernels import MANY, products, products_of_one
from mien.gallery.search.pairs import Pairs, Pool
from mien.gallery.search.planes import Doubles, Probes

# Coarse scores in float32, and what is added to them, are below 2: a few roundings of 2 ** -24 are much less.
ROUNDING: Final = 1e-6
LOWEST: Final = float(np.finfo(np.float32).min)

# Fewer rows take about as long as to start a thread.
_ROWS_A_THREAD: Final = 65536
_MOST_THREADS: Final = 8
_GROUP: Final = 16

Places = Sequence[tuple[int, Chunk]]


def cores() -> int:
    """Processor cores that this process may use, 8 at most: more threads would wait for the memory."""
    may = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(may, _MOST_THREADS)


def candidates(
    chunks: Sequence[Chunk], probes: Probes, k: int, passed: NDArray[np.bool_] | None, threads: int
) -> Pairs:
    """Each probe's rows of which its k best people have the best. passed: whether each number may be; None: all may.

    Many probes are spread over up to `threads` threads, each with its share of the chunks.
    """
    places = [(place, chunk) for place, chunk in enumerate(chunks) if chunk.size > chunk.dead]
    if places and passed is None and len(probes.codes) == 1:
        return _of_one(places, probes, k)

    def share(places: Places) -> Pairs:
        pool = Pool(len(probes.codes), k)
        for place, chunk in places:
            _scan(pool, probes, place, chunk, passed)
        return pool.left()

    n = min(threads, sum(chunk.size for _, chunk in places) // _ROWS_A_THREAD)
    if n < 2 or len(probes.codes) < MANY:
        return share(places)
    pool = Pool(len(probes.codes), k)
    with ThreadPoolExecutor(n, "mien-search") as workers:
        for pairs in workers.map(share, [places[first::n] for first in range(n)]):
            pool.add(pairs)
    return pool.left()


def _of_one(places: Places, probes: Probes, k: int) -> Pairs:
    """Of the only probe: what all rows may reach is little enough to be looked at together."""
    numbers, chunks = zip(*places, strict=True)
    starts = np.cumsum([0, *(chunk.size for chunk in chunks)])
    margins = np.array([probes.margins(chunk.step, chunk.spread)[0] + ROUNDING for chunk in chunks])
    upper = np.empty(starts[-1], np.float32)
    for chunk, part, margin in zip(chunks, np.split(upper, starts[1:-1]), margins.tolist(), strict=True):
        _write_upper(chunk, probes, margin, part)

    def pairs(least: float) -> Pairs:
        """Of all that may reach this."""
        rows = np.flatnonzero(upper >= np.float32(max(least, LOWEST)))
        cuts = np.searchsorted(rows, starts)
        at = np.repeat(np.arange(len(chunks)), np.diff(cuts))
        row = rows - starts[at]
        owners = [chunk.owners[some] for chunk, some in zip(chunks, np.split(row, cuts[1:-1]), strict=True)]
        high, place = upper[rows].astype(np.float64), np.array(numbers)[at]
        return Pairs(np.zeros_like(rows), np.concatenate(owners), place, row, high - 2 * margins[at], high)

    enough, floor = 2 * k + 16, -np.inf
    while floor == -np.inf and enough < len(upper):
        # More rows, where people have so many templates that the best belong to fewer than k people.
        floor = float(pairs(reached(upper, enough)).floors(k, 1)[0])
        enough *= 8
    return pairs(floor)


def _write_upper(chunk: Chunk, probes: Probes, margin: float, out: NDArray[np.float32]) -> None:
    """What each row of a chunk may reach at most, into (N,); -inf where it is nobody's."""
    products_of_one(chunk.high[: chunk.size], probes.codes, out)
    out *= chunk.step * float(probes.steps[0])
    out += margin
    if chunk.dead:
        out[chunk.owners[: chunk.size] == GONE] = -np.inf


def reached(scores: NDArray[np.float32], n: int) -> float:
    """What n of the scores reach at least: the n-th highest, or a little less; -inf where there are fewer."""
    if n > len(scores):
        return -np.inf
    if n == 1:
        return float(scores.max())
    if len(scores) >= 128 * n:
        # The highest of each of many groups, of which n are n scores.
        columns = len(scores) // 32
        scores = scores[: 32 * columns].reshape(32, columns).max(axis=0)
    return float(np.partition(scores, len(scores) - n)[len(scores) - n])


def _scan(pool: Pool, probes: Probes, place: int, chunk: Chunk, passed: NDArray[np.bool_] | None) -> None:
    """Collect from one chunk. With a filter, only the rows of people who passed are multiplied at all."""
    rows = None
    high = chunk.high[: chunk.size]
    if passed is not None:
        owners = chunk.owners[: chunk.size]
        rows = np.flatnonzero(owners != GONE)
        rows = rows[passed[owners[rows]]]
        if not len(rows):
            return
        high = high[rows] if len(rows) < chunk.size else high
    sums = products(high, probes.codes)
    scale, margin = chunk.step * probes.steps, probes.margins(chunk.step, chunk.spread)

    def pairs(at: NDArray[np.intp], probe: NDArray[np.intp]) -> Pairs:
        """Those of these sums whose people have not left."""
        row = at if rows is None else rows[at]
        owner = chunk.owners[row]
        here = owner != GONE
        at, probe, row, owner = at[here], probe[here], row[here], owner[here]
        coarse = sums[at, probe] * scale[probe]
        return Pairs(probe, owner, np.full(len(at), place), row, coarse - margin[probe], coarse + margin[probe])

    if np.isinf(pool.floor).any():
        # A first idea of the floor, without which every row of the chunk would have to be collected.
        enough = min(len(sums), 2 * pool.k + 16)
        guess = np.partition(sums, len(sums) - enough, axis=0)[len(sums) - enough]
        pool.raise_floor(pairs(*_reaching(sums, guess.astype(np.float64))))
    at, probe = _reaching(sums, np.floor((pool.floor - margin) / scale))
    if len(at):
        pool.add(pairs(at, probe))


def _reaching(sums: NDArray[Any], limit: Doubles) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the (N, P) sums of at least limit (P,), which are whole numbers or -inf.

    Few do: so the highest of each group of rows are compared first, which takes a third of the time.
    """
    bounds = np.clip(limit, -(2.0**30), 2.0**30).astype(sums.dtype)
    n, width = sums.shape
    groups = n // _GROUP
    whole = groups * _GROUP
    peaks = sums[:whole].reshape(_GROUP, groups, width).max(axis=0)
    # Of flat arrays, since numpy takes several times as long to find places in two dimensions.
    group, column = np.divmod(np.flatnonzero(peaks >= bounds), width)
    rows = group + groups * np.arange(_GROUP)[:, np.newaxis]
    among, which = np.divmod(np.flatnonzero(sums[rows, column] >= bounds[column]), max(len(group), 1))
    rest, columns = np.nonzero(sums[whole:] >= bounds)
    return np.concatenate([rows[among, which], whole + rest]), np.concatenate([column[which], columns])
