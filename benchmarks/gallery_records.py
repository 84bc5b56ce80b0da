"""The gallery's records: how fast people are enrolled durably, and how fast an index is loaded from them.

    python benchmarks/gallery_records.py [--kind sqlite] [--rows 1000000] [--folder .]
    python benchmarks/gallery_records.py --kind postgres [--url postgresql://user@host/database?gallery=benchmark]

Vectors are made up, of length 1; embedding photos is not part of it. "One by one" is a transaction a person, which has
returned when the person is on the disk; "batched" is --batch people a transaction. Both are timed with --templates each
and with one each, on an empty gallery and, where --rows asks for more, on what is there then. "Scan" reads all vectors,
"load" builds the index from them too, in a fresh process, whose growth is the memory. A rate depends on the disk: the
first line has its own. One thread everywhere. --folder: where galleries are made, on the disk that is meant; a
temporary one where it is not given. Without --url a server of this machine is started (pip install pgserver).
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from mien.gallery.people import Profile, Template
from mien.gallery.place import create_records, is_server, open_records
from mien.gallery.search.index import Index
from mien.gallery.store.master import MasterKey
from mien.gallery.store.records import GalleryPolicy, Records

MASTER = MasterKey(bytes(range(32)), "the benchmark")
POLICY = GalleryPolicy(require_consent=False)
NOW = datetime.now(UTC)
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def resident() -> float:
    """Megabytes of memory that the process holds; NaN where the system does not say."""
    path = Path("/proc/self/statm")
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if path.exists() else np.nan


def sync_milliseconds(folder: Path) -> float:
    """What the disk takes to acknowledge 4 KiB: the median of 50 times."""
    times = []
    path = folder / "sync"
    with path.open("wb", buffering=0) as file:
        for _ in range(50):
            started = time.perf_counter()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            times.append(time.perf_counter() - started)
    path.unlink()
    return float(np.median(times)) * 1000


def made_up(people: int, templates: int, dim: int, rng: np.random.Generator) -> list[tuple[Profile, list[Template]]]:
    """Newcomers with names."""
    rows = rng.standard_normal((people * templates, dim), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    kept = [Template(row, 80.0, f"photo {number}.jpg", NOW) for number, row in enumerate(rows)]
    return [
        (Profile(f"Person {rng.integers(10**12)}"), kept[number * templates : (number + 1) * templates])
        for number in range(people)
    ]


def enrol(records: Records, people: Sequence[tuple[Profile, list[Template]]], batch: int) -> str:
    """People a second, by the wall clock and by the processor's."""
    started, worked = time.perf_counter(), time.process_time()
    for first in range(0, len(people), batch):
        with records.write() as writing:
            writing.add_people(people[first : first + batch])
    took, cpu = time.perf_counter() - started, time.process_time() - worked
    return f"{len(people) / took:,.0f} people/s ({cpu / len(people) * 1000:.3f} ms of the processor each)"


def load(place: str) -> tuple[int, int, str, str, float, float]:
    """Templates and people; times of the scan alone, and with the index; megabytes of the index, and of the process."""
    records = open_records(place, MASTER)
    started, worked = time.perf_counter(), time.process_time()
    n = sum(len(batch.vectors) for batch in records.scan())
    scan = seconds(started, worked, n)
    started, worked = time.perf_counter(), time.process_time()
    index, before = Index(records.info.dim), resident()
    for batch in records.scan():
        index.put_many(batch.person_ids, batch.labels, batch.counts, batch.template_ids, batch.vectors)
    both = seconds(started, worked, n)
    grown = resident() - before
    assert len(index) == n
    records.close()
    return n, index.n_people, scan, both, grown, resident()


def seconds(started: float, worked: float, n: int) -> str:
    took, cpu = time.perf_counter() - started, time.process_time() - worked
    return f"{took:.2f} s; a million: {took / n * 1e6:.2f} s ({cpu / n * 1e6:.2f} s of the processor)"


