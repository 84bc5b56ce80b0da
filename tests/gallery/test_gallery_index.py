"""The index against a brute-force model: every answer, whatever was put, replaced and taken out before."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.gallery.errors import GalleryError, GalleryModel
from mien.gallery.search import chunks, direct, index, kernels, pairs, scan
from mien.gallery.search.index import Filter, Index, Labels
from mien.gallery.search.planes import Probes, joined, levels_of, split, spreads, step_of
from mien.gallery.search.roster import Roster, keys_of, text_of

DIM = 8


def unit(seed: int, n: int, dim: int = DIM) -> np.ndarray:
    """(n, dim) random directions, a few of them with nearly all of their length in one component."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, dim))
    rows[rng.random(n) < 0.2, 0] *= 50
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def key_of(person: str) -> bytes:
    return keys_of([person])[0].tolist()[0]


def an_id(number: int) -> str:
    return base64.b32encode(np.random.default_rng(number).bytes(16)).decode().rstrip("=").lower()


@dataclass
class Model:
    """What the index must say, by multiplying everything in float64 with what the planes store."""

    people: dict[str, tuple[np.ndarray, np.ndarray, Labels]] = field(default_factory=dict)

    def put(self, person: str, ids: np.ndarray, vectors: np.ndarray, labels: Labels) -> None:
        self.people.pop(person, None)
        if len(vectors):
            self.people[person] = vectors, ids, labels

    def search(self, probe: np.ndarray, k: int, keep: Filter | None) -> list[tuple[str, np.ndarray, np.ndarray]]:
        fixed = np.rint(probe.astype(np.float64) * 2**30)
        found = [
            (person, stored_scores(vectors, fixed), vectors.astype(np.float64) @ probe.astype(np.float64))
            for person, (vectors, _, labels) in self.people.items()
            if keep is None or passes(labels, keep)
        ]
        return sorted(found, key=lambda one: (-one[1].max(), key_of(one[0])))[:k]


