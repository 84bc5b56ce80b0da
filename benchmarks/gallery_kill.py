"""Kills a process that changes a gallery, hundreds of times, and looks at what is left.

Two ways. At random: a child changes a gallery in a loop and says so on a pipe after each change has returned; it gets
SIGKILL after a random time. At each step: one change is made with SIGKILL before every write, sync, rename and deletion
of ours, in the middle of every write, and before every SQL statement. Afterwards the gallery is opened: each change
that was acknowledged must be there, the one under way wholly or not at all, and `verify` (SQLite's integrity check
among it) must find nothing. What a kill cannot show is a power cut: the system's cache survives it.

    python benchmarks/gallery_kill.py --kills 500
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import apsw
import numpy as np

from mien.gallery.people import Profile, Template
from mien.gallery.store import database
from mien.gallery.store.database import connect, format_of
from mien.gallery.store.keys import KeyFile
from mien.gallery.store.master import MasterKey
from mien.gallery.store.migrations import steps
from mien.gallery.store.opening import KEYS, records_path
from mien.gallery.store.receipt import load_receipt, verify_receipt
from mien.gallery.store.records import GalleryPolicy
from mien.gallery.store.renewal import restore
from mien.gallery.store.sqlite import SqliteRecords
from mien.gallery.store.vault import RootKeys

DIM = 32
MASTERS = [MasterKey(bytes([number]) * 32, "the benchmark") for number in (1, 2)]
BASE = ("Anna", "Bob", "Carl", "Dora", "Ed", "Fay")
STEPS = [
    *steps(),
    *((2 + n, f"CREATE TABLE extra{n} (x TEXT) STRICT; INSERT INTO extra{n} VALUES ('x')") for n in range(4)),
]
WATCHED = ("pwrite", "fsync", "fdatasync", "replace", "rename", "unlink")

People = dict[str, list[str]]
"""Name, and the sources of the templates: all that the model knows of a gallery."""


@dataclass
class Tally:
    """What was found. lost, half, corrupt: descriptions, which must stay empty."""

    kills: int = 0
    acknowledged: int = 0
    finished: int = 0
    failures: list[str] = field(default_factory=list)


def template(source: str) -> Template:
    drawn = np.random.default_rng(abs(hash(source)) % 2**32).normal(size=DIM)
    return Template((drawn / np.linalg.norm(drawn)).astype(np.float32), 80.0, source, datetime.now(UTC), b"crop " * 20)


def find(name: str) -> MasterKey:
    return next(one for one in MASTERS if one.name == name)


def open_gallery(folder: Path) -> SqliteRecords:
    """With whichever of the two master keys the gallery has by now."""
    with mock.patch("mien.gallery.store.sqlite.find_master", find):
        return SqliteRecords(folder)


def id_of(records: SqliteRecords, name: str) -> str:
    return records.find(name)[0].id


def change(records: SqliteRecords, folder: Path, order: list[Any]) -> None:
    """Make one change. order: what, and with whom."""
    what, *whom = order
    if what == "rekey":
        records.rekey(MASTERS[whom[0]])
    elif what == "restore":
        restore(folder, folder.with_suffix(".backup"), find)
    elif what == "backup":
        folder.with_suffix(".again").unlink(missing_ok=True)
        records.backup(folder.with_suffix(".again"))
    elif what != "migrate":
        with records.write() as writing:
            if what == "enrol":
                for name in whom:
                    writing.add_person(Profile(name), [template(f"{name} 1"), template(f"{name} 2")])
            elif what == "add":
                writing.add_templates(id_of(records, whom[0]), [template(whom[1])])
            elif what == "rename":
                writing.change_profile(id_of(records, whom[0]), Profile(whom[1]), "rename")
            elif what == "remove":
                writing.remove(id_of(records, whom[0]))
            elif what == "merge":
                writing.merge(id_of(records, whom[0]), id_of(records, whom[1]))


def expected(people: People, order: list[Any], backup: People) -> People:
    """The model after a change."""
    what, *whom = order
    after = {name: list(sources) for name, sources in people.items()}
    if what == "enrol":
        after |= {name: [f"{name} 1", f"{name} 2"] for name in whom}
    elif what == "add":
        after[whom[0]].append(whom[1])
    elif what == "rename":
        after[whom[1]] = after.pop(whom[0])
    elif what == "remove":
        del after[whom[0]]
    elif what == "merge":
        after[whom[1]] += after.pop(whom[0])
    elif what == "restore":
        after = backup
    return after


def random_order(people: People, rng: random.Random, count: int) -> list[Any]:
    """Something to do next."""
    names = sorted(people)
    what = rng.choices(["enrol", "batch", "add", "rename", "remove", "merge", "rekey"], [30, 5, 15, 10, 20, 8, 12])[0]
    if len(names) < 3 or what == "enrol":
        return ["enrol", f"N{count}"]
    if what == "batch":
        return ["enrol", *(f"B{count}-{number}" for number in range(10))]
    if what == "rekey":
        return ["rekey", rng.randrange(2)]
    one, other = rng.sample(names, 2)
    extra = {"add": [f"extra {count}"], "rename": [f"R{count}"], "merge": [other]}
    return [what, one, *extra.get(what, [])]


def seen(records: SqliteRecords) -> People:
    return {who.profile.name: [one.source for one in records.templates(who.id)] for who in records.people()}


def examine(folder: Path, allowed: list[People], tally: Tally, context: str) -> People:
    """Open what a kill left, compare it with what may be there, and check it throughout."""
    try:
        with open_gallery(folder) as records:
            people = seen(records)
            problems = records.verify()
            public = records.public_key
    except Exception as error:  # noqa: BLE001
        tally.failures.append(f"{context}: cannot be opened: {error!r}")
        return allowed[0]
    if people not in allowed:
        tally.failures.append(f"{context}: {people} is none of {allowed}")
    if problems:
        tally.failures.append(f"{context}: {problems}")
    files = [path.name for path in folder.iterdir()]
    if KEYS + ".new" in files or len([name for name in files if name.startswith("records-")]) != 1:
        tally.failures.append(f"{context}: left over: {files}")
    if not all(verify_receipt(load_receipt(path), public) for path in (folder / "receipts").glob("*.json")):
        tally.failures.append(f"{context}: a receipt does not verify")
    return people


def in_child(work: Callable[[int], None]) -> tuple[int, int]:
    """Start `work` in a child with a pipe to speak on; its process id and our end of the pipe."""
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        return child, reader
    try:
        os.close(reader)
        work(writer)
        os._exit(0)
    except BaseException as error:  # noqa: BLE001
        os.write(2, f"child: {error!r}\n".encode())
        os._exit(3)


def said_by(reader: int) -> list[list[Any]]:
    """All lines of a child that has ended."""
    with os.fdopen(reader, "rb") as pipe:
        lines = pipe.read().split(b"\n")
    return [json.loads(line) for line in lines[:-1]]


def loop(folder: Path, people: People, seed: int, pipe: int) -> None:
    """Change the gallery until killed; say what is begun and, once it has returned, that it is done."""
    rng = random.Random(seed)
    with open_gallery(folder) as records:
        for count in range(10**6):
            order = random_order(people, rng, 10000 * seed + count)
            os.write(pipe, json.dumps(["begin", order]).encode() + b"\n")
            change(records, folder, order)
            os.write(pipe, json.dumps(["done", order]).encode() + b"\n")
            people = expected(people, order, people)


def kill_at_random(folder: Path, people: People, seed: int, longest: float, tally: Tally) -> People:
    """One kill after a random time; what is in the gallery afterwards."""
    child, reader = in_child(lambda pipe: loop(folder, people, seed, pipe))
    time.sleep(random.Random(seed).uniform(0, longest))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    under_way: list[Any] | None = None
    for word, order in said_by(reader):
        under_way = order if word == "begin" else None
        if word == "done":
            people = expected(people, order, people)
            tally.acknowledged += 1
    tally.kills += 1
    allowed = [people] + ([expected(people, under_way, people)] if under_way else [])
    after = examine(folder, allowed, tally, f"seed {seed}, {under_way} under way")
    tally.finished += len(allowed) > 1 and after == allowed[1] and after != allowed[0]
    return after


class Steps:
    """Counts what a change does to the disk, and ends the process before the step `at`, or in the middle of it."""

    def __init__(self, at: int, torn: bool = False) -> None:
        self.count = 0
        self.names: list[str] = []
        self._at = at
        self._torn = torn

    def step(self, name: str) -> bool:
        """Whether the step shall be done by half and the process ended by the caller."""
        self.names.append(name)
        self.count += 1
        if self.count - 1 != self._at:
            return False
        if self._torn and name == "pwrite":
            return True
        os.kill(os.getpid(), signal.SIGKILL)
        return False

    def wrap(self, name: str) -> Callable[..., Any]:
        real = getattr(os, name)

        def watched(*given: Any, **more: Any) -> Any:
            if self.step(name):
                real(given[0], given[1][: len(given[1]) // 2], *given[2:])
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*given, **more)

        return watched

    def trace(self, connection: apsw.Connection) -> None:
        def statement(_: object, sql: str, __: object) -> bool:
            self.step(sql.split()[0])
            return True

        connection.set_exec_trace(statement)


@contextmanager
def watched(counter: Steps) -> Iterator[None]:
    """Pass everything that a change does to the disk through the counter."""
    names = [name for name in WATCHED if hasattr(os, name)]
    apsw.connection_hooks.append(counter.trace)
    with mock.patch.multiple(os, **{name: counter.wrap(name) for name in names}):
        yield
    apsw.connection_hooks.remove(counter.trace)


def once(folder: Path, order: list[Any], counter: Steps, pipe: int) -> None:
    """Make one change under the counter's eyes and acknowledge it."""
    if order[0] == "migrate":
        with mock.patch.object(database, "steps", lambda: STEPS), watched(counter):
            open_gallery(folder).close()
    else:
        with open_gallery(folder) as records, watched(counter):
            # A connection that is open already is traced too.
            for connection in list(records._connections):
                counter.trace(connection)
            change(records, folder, order)
    os.write(pipe, json.dumps(["done", counter.count]).encode() + b"\n")


