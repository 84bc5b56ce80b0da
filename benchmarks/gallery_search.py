"""The gallery's index against faiss, usearch, hnswlib, and against a loop as face libraries search.

    python benchmarks/gallery_search.py [--n 1000000] [--vectors FILE.npy] [--graphs] [--rounds 5]
    python benchmarks/gallery_search.py --n 10000

The second is a small gallery, one template a person, where the ways of face libraries are tried too: a loop over
everybody, a pickle that is read for every search, a pandas frame as DeepFace's find has it.

--vectors: (N, D) float rows of any length, embeddings of real faces where you have them; else random directions, four
templates around each person. Half of the 64 probes are near a template, half are strangers. One thread everywhere, but
for the line that names more: over those an index spreads many probes where nobody says otherwise. The methods take
turns, so that a busy machine slows all alike; a time is the best there was, in milliseconds a probe, wall clock and (in
brackets) of the processor, which alone is meant by "times mien". Recall: how often the best template is that of float64
brute force; "as mien": how often it is mien's. Memory: how much the process grew. --graphs builds the
approximate indexes too, which takes minutes at a million. Prints Markdown.

Peers that are not installed are left out with a line that says so: pip install faiss-cpu usearch hnswlib pandas
"""

from __future__ import annotations

import argparse
import base64
import importlib
import os
import pickle
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.gallery.search.index import Index, Labels
from mien.gallery.search.kernels import describe
from mien.gallery.search.scan import cores

BATCH = 64
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
PEOPLE_OF_LOOP = 10_000
AT_ONCE = 10_000
LOOPS = ("loop, np.dot", "loop, cosine", "pickle, then loop", "pandas frame")
A_FEW = 8  # probes in a batch for a loop, which a batch does not make faster
SHORTEST = 0.02  # seconds of the processor that are measured at a time
WARM_UP = 10
Find = Callable[[np.ndarray], np.ndarray]


@dataclass
class Method:
    """find: (P, D) probes to (P,) rows of the gallery, -1 for none."""

    name: str
    find: Find
    load_seconds: float
    megabytes: float


@dataclass
class Times:
    wall: float = np.inf
    cpu: float = np.inf

    def take(self, find: Find, probes: np.ndarray) -> np.ndarray:
        """Search once, or as often as takes a while, and keep the best time."""
        began = time.process_time()
        while True:
            wall, cpu = time.perf_counter(), time.process_time()
            found = find(probes)
            self.cpu = min(self.cpu, (time.process_time() - cpu) / len(probes) * 1000)
            self.wall = min(self.wall, (time.perf_counter() - wall) / len(probes) * 1000)
            if time.process_time() - began > SHORTEST:
                return found

    def __str__(self) -> str:
        return f"{self.wall:.3f} ({self.cpu:.3f})"


def resident() -> float:
    """Megabytes of memory that the process holds; NaN where the system does not say."""
    path = Path("/proc/self/statm")
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if path.exists() else np.nan