def stored_scores(vectors: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Sums of whole numbers, rounded once, so that equal vectors have equal scores."""
    (level,) = levels_of(vectors, np.zeros(1, np.int64)).tolist()
    return joined(*split(vectors, level)) @ fixed * (step_of(level) / 2**38)


def passes(labels: Labels, keep: Filter) -> bool:
    if keep.tenant is not None and labels.tenant != keep.tenant:
        return False
    if keep.groups and not keep.groups & labels.groups:
        return False
    if keep.at is None:
        return True
    started = labels.valid_from is None or labels.valid_from <= keep.at
    return started and (labels.valid_until is None or keep.at < labels.valid_until)


def check(made: Index, model: Model, probes: np.ndarray, k: int, keep: Filter | None = None) -> None:
    assert made.n_people == len(model.people)
    assert len(made) == sum(len(vectors) for vectors, _, _ in model.people.values())
    for probe, hits in zip(probes, made.search(probes, k, keep), strict=True):
        wanted = model.search(probe, k, keep)
        assert [hit.person for hit in hits] == [person for person, _, _ in wanted]
        for hit, (person, exact, floats) in zip(hits, wanted, strict=True):
            assert hit.best == pytest.approx(exact.max(), abs=1e-12)
            np.testing.assert_allclose(hit.scores, floats, atol=1e-4)
            np.testing.assert_array_equal(hit.template_ids, model.people[person][1])


LABELS = st.builds(
    Labels,
    tenant=st.sampled_from(["", "a", "b"]),
    groups=st.frozensets(st.sampled_from(["x", "y", "z"]), max_size=2),
    valid_from=st.none() | st.integers(0, 3).map(float),
    valid_until=st.none() | st.integers(2, 5).map(float),
)
FILTERS = st.none() | st.builds(
    Filter,
    tenant=st.none() | st.sampled_from(["", "a", "b", "nobody's"]),
    groups=st.frozensets(st.sampled_from(["x", "y", "absent"]), max_size=2),
    at=st.none() | st.integers(-1, 6).map(float),
)
PEOPLE = st.sampled_from([an_id(number) for number in range(9)] + ["Anna", "müller", ""])
# Few seeds, so that different people have the very same vectors.
PUT = st.tuples(st.just("put"), PEOPLE, st.integers(0, 5), st.integers(0, 4), LABELS)
DISCARD = st.tuples(st.just("discard"), PEOPLE)
MANY = st.tuples(st.just("many"), st.lists(st.tuples(PEOPLE, st.integers(0, 4), LABELS), unique_by=lambda one: one[0]))
SEARCH = st.tuples(st.just("search"), st.integers(0, 8), st.integers(1, 4), st.integers(1, 15), FILTERS)


def play(steps: list[Any]) -> None:
    made, model = Index(DIM), Model()
    for number, (what, *arguments) in enumerate(steps):
        if what == "put":
            person, seed, n, labels = arguments
            ids = np.arange(n) + number * 100
            made.put(person, ids, unit(seed, n), labels)
            model.put(person, ids, unit(seed, n), labels)
        elif what == "many":
            people, counts, labels = ([one[at] for one in arguments[0]] for at in range(3))
            vectors, ids = unit(number, sum(counts)), np.arange(sum(counts))
            made.put_many(people, labels, np.array(counts, np.int64), ids, vectors)
            for at, (person, n) in enumerate(zip(people, counts, strict=True)):
                span = slice(sum(counts[:at]), sum(counts[:at]) + n)
                model.put(person, ids[span], vectors[span], labels[at])
        elif what == "discard":
            made.discard(arguments[0])
            model.people.pop(arguments[0], None)
        else:
            seed, n, k, keep = arguments
            check(made, model, unit(seed, n), k, keep)
    check(made, model, unit(99, 4), 3)


@settings(max_examples=60, deadline=None)
@given(st.lists(PUT | DISCARD | MANY | SEARCH, max_size=25))
def test_says_what_brute_force_says(steps: list[Any]) -> None:
    play(steps)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(PUT | DISCARD | MANY | SEARCH, max_size=40))
def test_with_chunks_of_four_rows_that_are_given_up_early(steps: list[Any]) -> None:
    """Chunks fill, empty, move and are numbered anew all the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "ROWS", 4)
        patch.setattr(index, "_DEAD_ROWS", 1)
        patch.setattr(index, "_RENUMBER_AT", 3)
        patch.setattr(pairs, "_SETTLE_AT", 2)
        play(steps)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(PUT | DISCARD | MANY | SEARCH, max_size=25))
