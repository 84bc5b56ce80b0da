"""Readers while a writer is at work: every answer is that of a moment between asking and answering."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic, sleep

import numpy as np
import pytest

from mien.gallery.search import chunks, direct
from mien.gallery.search.index import Filter, Index, Labels

DIM = 32
READERS = 100
STEPS = 120
ALREADY_THERE = 5
READ_MEANWHILE = 6  # answers that are given between two changes at least


def unit(seed: int, n: int) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((n, DIM))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def alongside(write: Callable[[], None], read: Callable[[int], int], n_readers: int = READERS) -> list[int]:
    """Run `write` once while threads repeat `read`; how often each did. They pause, so that the writer has its turn."""
    done = Event()

    def reader(number: int) -> int:
        times = read(number)
        while not done.wait(0.05):
            times += read(number)
        return times

    with ThreadPoolExecutor(n_readers) as pool:
        readers = [pool.submit(reader, number) for number in range(n_readers)]
        try:
            write()
        finally:
            done.set()
        return [one.result() for one in readers]


def test_a_hundred_readers_during_enrolment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Person n has the n-th vectors, and is put once; some are taken out. Brute force knows each moment's answer.

    Readers see each moment several times, so that the layout for small galleries is made and thrown away all the time.
    """
    monkeypatch.setattr(direct, "_WORTH", 3)
    made = Index(DIM)
    answers: list[int] = []
    vectors = unit(1, STEPS * 2)
    probes = unit(2, 8)
    exact = vectors.astype(np.float64) @ probes.T.astype(np.float64)
    best = exact.reshape(STEPS, 2, 8).max(axis=1)
    # began, ended: how far the writer had come at least, at most, when a reader asked. Every seventh person leaves at
    # once after the next one came.
    progress = [0, 0]

    def present(moment: int) -> list[int]:
        """Who is there after so many changes: a change puts a person, and takes out the one before it if of those."""
        return [one for one in range(moment) if one % 7 or one == moment - 1]

    def change(one: int) -> None:
        progress[1] = one + 1
        people, counts, ids = [str(one)], [2], [2 * one, 2 * one + 1]
        if one % 7 == 1:
            people, counts = [*people, str(one - 1)], [2, 0]
        rows = vectors[2 * one : 2 * one + 2]
        made.put_many(people, [Labels()] * len(people), np.array(counts), np.array(ids), rows)
        progress[0] = one + 1

    def write() -> None:
        deadline = monotonic() + 20
        for one in range(ALREADY_THERE, STEPS):
            change(one)
            seen = len(answers)
            while len(answers) < seen + READ_MEANWHILE and monotonic() < deadline:
                sleep(0.001)

    def read(number: int) -> int:
        column = number % 8
        first = progress[0]
        hits = made.search(probes[column : column + 1], 3)[0]
        last = progress[1]
        got = [int(hit.person) for hit in hits]
        wanted = [sorted(present(moment), key=lambda one: -best[one, column])[:3] for moment in range(first, last + 1)]
        assert got in wanted
        for hit in hits:
            person = int(hit.person)
            np.testing.assert_allclose(hit.scores, exact[2 * person : 2 * person + 2, column], atol=1e-4)
            assert hit.template_ids.tolist() == [2 * person, 2 * person + 1]
        answers.append(last)
        return 1

    for one in range(ALREADY_THERE):
        change(one)
    assert min(alongside(write, read)) >= 1
    assert made.n_people == len(present(STEPS))
    assert len(set(answers)) > STEPS // 2


def test_replacing_is_seen_as_a_whole_or_not_at_all() -> None:
    """One person changes between two sets of vectors and labels, while chunks are given up and numbers given anew."""
    made = Index(DIM)
    filling = unit(3, 600)
    made.put_many([f"f{n}" for n in range(600)], [Labels("b")] * 600, np.ones(600, np.int64), np.arange(600), filling)
    sets = unit(4, 3), unit(5, 5)
    labels = Labels("a", frozenset({"even"})), Labels("a", frozenset({"odd"}))
    made.put("x", np.arange(3), sets[0], labels[0])
    probe = unit(6, 1)
    exact = [one.astype(np.float64) @ probe[0].astype(np.float64) for one in sets]

    def write() -> None:
        for step in range(1, 300):
            made.put("x", np.arange(len(sets[step % 2])), sets[step % 2], labels[step % 2])

    def read(number: int) -> int:
        (hit,) = made.search(probe, 5, Filter("a"))[0]
        np.testing.assert_allclose(hit.scores, exact[len(hit.scores) == 5], atol=1e-4)
        for parity, group in enumerate(("even", "odd")):
            for hit in made.search(probe, 5, Filter("a", frozenset({group})))[0]:
                assert len(hit.scores) == len(sets[parity])
        return 1

    alongside(write, read, 8)
    assert made.n_people == 601


def test_several_writers() -> None:
    made = Index(DIM)

    def enrol(number: int) -> None:
        for one in range(30):
            made.put(f"{number} {one}", np.arange(2), unit(number * 100 + one, 2))
            made.discard(f"{number} {one - 1}")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(enrol, range(16)))
    assert made.n_people == 16
    assert {hit.person for hit in made.search(unit(1, 1), 100)[0]} == {f"{number} 29" for number in range(16)}


def crowd(threads: int) -> Index:
    """300,000 templates of 100,000 people, some of whom left."""
    people = [f"{number}" for number in range(100_000)]
    made = Index(DIM, threads)
    counts = np.full(len(people), 3)
    made.put_many(people, [Labels()] * len(people), counts, np.arange(300_000), unit(1, 300_000))
    for person in people[:3000:7]:
        made.discard(person)
    return made


def test_many_probes_are_answered_alike_by_any_number_of_threads() -> None:
    probes = unit(2, 64)

    def answers(made: Index) -> list[list[tuple[str, float, list[float], list[int]]]]:
        found = made.search(probes, 4)
        return [
            [(hit.person, hit.best, hit.scores.tolist(), hit.template_ids.tolist()) for hit in hits] for hits in found
        ]

    made = crowd(threads=1)
    alone = answers(made)
    for threads in (2, 3, 8):
        made.threads = threads
        assert answers(made) == alone


def test_threads_let_go_of_what_they_searched() -> None:
    """Whoever leaves during a search for many probes is overwritten at its end, and not when some thread comes by."""
    made = crowd(threads=4)
    made.search(unit(2, 64), 1)
    before = np.concatenate([chunk.high[chunk.rows_of(1)] for chunk in made._view.chunks])
    made.discard("1")
    assert before.any()
    places = [np.flatnonzero(chunk.owners[: chunk.size] == chunks.GONE) for chunk in made._view.chunks]
    assert sum(map(len, places)) == 3 * 430
    for chunk, rows in zip(made._view.chunks, places, strict=True):
        assert not chunk.high[rows].any() and not chunk.low[rows].any()