def in_fresh_process(place: str) -> tuple[int, int, str, str, float, float]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(load, (place,))


def on_disk(place: str) -> str:
    if is_server(place):
        return "the server's"
    return f"{sum(path.stat().st_size for path in Path(place).rglob('*') if path.is_file()) / 1e6:,.0f} MB"


def fill(records: Records, asked: argparse.Namespace, rng: np.random.Generator) -> None:
    """Up to the number of rows asked for, in large batches."""
    n_people = asked.rows // asked.templates
    while (missing := n_people - sum(one.n_templates for one in records.people()) // asked.templates) > 0:
        for _ in range(-(-missing // 10_000)):
            enrol(records, made_up(min(10_000, missing), asked.templates, asked.dim, rng), 10_000)


def measure(place: str, folder: Path, asked: argparse.Namespace) -> None:
    rng = np.random.default_rng(0)
    lines: list[tuple[str, str]] = [("disk: 4 KiB written and synced", f"{sync_milliseconds(folder):.2f} ms")]

    def rates(when: str) -> None:
        for name, n, batch in (("one by one", asked.single, 1), ("batched", asked.batched, asked.batch)):
            for templates in dict.fromkeys((asked.templates, 1)):
                people = made_up(n, templates, asked.dim, rng)
                lines.append((f"enrol {name}, templates each: {templates}, {when}", enrol(records, people, batch)))

    records = create_records(place, "made-up", asked.dim, POLICY, MASTER)
    rates("empty gallery")
    if asked.rows > (asked.single + asked.batched) * (asked.templates + 1):
        fill(records, asked, rng)
        rates(f"{asked.rows:,} templates there")
    records.close()
    n, n_people, scan, both, grown, process = in_fresh_process(place)
    lines += [
        ("templates, people", f"{n:,}, {n_people:,}"),
        ("scan", scan),
        ("load (scan and index)", both),
        ("resident: index", f"{grown:,.0f} MB, {grown / n * 1e6:,.0f} bytes a template"),
        ("resident: whole process", f"{process:,.0f} MB"),
        ("on disk", on_disk(place)),
    ]
    table("server" if is_server(place) else "SQLite", asked, lines)


def table(kind: str, asked: argparse.Namespace, lines: Sequence[tuple[str, str]]) -> None:
    print(f"| {kind}: {asked.dim} dimensions, {asked.templates} templates a person, batches of {asked.batch} | |")
    print("|---|---|")
    for name, value in lines:
        print(f"| {name} | {value} |")


def place_in(folder: Path, asked: argparse.Namespace) -> tuple[str, Callable[[], None]]:
    """Where the records are made, and what ends the server that was started for them."""
    if asked.kind == "sqlite":
        return str(folder / "records.gallery"), lambda: None
    if asked.url:
        return asked.url, lambda: None
    server = importlib.import_module("pgserver").get_server(folder / "server", cleanup_mode="delete")
    return server.get_uri(), server.cleanup


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--url", help="an empty gallery on a server")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured")
    parser.add_argument("--rows", type=int, default=1_000_000, help="templates that are loaded")
    parser.add_argument("--templates", type=int, default=4, help="of each person")
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--single", type=int, default=500, help="people enrolled one by one")
    parser.add_argument("--batched", type=int, default=10_000, help="people enrolled in batches")
    parser.add_argument("--batch", type=int, default=1000, help="people in a batch")
    asked = parser.parse_args()
    if not ONE_THREAD.items() <= os.environ.items():  # numpy reads them when it is imported
        sys.exit(subprocess.call([sys.executable, *sys.argv], env=os.environ | ONE_THREAD))
    with tempfile.TemporaryDirectory(prefix="gallery-records-", dir=asked.folder) as folder:
        place, end = place_in(Path(folder), asked)
        try:
            measure(place, Path(folder), asked)
        finally:
            end()


if __name__ == "__main__":
    main()