def unit(rows: np.ndarray) -> np.ndarray:
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def made_up(n: int, rng: np.random.Generator, dim: int = 128) -> np.ndarray:
    """Four templates a person, at a cosine of about 0.7 to each other, as SFace has them."""
    rows = np.repeat(rng.standard_normal((-(-n // 4), dim), dtype=np.float32), 4, axis=0)[:n]
    rows += 0.65 * rng.standard_normal((n, dim), dtype=np.float32)
    return unit(rows)


def probes_for(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    near = rows[rng.integers(0, len(rows), BATCH)]
    noise = unit(rng.standard_normal(near.shape, dtype=np.float32))
    near[: BATCH // 2] += 0.7 * noise[: BATCH // 2]
    # Real strangers are to each other what real faces are: two of them mixed are nobody.
    near[BATCH // 2 :] += near[BATCH // 2 :][::-1] + 0.7 * noise[BATCH // 2 :]
    return unit(near)


def built(name: str, build: Callable[[], Find]) -> Method:
    before, started = resident(), time.perf_counter()
    find = build()
    return Method(name, find, time.perf_counter() - started, resident() - before)


def ours(rows: np.ndarray, people: list[str], per_person: int) -> Index:
    index = Index(rows.shape[1], threads=1)
    counts = np.full(len(people), per_person)
    counts[-1] = len(rows) - counts[:-1].sum()
    for first in range(0, len(people), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        span = slice(first * per_person, first * per_person + counts[some].sum())
        labels = [Labels()] * len(people[some])
        index.put_many(people[some], labels, counts[some], np.arange(span.start, span.stop), rows[span])
    return index


def searched(index: Index, threads: int) -> Find:
    def find(probes: np.ndarray) -> np.ndarray:
        index.threads = threads
        hits = index.search(probes, 1)
        return np.array([one[0].template_ids[one[0].scores.argmax()] for one in hits])

    return find


def plain(rows: np.ndarray) -> Find:
    """Nothing but BLAS, in blocks, so that the scores need no gigabytes."""

    def find(probes: np.ndarray) -> np.ndarray:
        best, row = np.full(len(probes), -np.inf, np.float32), np.zeros(len(probes), np.int64)
        for start in range(0, len(rows), 16384):
            scores = rows[start : start + 16384] @ probes.T
            at = scores.argmax(axis=0)
            high = scores[at, np.arange(len(probes))]
            row[high > best] = at[high > best] + start
            best = np.maximum(best, high)
        return row

    return find


def faiss_index(rows: np.ndarray, kind: str) -> Find:
    faiss = importlib.import_module("faiss")
    faiss.omp_set_num_threads(1)
    index = faiss.index_factory(rows.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
    index.train(rows)
    index.add(rows)
    if "HNSW" in kind:
        index.hnsw.efSearch = 64
    return lambda probes: index.search(probes, 1)[1][:, 0]


def usearch_exact(rows: np.ndarray) -> Find:
    usearch = importlib.import_module("usearch.index")

    def find(probes: np.ndarray) -> np.ndarray:
        found = usearch.search(rows, probes, 1, usearch.MetricKind.IP, exact=True, threads=1)
        return np.asarray(found.keys).reshape(-1).astype(np.int64)

    return find


def usearch_graph(rows: np.ndarray, kind: str) -> Find:
    usearch = importlib.import_module("usearch.index")
    index = usearch.Index(ndim=rows.shape[1], metric="ip", dtype=kind, expansion_search=64)
    index.add(np.arange(len(rows)), rows, threads=1)

    def find(probes: np.ndarray) -> np.ndarray:
        return np.asarray(index.search(probes, 1, threads=1).keys).reshape(-1).astype(np.int64)

    return find


def hnswlib_graph(rows: np.ndarray) -> Find:
    index = importlib.import_module("hnswlib").Index(space="ip", dim=rows.shape[1])
    index.init_index(max_elements=len(rows), ef_construction=200, M=16)
    index.set_num_threads(1)
    index.add_items(rows, np.arange(len(rows)))
    index.set_ef(64)
    return lambda probes: index.knn_query(probes, 1)[0][:, 0].astype(np.int64)


def loop(rows: np.ndarray, score: Callable[[np.ndarray, np.ndarray], float]) -> Find:
    """One comparison after the other, as face_recognition's followers do over a list of known people."""
    known = list(rows)

    def find(probes: np.ndarray) -> np.ndarray:
        return np.array([np.argmax([score(probe, one) for one in known]) for probe in probes])

    return find


def pickle_then_loop(rows: np.ndarray) -> Find:
    """A file of known people that every search reads again."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as what reads it
    pickle.dump({str(number): row for number, row in enumerate(rows)}, file)

    def find(probes: np.ndarray) -> np.ndarray:
        best = []
        for probe in probes:
            file.seek(0)
            known = pickle.load(file)  # noqa: S301 - what was written above
            best.append(int(max(known, key=lambda name: cosine(probe, known[name]))))
        return np.array(best)

    return find


def frame(rows: np.ndarray) -> Find:
    """A pandas frame of embeddings, a distance a row, then sorted, as DeepFace's find does for each face."""
    pandas = importlib.import_module("pandas")
    people = pandas.DataFrame({"identity": np.arange(len(rows)), "embedding": rows.tolist()})

    def one(probe: np.ndarray) -> int:
        distances = [1 - cosine(probe, np.asarray(row["embedding"])) for _, row in people.iterrows()]
        return int(people.assign(distance=distances).sort_values("distance").iloc[0]["identity"])

    return lambda probes: np.array([one(probe) for probe in probes])


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.dot(first, second) / (np.linalg.norm(first) * np.linalg.norm(second)))


def methods(rows: np.ndarray, people: list[str], per_person: int, graphs: bool) -> list[Method]:
    tiny, index = rows[:PEOPLE_OF_LOOP], list[Index]()

    def first() -> Find:
        index.append(ours(rows, people, per_person))
        return searched(index[0], 1)

    builders: dict[str, Callable[[], Find]] = {"mien": first}
    if cores() > 1:
        builders[f"mien, the same index, {cores()} threads"] = lambda: searched(index[0], cores())
    builders |= {
        "numpy float32": lambda: plain(rows),
        "faiss Flat": lambda: faiss_index(rows, "Flat"),
        "faiss SQ8": lambda: faiss_index(rows, "SQ8"),
        "usearch exact": lambda: usearch_exact(rows),
    }
    if graphs:
        builders |= {
            "faiss HNSW32": lambda: faiss_index(rows, "HNSW32"),
            "usearch HNSW f32": lambda: usearch_graph(rows, "f32"),
            "usearch HNSW i8": lambda: usearch_graph(rows, "i8"),
            "hnswlib": lambda: hnswlib_graph(rows),
        }
    if len(rows) == len(tiny):
        builders |= {LOOPS[0]: lambda: loop(tiny, np.dot), LOOPS[1]: lambda: loop(tiny, cosine)}
        builders |= {LOOPS[2]: lambda: pickle_then_loop(tiny), LOOPS[3]: lambda: frame(tiny)}
    made = []
    for name, build in builders.items():
        try:
            made.append(built(name, build))
        except ImportError as error:
            print(f"{name} is left out: {error}")
    return made


def measure(made: list[Method], probes: np.ndarray, truth: np.ndarray, rounds: int) -> None:
    single = {one.name: Times() for one in made}
    batch = {one.name: Times() for one in made}
    found: dict[str, np.ndarray] = {}
    for one in made:
        for at in range(0 if one.name in LOOPS else WARM_UP):
            one.find(probes[at : at + 1])
    for turn in range(rounds):
        for one in made:
            at = turn % len(probes)
            single[one.name].take(one.find, probes[at : at + 1])
            some = probes[:A_FEW] if one.name in LOOPS else probes
            found[one.name] = batch[one.name].take(one.find, some)
    print(f"| | one probe, ms | {BATCH} probes, ms each | load, s | MB | recall | as mien | times mien |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for one in made:
        alone, got = single[one.name], found[one.name]
        recall, same = (np.mean(got == other[: len(got)]) for other in (truth, found["mien"]))
        print(
            f"| {one.name} | {alone} | {batch[one.name]} | {one.load_seconds:.2f} | {one.megabytes:.0f} "
            f"| {recall:.3f} | {same:.3f} | {alone.cpu / single['mien'].cpu:.2f} |"
        )


def truth_of(rows: np.ndarray, probes: np.ndarray) -> np.ndarray:
    """The best row in float64."""
    best, row = np.full(len(probes), -np.inf), np.zeros(len(probes), np.int64)
    for start in range(0, len(rows), 16384):
        scores = rows[start : start + 16384].astype(np.float64) @ probes.T.astype(np.float64)
        at = scores.argmax(axis=0)
        high = scores[at, np.arange(len(probes))]
        row[high > best] = at[high > best] + start
        best = np.maximum(best, high)
    return row


def compare(rows: np.ndarray, rng: np.random.Generator, asked: Any, per_person: int) -> None:
    n_people = -(-len(rows) // per_person)
    people = [base64.b32encode(rng.bytes(16)).decode().rstrip("=").lower() for _ in range(n_people)]
    probes = probes_for(rows, rng)
    print(f"\n{len(rows):,} templates of {n_people:,} people, {rows.shape[1]} dimensions; mien uses {describe()}\n")
    measure(methods(rows, people, per_person, asked.graphs), probes, truth_of(rows, probes), asked.rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1_000_000, help="templates, at most what FILE has")
    parser.add_argument("--vectors", type=Path, help="(N, D) embeddings instead of random directions")
    parser.add_argument("--per-person", type=int, default=4, help="templates of each person in the index")
    parser.add_argument("--graphs", action="store_true", help="build the approximate indexes too")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    if not ONE_THREAD.items() <= os.environ.items():  # numpy reads them when it is imported
        sys.exit(subprocess.call([sys.executable, *sys.argv], env=os.environ | ONE_THREAD))
    rng = np.random.default_rng(0)
    # The libraries' own memory is not the index's.
    describe()
    Index(8).search(np.eye(8, dtype=np.float32))
    if asked.vectors:
        rows = unit(np.array(np.load(asked.vectors, allow_pickle=False)[: asked.n], np.float32))
    else:
        rows = made_up(asked.n, rng)
    compare(rows, rng, asked, asked.per_person if len(rows) > PEOPLE_OF_LOOP else 1)


if __name__ == "__main__":
    main()