def test_with_the_layout_for_small_galleries_from_the_first_search_on(steps: list[Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(direct, "_WORTH", 1)
        patch.setattr(index, "ROWS", 4)
        play(steps)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(PUT | DISCARD | MANY | SEARCH, max_size=25))
def test_with_a_thread_for_every_few_rows(steps: list[Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "ROWS", 4)
        patch.setattr(scan, "_ROWS_A_THREAD", 4)
        patch.setattr(scan, "MANY", 2)
        patch.setattr(index, "cores", lambda: 3)
        play(steps)


@pytest.mark.parametrize("k", [1, 10])
@pytest.mark.parametrize("n_probes", [1, 2, 3, 70])
def test_many_chunks(n_probes: int, k: int) -> None:
    """People with 1 to 5 templates close to each other, searched for by probes near some of them and near none."""
    rng = np.random.default_rng(5)
    counts = rng.integers(1, 6, 6000)
    vectors = unit(1, 6000, 32)[np.repeat(np.arange(6000), counts)] + 0.1 * unit(2, counts.sum(), 32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    people = [an_id(number) for number in range(6000)]
    made = Index(32)
    made.put_many(people, [Labels()] * 6000, counts, np.arange(len(vectors)), vectors)
    ends = np.cumsum(counts)
    model = Model()
    for person, start, stop in zip(people, ends - counts, ends, strict=True):
        model.put(person, np.arange(start, stop), vectors[start:stop], Labels())
    for person in people[::3]:
        made.discard(person)
        del model.people[person]
    known = vectors[: n_probes // 2] + 0.2 * unit(3, n_probes // 2, 32)
    known /= np.maximum(np.linalg.norm(known, axis=1, keepdims=True), 1e-9)
    check(made, model, np.concatenate([known, unit(4, n_probes - len(known), 32)])[:12], k)
    probes = np.concatenate([known, unit(4, n_probes - len(known), 32)])
    together = made.search(probes, k)
    alone = [made.search(probe[None], k)[0] for probe in probes]
    assert [[(hit.person, hit.best) for hit in hits] for hits in together] == [
        [(hit.person, hit.best) for hit in hits] for hits in alone
    ]


def test_a_few_people_with_very_many_templates_do_not_hide_the_others() -> None:
    """The best rows all belong to fewer people than are asked for."""
    made, model = Index(DIM), Model()
    near = unit(7, 1)
    for number in range(6):
        n = 4000 if number < 3 else 2
        vectors = near + (0.1 if number < 3 else 1) * unit(number, n)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        for put in (made.put, model.put):
            put(f"{number}", np.arange(n), vectors, Labels())
    for k in (1, 3, 5, 6, 7):
        check(made, model, near, k)


def test_a_filter_finds_the_only_ones_that_pass() -> None:
    """k who pass are found even where thousands who do not are closer."""
    made = Index(DIM)
    near = unit(7, 1)
    vectors = near + 0.01 * unit(8, 9000)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = [Labels("a")] * 9000
    made.put_many([str(number) for number in range(9000)], labels, np.ones(9000, np.int64), np.arange(9000), vectors)
    for number in range(3):
        made.put(f"far {number}", np.array([number]), -near, Labels("b"))
    (hits,) = made.search(near, 10, Filter("b"))
    assert {hit.person for hit in hits} == {"far 0", "far 1", "far 2"}
    assert made.search(near, 10, Filter("c")) == [[]]


def test_equal_scores_are_ordered_by_id_whoever_came_first() -> None:
    people = [an_id(number) for number in range(500)]
    vector = unit(1, 1)
    answers = []
    for order in (people, people[::-1]):
        made = Index(DIM)
        for person in order:
            made.put(person, np.array([1]), vector)
        answers.append([hit.person for hit in made.search(vector, 20)[0]])
    assert answers[0] == answers[1] == sorted(people, key=key_of)[:20]


def test_empty() -> None:
    made = Index(DIM)
    assert made.search(unit(1, 2)) == [[], []]
    assert made.search(unit(1, 0)) == []
    assert (len(made), made.n_people) == (0, 0)
    made.discard("nobody")
    made.put("Anna", np.array([1]), unit(1, 1))
    made.discard("Anna")
    assert made.search(unit(1, 3), 2, Filter("", at=3.0)) == [[], [], []]


def test_everyone_can_be_ranked() -> None:
    made = Index(DIM)
    people = [an_id(number) for number in range(300)]
    made.put_many(people, [Labels()] * 300, np.full(300, 2), np.arange(600), unit(1, 600))
    for hits in made.search(unit(2, 5), 1_000_000):
        assert len(hits) == 300
        assert [hit.best for hit in hits] == sorted((hit.best for hit in hits), reverse=True)


def test_more_templates_than_a_chunk_has_rows() -> None:
    made, model = Index(DIM), Model()
    n = chunks.ROWS + 5
    for person, size in (("many", n), ("one", 1)):
        made.put(person, np.arange(size), unit(1, size), Labels())
        model.put(person, np.arange(size), unit(1, size), Labels())
    check(made, model, unit(2, 3), 2)


def test_template_ids_of_eight_bytes() -> None:
    made = Index(DIM)
    made.put("Anna", np.array([7, 2**40]), unit(1, 2))
    made.put("Ben", np.array([2**32 - 1]), unit(2, 1))
    ids = {hit.person: hit.template_ids.tolist() for hit in made.search(unit(1, 1), 2)[0]}
    assert ids == {"Anna": [7, 2**40], "Ben": [2**32 - 1]}


def spoil(kind: str) -> np.ndarray:
    rows = unit(1, 3)
    rows[1] = {"nan": np.nan, "inf": np.inf, "zero": 0, "long": 3, "huge": 3e38}[kind]
    return rows


@pytest.mark.parametrize("kind", ["nan", "inf", "zero", "long", "huge"])
def test_vectors_that_have_no_direction_are_refused(kind: str) -> None:
    made = Index(DIM)
    made.put("Anna", np.arange(2), unit(1, 2))
    with pytest.raises(GalleryError, match="length"):
        made.put("Anna", np.arange(3), spoil(kind))
    with pytest.raises(GalleryError, match="length"):
        made.search(spoil(kind))
    assert len(made) == 2


def test_what_does_not_fit_together_is_refused() -> None:
    made = Index(DIM)
    with pytest.raises(GalleryModel, match="shape"):
        made.put("Anna", np.arange(2), unit(1, 2, 9))
    with pytest.raises(GalleryModel):
        made.search(unit(1, 1)[0])
    with pytest.raises(GalleryError, match="belong together"):
        made.put("Anna", np.arange(3), unit(1, 2))
    with pytest.raises(GalleryError, match="twice"):
        made.put_many(["a", "a"], [Labels()] * 2, np.ones(2, np.int64), np.arange(2), unit(1, 2))
    with pytest.raises(GalleryError, match="one at least"):
        made.search(unit(1, 1), 0)
    with pytest.raises(GalleryError, match="not a number"):
        Labels(valid_from=float("nan"))
    for dim in (0, 5000):
        with pytest.raises(GalleryError, match="components"):
            Index(dim)
    assert len(made) == 0


def test_memory_follows_the_living() -> None:
    """Putting the same people again and again, and taking most out, leaves no more than what they need."""
    made = Index(DIM)
    people = [an_id(number) for number in range(12_000)]

    def fill() -> None:
        made.put_many(people, [Labels()] * 12_000, np.ones(12_000, np.int64), np.arange(12_000), unit(1, 12_000))

    fill()
    once = made.nbytes
    for _ in range(2):
        fill()
    assert made.nbytes < 2 * once
    for person in people[500:]:
        made.discard(person)
    assert made.n_people == 500
    assert sum(chunk.high.nbytes for chunk in made._view.chunks) <= 16 * chunks.ROWS * DIM


def planes_of(made: Index) -> np.ndarray:
    """Where vectors lie: both planes of each chunk, side by side."""
    return np.concatenate([np.concatenate([chunk.high, chunk.low], axis=1) for chunk in made._view.chunks])


@pytest.mark.parametrize("how", ["discard", "replace"])
def test_vectors_that_left_are_overwritten(how: str) -> None:
    made = Index(DIM)
    people = [an_id(number) for number in range(40)]
    made.put_many(people, [Labels()] * 40, np.full(40, 2), np.arange(80), unit(1, 80))
    gone = np.concatenate([np.concatenate(split(unit(1, 80)[8:10], level), axis=1) for level in range(12)])

    def left() -> int:
        planes = planes_of(made)
        return sum(int((planes == row).all(axis=1).any()) for row in gone)

    assert left() == 2
    reader = made._view
    made.discard(people[4])
    if how == "replace":
        made.put(people[4], np.arange(3), unit(2, 3))
    made.discard(people[7])
    assert left() == 2  # somebody reads who began before
    assert [hit.person for hit in reader.search(Probes.of(unit(1, 80)[8:9]), 1, None)[0]] == [people[4]]
    del reader
    assert left() == 0
    check(made, model_of(people, how), unit(3, 4), 40)


def model_of(people: list[str], how: str) -> Model:
    """What is left after the test above."""
    model = Model()
    for number, person in enumerate(people):
        if number not in (4, 7):
            span = slice(2 * number, 2 * number + 2)
            model.put(person, np.arange(80)[span], unit(1, 80)[span], Labels())
    if how == "replace":
        model.put(people[4], np.arange(3), unit(2, 3), Labels())
    return model


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), dim=st.sampled_from([1, 2, 5, 128, 512, 2048]), probe_seed=st.integers(0, 2**32))
def test_no_exact_score_is_beyond_the_bound(seed: int, dim: int, probe_seed: int) -> None:
    rows, probes = unit(seed, 20, dim), Probes.of(unit(probe_seed, 3, dim))
    (level,) = levels_of(rows, np.zeros(1, np.int64)).tolist()
    high, low = split(rows, level)
    coarse = high.astype(np.float64) @ probes.codes.T.astype(np.float64) * step_of(level) * probes.steps
    exact = joined(high, low) @ probes.fixed.T * (step_of(level) / 2.0**38)
    assert (np.abs(coarse - exact) <= probes.margins(step_of(level), spreads(high, low))).all()
    stored = joined(high, low) * (step_of(level) / 256)
    largest = max(np.abs(rows).max(), 2**-5.5 / 2**0.5)
    floats = rows.astype(np.float64) @ unit(probe_seed, 3, dim).T.astype(np.float64)
    assert (np.abs(exact - floats) < np.sqrt(2 * dim) / 64000 * largest).all()
    lost = np.abs(stored - rows).max()
    assert lost <= step_of(level) / 256 * 0.51


@pytest.mark.parametrize("dim", [128, 512])
def test_the_bound_is_narrow_for_vectors_without_a_peak(dim: int) -> None:
    rows = np.random.default_rng(1).standard_normal((300, dim)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    (level,) = levels_of(rows, np.zeros(1, np.int64)).tolist()
    assert (Probes.of(rows).margins(step_of(level), spreads(*split(rows, level))) < 0.05).all()


@pytest.mark.parametrize("without", ["", "onnxruntime"])
@pytest.mark.parametrize("n_probes", [1, 2, 3, 17])
@pytest.mark.parametrize("dim", [1, 7, 128, 2048])
def test_sums_are_exact(n_probes: int, dim: int, without: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest sums too, and whichever library is there."""
    kernels._integer_product.cache_clear()
    if without:
        monkeypatch.setattr(kernels, without, None)
    rng = np.random.default_rng(1)
    rows = rng.integers(-127, 128, (700, dim)).astype(np.int8)
    codes = rng.integers(-63, 64, (n_probes, dim)).astype(np.int8)
    rows[0], rows[1], codes[0], codes[-1] = 127, -127, 63, -63
    sums = kernels.products(rows, codes)
    np.testing.assert_array_equal(sums, rows.astype(np.int64) @ codes.T.astype(np.int64))
    for one in range(n_probes):
        alone = kernels.products_packed(kernels.packed(rows), codes[one : one + 1])
        np.testing.assert_array_equal(alone, sums[:, one])
    assert "probes" in kernels.describe()
    monkeypatch.undo()
    kernels._integer_product.cache_clear()


@given(st.lists(st.text(max_size=30), unique=True, max_size=200))
def test_roster_finds_everyone_and_gives_the_names_back(people: list[str]) -> None:
    roster = Roster()
    for start in range(0, len(people), 7):
        some = people[start : start + 7]
        roster.add(some, np.zeros(len(some), np.int32))
    assert [roster.view().text(number) for number in range(len(people))] == people
    assert roster.find(people).tolist() == list(range(len(people)))
    for number in range(0, len(people), 2):
        roster.drop(number)
    gone = people[::2]
    assert (roster.find(gone) < 0).all() if gone else True
    fresh, numbers = roster.renumbered()
    assert [fresh.view().text(number) for number in range(fresh.size)] == people[1::2]
    assert numbers[1::2].tolist() == list(range(len(people[1::2])))


def test_ids_take_sixteen_bytes() -> None:
    raw = [
        bytes(16),
        bytes(15) + b"\1",
        b"\1" + bytes(15),
        bytes([255] * 16),
        *(unit(1, 50, 4).view("S16")[:, 0].tolist()),
    ]
    texts = [base64.b32encode(one.ljust(16, b"\0")).decode().rstrip("=").lower() for one in raw]
    keys, spelt = keys_of(texts)
    assert spelt.all()
    assert [one.ljust(16, b"\0") for one in keys.tolist()] == [one.ljust(16, b"\0") for one in raw]
    assert [text_of(one) for one in keys.tolist()] == texts


@pytest.mark.parametrize("text", ["", "Anna", "a" * 25 + "b", "A" * 26, "a" * 25 + "1", "a" * 25 + "é", "a" * 27])
def test_other_ids_are_hashed(text: str) -> None:
    keys, spelt = keys_of(["a" * 26, text])
    assert spelt.tolist() == [True, False]
    assert keys[0] != keys[1]