def kill_at_step(base: Path, folder: Path, order: list[Any], at: int, torn: bool) -> tuple[bool, int]:
    """Change a fresh copy of the gallery, killed at a step; whether it was acknowledged, and the steps it took."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder)
    shutil.copyfile(base.with_suffix(".backup"), folder.with_suffix(".backup"))
    child, reader = in_child(lambda pipe: once(folder, order, Steps(at, torn), pipe))
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and os.WEXITSTATUS(status):
        raise SystemExit(f"{order} failed by itself")
    said = said_by(reader)
    return bool(said), said[0][1] if said else at


def formats_are_whole(folder: Path) -> list[str]:
    """Whether each migration is there as a whole or not at all."""
    keys = KeyFile(folder / KEYS, find)
    root = RootKeys(keys.header.gallery, keys.secrets)
    connection = connect(records_path(folder, keys.header.generation), root.database, wait=1)
    found = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'extra%'").fetchone()
    filled = [connection.execute(f"SELECT count(*) FROM extra{n}").fetchone() for n in range(format_of(connection) - 1)]
    whole = found == (format_of(connection) - 1,) and all(one == (1,) for one in filled)
    connection.close()
    return [] if whole else [f"format {format_of}: {found} tables, {filled}"]


ORDERS: list[list[Any]] = [
    ["enrol", "New"],
    ["enrol", *(f"New {number}" for number in range(5))],
    ["add", "Anna", "extra"],
    ["rename", "Anna", "Annabel"],
    ["remove", "Bob"],
    ["merge", "Carl", "Dora"],
    ["rekey", 1],
    ["restore"],
    ["backup"],
    ["migrate"],
]


def kill_at_each_step(place: Path, most: int, tally: Tally, rng: random.Random) -> dict[str, int]:
    """Every kind of change, killed before (and for writes amid) its steps; how many steps each kind has."""
    base, folder = place / "base", place / "copy"
    people = {name: [f"{name} 1", f"{name} 2"] for name in BASE}
    backup = {name: sources for name, sources in people.items() if name != "Ed"}
    found: dict[str, int] = {}
    for order in ORDERS:
        _, count = kill_at_step(base, folder, order, -1, False)
        found[" ".join(map(str, order[:2]))] = count
        points = [(at, torn) for at in range(count) for torn in (False, True)]
        for at, torn in points if most >= len(points) else sorted(rng.sample(points, most)):
            acknowledged, _ = kill_at_step(base, folder, order, at, torn)
            tally.kills += 1
            tally.acknowledged += acknowledged
            context = f"{order} at step {at} of {count}{' amid' if torn else ''}"
            if order[0] == "migrate":
                tally.failures += [f"{context}: {problem}" for problem in formats_are_whole(folder)]
            # People enrolled since a backup are in it no more; Ed, removed since, must not come back with it.
            after = expected(people, order, backup)
            allowed = [after] if acknowledged else [people, after]
            with mock.patch.object(database, "steps", lambda whole=order[0] == "migrate": STEPS if whole else steps()):
                result = examine(folder, allowed, tally, context)
            tally.finished += not acknowledged and result == after != people
    return found


def make_base(place: Path) -> None:
    """A gallery that has seen a removal since its backup."""
    base = place / "base"
    policy = GalleryPolicy(require_consent=False, keep_crops=True, keep_answers_days=9)
    with SqliteRecords.create(base, "made-up", DIM, policy, MASTERS[0]) as records:
        change(records, base, ["enrol", *BASE])
        with records.write() as writing:
            ed = id_of(records, "Ed")
            writing.add_negative(ed, template("negative").vector, "me")
            writing.add_answer(template("answer").vector, ed, 0.5)
        records.backup(base.with_suffix(".backup"))
        change(records, base, ["remove", "Ed"])
        change(records, base, ["enrol", "Ed"])


def main() -> None:
    """Kill, count, and end with status 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=500, help="kills at a random moment")
    parser.add_argument("--points", type=int, default=10**6, help="kills at a step, for each kind of change at most")
    parser.add_argument("--longest", type=float, default=1.0, help="seconds that a child lives at most")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="gallery-kill-"))
    try:
        make_base(place)
        at_steps, at_random = Tally(), Tally()
        found = kill_at_each_step(place, given.points, at_steps, random.Random(given.seed))
        folder = place / "random"
        shutil.copytree(place / "base", folder)
        people = {name: [f"{name} 1", f"{name} 2"] for name in BASE}
        for number in range(given.kills):
            people = kill_at_random(folder, people, given.seed + number, given.longest, at_random)
    finally:
        shutil.rmtree(place)
    report = {"steps": found, "at_steps": vars(at_steps), "at_random": vars(at_random)}
    print(json.dumps(report, indent=1))
    sys.exit(bool(at_steps.failures or at_random.failures))


if __name__ == "__main__":
    main()
