"""mien's expression model against its peers: the same labelled 48 x 48 grey faces, on one core, in turns.

    python benchmarks/expression.py --data DIR [--faces N] [--peers fer,...] [--node] [--model NAME|FILE.onnx]

DIR: FER2013 in a layout that `mien evaluate expression` reads, or another set with FER2013's seven classes; a face of
another size is scaled to 48 px. Everybody is given the crops as they are: no face is searched for. Each peer gets its
own environment under `benchmarks/.peers`, made at the first run with pip, with `--node` two more with npm. Every
program is a process of its own. They take turns by blocks of faces, so that a busy machine is busy for all. Prints
Markdown: accuracy with Wilson's interval; by how many points mien is better on the very same faces, with a bootstrap's
interval and McNemar's exact test; the median time of a face; the median over the blocks of how much longer than mien
a program took.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from environments import PEERS, node_modules, python_of
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from mien.dataset.read import read_faces
from mien.engine.capability import processor
from mien.errors import MienError
from mien.evaluate.classification import Estimate, resampled, share
from mien.expression.classes import FER2013
from mien.record import plain

HERE = Path(__file__).parent
SCHEMA = "mien.expression-benchmark/1"
SIDE = 48
BLOCK = 25
MIEN = ("mien", "mien-fast")

# Each word of a program to FER2013's; a word that is not here stops the run.
TO_FER2013 = {name: name for name in FER2013} | {
    "Angry": "angry",
    "Disgust": "disgust",
    "Fear": "fear",
    "Happy": "happy",
    "Sad": "sad",
    "Surprise": "surprise",
    "Neutral": "neutral",
    "disgusted": "disgust",
    "fearful": "fear",
    "surprised": "surprise",
}
# fer asks for PyTorch and moviepy, too, which serve a detector and videos. OpenCV 5 has no CascadeClassifier in its
# main package; fer reads its files through pkg_resources, which setuptools 81 dropped.
FER_NEEDS = ["tensorflow", "opencv-python-headless<5", "requests", "pillow", "setuptools<81"]
# What pip installs for a peer: with its dependencies, and without.
REQUIREMENTS = {
    "fer": (FER_NEEDS, ["fer==25.10.3"]),
    "facial-emotion-recognition": (["torch", "numpy"], ["facial-emotion-recognition==0.3.4"]),
}
PROGRAMS = {
    "fer": ("fer", "fer-network", "fer-keras"),
    "facial-emotion-recognition": ("facial-emotion-recognition",),
}
OTHER_WAYS = {"fer": ("fer-whole", "fer-replicated")}
TENSORFLOW_JS = {"@tensorflow/tfjs": "4.22.0", "@tensorflow/tfjs-backend-wasm": "4.22.0"}
NODE = {
    "face-api": {"@vladmandic/face-api": "1.7.15"} | TENSORFLOW_JS,
    "human": {"@vladmandic/human": "3.3.6"} | TENSORFLOW_JS,
}


@dataclass
class Program:
    """A program in its process, and what it has said of the faces so far."""

    name: str
    process: subprocess.Popen[str]
    errors: Path
    version: str = ""
    words: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @classmethod
    def start(cls, name: str, command: Sequence[str], threads: int, folder: Path) -> Program:
        """Start it and wait until its network is loaded; what it complains of goes to a file in `folder`."""
        limits = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        environment = os.environ | dict.fromkeys(limits, str(threads))
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        errors = folder / f"{name}.log"
        with errors.open("w", encoding="utf-8") as log:
            program = cls(name, subprocess.Popen(command, text=True, env=environment, stderr=log, **pipes), errors)
        program.version = program._reply()["version"]
        return program

    def ask(self, first: int, last: int) -> dict[str, Any]:
        """Have it name the faces from `first` to before `last`."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"first": first, "last": last}) + "\n")
        self.process.stdin.flush()
        return self._reply()

    def _reply(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended: {self.errors.read_text(encoding='utf-8', errors='replace')[-1500:]}")
        return dict(json.loads(line))

    def stop(self) -> None:
        """Close its stdin, which ends it."""
        self.process.communicate()


@dataclass(frozen=True)
class Paired:
    """mien against another program on the same faces.

    better: accuracy of mien minus the other's, with a bootstrap's interval over faces. only_mien, only_other: faces
    that one alone names rightly. p: McNemar's exact test, two-sided.
    """

    better: Estimate
    only_mien: int
    only_other: int
    p: float


def paired(mien: NDArray[np.bool_], other: NDArray[np.bool_]) -> Paired:
    """From who is right on which face, (N,) each."""
    gain = mien.astype(np.float64) - other
    better = resampled(lambda weights: (float(weights @ gain / weights.sum()),), len(gain))[0]
    only_mien, only_other = int((gain > 0).sum()), int((gain < 0).sum())
    return Paired(better, only_mien, only_other, mcnemar(only_mien, only_other))


def mcnemar(one: int, other: int) -> float:
    """Two-sided exact p that faces which one of two alone names rightly fall this unevenly (McNemar, 1947)."""
    total, term, tail = one + other, 1, 0
    for count in range(min(one, other) + 1):
        tail += term
        term = term * (total - count) // (count + 1)
    return min(1.0, 2 * tail / 2**total)


def in_fer2013(words: Sequence[str], program: str) -> NDArray[np.int64]:
    """(N,) numbers of FER2013's classes."""
    unknown = sorted(set(words) - set(TO_FER2013))
    if unknown:
        raise SystemExit(f"{program} says {', '.join(unknown)}, which TO_FER2013 does not know.")
    return np.array([FER2013.index(TO_FER2013[word]) for word in words], np.int64)


def slower(program: Program, mien: Program) -> float:
    """The median over the blocks of how many times as long the program's median face took as mien's."""
    blocks = [slice(start, start + BLOCK) for start in range(0, len(mien.seconds), BLOCK)]
    return statistics.median(
        statistics.median(program.seconds[block]) / statistics.median(mien.seconds[block]) for block in blocks
    )


@dataclass(frozen=True)
class Faces:
    """What everybody is asked: (N, 48, 48) uint8 grey, (N,) FER2013's numbers, (N,) whether a twin lies elsewhere."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    twins: NDArray[np.bool_]
    title: str


def load_faces(folder: Path, split: str, most: int | None) -> Faces:
    """All labelled faces of the split, or `most` of them drawn at random, the same each time."""
    found = read_faces(folder, split, SIDE)  # type: ignore[arg-type]
    if set(found.classes) != set(FER2013):
        raise SystemExit(f"{folder} has the classes {', '.join(found.classes)}; FER2013's seven are needed.")
    chosen = np.flatnonzero(found.labels >= 0)
    if most and most < len(chosen):
        chosen = np.sort(np.random.default_rng(1).choice(chosen, most, replace=False))
    order = np.array([FER2013.index(name) for name in found.classes])
    title = f"{found.name}, {split}, SHA-256 {found.sha256[:12]}"
    return Faces(found.faces[chosen], order[found.labels[chosen]], found.twins[chosen], title)


def commands(arguments: argparse.Namespace, faces: Path) -> Iterator[tuple[str, list[str]]]:
    """Each program with how it is started: mien first, then those whose environment can be made."""
    threads = str(arguments.threads)
    for name in MIEN:
        yield name, python_command(sys.executable, name, str(faces), threads, arguments.model)
    for peer in arguments.peers:
        python = python_of(arguments.environments / peer, *REQUIREMENTS[peer])
        if not python:
            print(f"{peer} cannot be installed here: it is left out.", file=sys.stderr)
            continue
        for name in PROGRAMS[peer] + (OTHER_WAYS.get(peer, ()) if arguments.other_ways else ()):
            yield name, python_command(python, name, str(faces), threads)
    for name, packages in NODE.items() if arguments.node else ():
        modules = node_modules(arguments.environments.resolve() / name, packages)
        if modules:
            yield name, ["node", str(HERE / "expression_peers.cjs"), name, str(faces), threads, str(modules)]
        else:
            print(f"{name} cannot be installed here: it is left out.", file=sys.stderr)


def python_command(python: str, *options: str) -> list[str]:
    return [python, "-P", "-W", "ignore", str(HERE / "expression_peers.py"), *options]


def measure(programs: list[Program], n_faces: int) -> None:
    """Every face by every program, in turns by blocks after a block that warms up; who begins changes."""
    for program in programs:
        program.ask(0, min(BLOCK, n_faces))
    for turn, start in enumerate(track(range(0, n_faces, BLOCK), "faces", console=Console(stderr=True))):
        begins = turn % len(programs)
        for program in programs[begins:] + programs[:begins]:
            reply = program.ask(start, min(start + BLOCK, n_faces))
            program.words += reply["said"]
            program.seconds += reply["seconds"]


def judged(program: Program, mien: Program, faces: Faces, keep: NDArray[np.bool_]) -> dict[str, Any]:
    """Accuracy on the faces kept, and mien's beside it."""
    right, mine = (in_fer2013(one.words, one.name)[keep] == faces.labels[keep] for one in (program, mien))
    if not keep.any():
        return {"n": 0}
    figures = {"n": int(keep.sum()), "accuracy": share(int(right.sum()), len(right))}
    return figures if program is mien else figures | {"mien": paired(mine, right)}


def record(program: Program, programs: Sequence[Program], faces: Faces) -> dict[str, Any]:
    """All figures of one program."""
    times = np.array(program.seconds) * 1000
    return {
        "program": program.name,
        "version": program.version,
        "all_faces": judged(program, programs[0], faces, np.ones(len(faces.labels), np.bool_)),
        "without_twins": judged(program, programs[0], faces, ~faces.twins),
        "milliseconds_p50": float(np.median(times)),
        "milliseconds_p95": float(np.percentile(times, 95)),
        "slower_than": {one.name: slower(program, one) for one in programs if one.name in MIEN},
    }


def table(records: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Lines of Markdown."""
    titles = {"all_faces": "All faces", "without_twins": "Without faces that have a twin in another split"}
    for key, title in titles.items():
        if not records[0][key]["n"]:
            continue
        yield f"\n**{title}**: {records[0][key]['n']:,}\n"
        yield "| program | accuracy (95 %) | mien better by, points (95 %) | only mien right | only the other | p |"
        yield "|---|---|---|---|---|---|"
        for one in records:
            accuracy, other = one[key]["accuracy"], one[key].get("mien")
            cells = [one["program"], f"{accuracy.value:.1%} ({accuracy.low:.1%} to {accuracy.high:.1%})"]
            if other:
                points = [100 * value for value in (other.better.value, other.better.low, other.better.high)]
                cells.append("{:+.1f} ({:+.1f} to {:+.1f})".format(*points))
                p = f"{other.p:.2g}" if other.p >= 1e-6 else "< 1e-6"
                cells += [str(other.only_mien), str(other.only_other), p]
            yield f"| {' | '.join(cells)} {'|' * (7 - len(cells))}"
    yield "\n**Time of a face**\n"
    yield f"| program | ms (p50) | p95 | {' | '.join(f'slower than {name}' for name in MIEN)} |"
    yield "|---|---|---|---|---|"
    for one in records:
        ratios = " | ".join(f"{one['slower_than'][name]:.2f} x" for name in MIEN)
        yield f"| {one['program']} | {one['milliseconds_p50']:.2f} | {one['milliseconds_p95']:.2f} | {ratios} |"


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="labelled faces with FER2013's classes")
    parser.add_argument("--split", default="valid", choices=("valid", "test"))
    parser.add_argument("--faces", type=int, help="so many, drawn at random; all without it")
    parser.add_argument("--model", default="expression", help="mien's: a card's name, or FILE.onnx with its card")
    peers = f"of {', '.join(PROGRAMS)}; separated by commas, empty for mien alone"
    parser.add_argument("--peers", default="fer", help=peers)
    parser.add_argument("--node", action="store_true", help="face-api and human, too; needs node and npm")
    parser.add_argument("--other-ways", action="store_true", help="also other ways to give fer a crop")
    parser.add_argument("--environments", type=Path, default=PEERS, help="where the peers are installed")
    parser.add_argument("--threads", type=int, default=1, help="for each program, and so many cores")
    parser.add_argument("--core", type=int, default=0, help="the first core to stay on; -1: any")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures as JSON")
    arguments = parser.parse_args()
    arguments.peers = [name for name in arguments.peers.split(",") if name]
    unknown = [name for name in arguments.peers if name not in PROGRAMS]
    if unknown:
        parser.error(f"no peer is called {', '.join(unknown)}; there are {', '.join(PROGRAMS)}")
    return arguments


def main() -> None:
    """Measure and print."""
    arguments = parse()
    faces = load_faces(arguments.data, arguments.split, arguments.faces)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ends:
        path = Path(folder) / "faces.bin"
        faces.pixels.tofile(path)
        ready = list(commands(arguments, path))
        if arguments.core >= 0 and hasattr(os, "sched_setaffinity"):
            # The programs inherit it.
            os.sched_setaffinity(0, range(arguments.core, arguments.core + arguments.threads))
        programs: list[Program] = []
        for name, command in ready:
            programs.append(Program.start(name, command, arguments.threads, Path(folder)))
            ends.callback(programs[-1].stop)
        measure(programs, len(faces.labels))
        records = [record(program, programs, faces) for program in programs]
    about = {
        "machine": f"{processor()}, {platform.system()}, Python {platform.python_version()}",
        "threads": arguments.threads,
        "data": faces.title,
    }
    print(f"{about['machine']}; threads a program: {arguments.threads}.")
    print(f"Faces: {faces.title}.")
    print(", ".join(dict.fromkeys(program.version for program in programs)) + ".")
    print("\n".join(table(records)))
    if arguments.json:
        text = json.dumps(plain({"schema": SCHEMA} | about | {"programs": records}), allow_nan=False)
        arguments.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except MienError as error:
        sys.exit(f"{error}")
