"""Who of a million is this: an exact index in memory, rebuilt from the records, searched while it is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face import Floats
from mien.gallery.errors import GalleryError
from mien.gallery.search.chunks import ROWS, Chunk, Rows
from mien.gallery.search.hit import Hit
from mien.gallery.search.labels import Filter, Labels, LabelTable
from mien.gallery.search.leaving import Leaving
from mien.gallery.search.planes import MAX_DIM, Probes, checked, levels_of, split
from mien.gallery.search.ranking import View
from mien.gallery.search.roster import Int32s, Roster
from mien.gallery.search.scan import cores

__all__ = ["Filter", "Hit", "Index", "Labels"]

# A chunk is given up once this share of it is gone, and what lives in it moves on: three rows for each that went.
_DEAD_SHARE: Final = 0.25
_DEAD_ROWS: Final = 256
_RENUMBER_AT: Final = 4096
_PROBES_AT_ONCE: Final = 64

Int64s = NDArray[np.int64]


class Index:
    """Exact search of templates of length 1, by cosine, for the people they belong to.

    Vectors are kept in two int8 planes (`planes.split`), 2 D + 8 bytes a template and about 30 a person. The scan reads
    one plane, and a proven bound (`Probes.margins`) tells which rows must be ranked with both: the order is that of the
    stored precision, always.

    A score differs from the float one by less than sqrt(2 D) / 64,000 times the largest component of the person's
    vectors (for D = 128 and a component of 0.3: 0.00008, typically a tenth of that). For a component is rounded to
    steps of b / 32,512, where b is the smallest power of sqrt(2), and 0.022 at least, that the largest component does
    not exceed, so that b is less than sqrt(2) times as large; half a step is the error of a component, and by Cauchy
    and Schwarz sqrt(D) times as much that of a score. The last 1.6 % of the bound are for the rounding of float32.

    Up to 32,768 templates are laid out a second time (`direct.Direct`) once they have been searched eight times since
    the last change: 3 D + 60 bytes a template, for a search in a fraction of the time.

    Any number of threads may search while others put and discard. A reader takes the view that is current when it
    begins and works on it to the end, never waiting; a person is in a view as a whole or not at all. Writers wait for
    each other. Vectors that are taken out or replaced are overwritten as soon as no reader who began before is left
    (`leaving.Leaving`); only what numpy copied for a moment, and the second layout, is freed without that.
    """

    def __init__(self, dim: int, threads: int | None = None) -> None:
        """An empty index of vectors with `dim` components. Raises GalleryError beyond 2,048.

        threads: over how many a search for many probes at once is spread; None: the processor cores there are, up to 8.
        """
        if not 1 <= dim <= MAX_DIM:
            raise GalleryError(f"Vectors of {dim} components.", f"The index takes 1 to {MAX_DIM}.")
        self.dim = dim
        self.threads = cores() if threads is None else threads
        self._lock = Lock()
        self._chunks: list[Chunk] = []
        self._open: dict[int, int] = {}
        self._roster = Roster()
        self._labels = LabelTable()
        self._leaving = Leaving()
        self._view = View((), self._roster.view(), self._labels.view(), self._leaving)

    def put(self, person: str, template_ids: Int64s, vectors: Floats, labels: Labels | None = None) -> None:
        """Make (N, D) vectors the templates of a person, instead of any before. No vectors: as `discard`.

        Raises GalleryModel where D is another, GalleryError where a vector is not finite or not of length 1.
        """
        self.put_many((person,), (labels or Labels(),), np.array([len(vectors)]), template_ids, vectors)

    def put_many(
        self, people: Sequence[str], labels: Sequence[Labels], counts: Int64s, template_ids: Int64s, vectors: Floats
    ) -> None:
        """`put` for P different people at once, as `StoredVectors` has them: (P,) counts of the rows that follow.

        Nothing is put where something is refused. Readers may see some of the people before others.
        """
        counts, ids = np.asarray(counts, np.int64), np.asarray(template_ids, np.int64)
        rows = checked(vectors, self.dim)
        if not len(people) == len(labels) == len(counts) or not counts.sum() == len(rows) == len(ids):
            raise GalleryError("People, labels, counts, ids and vectors do not belong together.", "One for each.")
        if len(set(people)) < len(people) or (counts < 0).any():
            raise GalleryError("A person is named twice, or has fewer than no rows.", "Name each once, with all rows.")
        ends = np.concatenate([[0], np.cumsum(counts)])
        # In pieces of about a chunk, so that what is unpacked stays small and readers see the new people soon.
        cuts = np.searchsorted(ends, np.arange(0, len(rows), ROWS)).tolist()
        for first, last in pairwise(dict.fromkeys([0, *cuts, len(people)])):
            span = slice(ends[first], ends[last])
            some = slice(first, last)
            self._put_piece(people[some], labels[some], counts[some], ids[span], rows[span])

    def discard(self, person: str) -> None:
        """Take a person out; nothing happens where there is none of that id."""
        with self._lock:
            self._forget([person])
            self._publish()

    def search(self, probes: Floats, k: int = 10, keep: Filter | None = None) -> list[list[Hit]]:
        """For each of (P, D) probes the k best people that `keep` lets pass, fewer where there are fewer.

        The best first; equal scores are ordered by the bytes of the id, whenever each was put. Raises GalleryModel and
        GalleryError as `put` does, and GalleryError where k is below 1.
        """
        rows = checked(probes, self.dim)
        if k < 1:
            raise GalleryError(f"The {k} best people.", "Ask for one at least.")
        view = self._view
        found: list[list[Hit]] = []
        for start in range(0, len(rows), _PROBES_AT_ONCE):
            found += view.search(Probes.of(rows[start : start + _PROBES_AT_ONCE]), k, keep, self.threads)
        return found

    def __len__(self) -> int:
        """How many templates there are."""
        return sum(chunk.size - chunk.dead for chunk in self._view.chunks)

    @property
    def n_people(self) -> int:
        """How many people there are."""
        return self._roster.present

    def count(self, keep: Filter) -> int:
        """How many people `keep` lets pass."""
        with self._lock:
            roster = self._roster
            passed = self._labels.view().allowed(keep)[roster.labels[: roster.size]]
            return int(np.count_nonzero(passed & (roster.places[: roster.size] >= 0)))

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, with the room that is reserved in them, without the second layout of a small gallery."""
        return sum(chunk.nbytes for chunk in self._view.chunks) + self._roster.nbytes + self._labels.nbytes

    def _put_piece(
        self, people: Sequence[str], labels: Sequence[Labels], counts: Int64s, ids: Int64s, rows: Floats
    ) -> None:
        with self._lock:
            self._forget(people)
            some = np.flatnonzero(counts)
            if len(some):
                numbers = np.array([self._labels.number(labels[one]) for one in some.tolist()], np.int32)
                owners = self._roster.add([people[one] for one in some.tolist()], numbers)
                self._write(owners, counts[some], ids, rows)
            self._publish()

    def _write(self, owners: Int32s, counts: Int64s, ids: Int64s, rows: Floats) -> None:
        """All templates of a person go to the level that holds the largest component among them."""
        starts = np.cumsum(counts) - counts
        levels = levels_of(rows, starts)
        for level in np.unique(levels).tolist():
            here = np.repeat(levels == level, counts)
            high, low = split(rows[here], level)
            self._append(level, Rows(owners[levels == level], counts[levels == level], high, low, ids[here]))

    def _append(self, level: int, rows: Rows) -> None:
        """Write people into the level's open chunk and as many new ones as they need, each person into one."""
        ends = np.cumsum(rows.counts)
        first = 0
        while first < len(ends):
            start = ends[first - 1] if first else 0
            place = self._open.get(level)
            room = -1 if place is None else self._chunks[place].room
            last = int(np.searchsorted(ends, start + room, "right"))
            if place is None or last <= first:
                place = self._new_chunk(level, max(ROWS, int(rows.counts[first])))
                last = int(np.searchsorted(ends, start + self._chunks[place].room, "right"))
            span, some = slice(start, ends[last - 1]), slice(first, last)
            part = Rows(rows.owners[some], rows.counts[some], rows.high[span], rows.low[span], rows.ids[span])
            self._chunks[place] = self._chunks[place].appended(part)
            self._roster.places[part.owners] = place
            first = last

    def _new_chunk(self, level: int, capacity: int) -> int:
        chunk = Chunk.empty(level, capacity, self.dim)
        place = next((place for place, old in enumerate(self._chunks) if not len(old.owners)), len(self._chunks))
        self._chunks[place : place + 1] = [chunk]
        self._open[level] = place
        return place

    def _forget(self, people: Sequence[str]) -> None:
        for number in self._roster.find(people).tolist():
            if number >= 0:
                place = int(self._roster.places[number])
                self._roster.drop(number)
                chunk = self._chunks[place]
                rows = chunk.rows_of(number)
                self._leaving.add(chunk, rows)
                self._chunks[place] = chunk.without(rows)
                self._tidy(place)

    def _tidy(self, place: int) -> None:
        """Move the living out of a chunk in which many are gone; its memory is freed with the last view that has it."""
        chunk = self._chunks[place]
        if chunk.dead < chunk.size and chunk.dead < max(_DEAD_ROWS, _DEAD_SHARE * chunk.size):
            return
        if self._open.get(chunk.level) == place:
            del self._open[chunk.level]
        self._chunks[place] = Chunk.empty(chunk.level, 0, self.dim)
        if chunk.dead < chunk.size:
            self._append(chunk.level, chunk.living())

    def _publish(self) -> None:
        """What readers see from now on, in one assignment."""
        if self._roster.size > 2 * self._roster.present + _RENUMBER_AT:
            self._renumber()
        self._leaving.later = leaving = Leaving()
        self._view = View(tuple(self._chunks), self._roster.view(), self._labels.view(), leaving)
        self._leaving = leaving

    def _renumber(self) -> None:
        """Free the numbers and labels of those who left. Rows stay where they are; each chunk gets new owners."""
        self._roster, numbers = self._roster.renumbered()
        table, labels = self._labels.live(self._roster.labels[: self._roster.size])
        self._labels, self._roster.labels = table, labels
        for place, chunk in enumerate(self._chunks):
            owners = np.empty_like(chunk.owners)
            written = chunk.owners[: chunk.size]
            owners[: chunk.size] = np.where(written >= 0, numbers[written], written)
            self._chunks[place] = replace(chunk, owners=owners)
