"""mien against its peers: photo in, faces with embeddings out, on one core, the same photos, in turns.

    python benchmarks/speed.py [--peers opencv,face_recognition] [--n 20] [--photos DIR] [--lfw DIR]

Each peer gets its own environment under `benchmarks/.peers`, made with pip at the first run. Every program runs as a
child process, kept on one core where the system allows it, and does each photo once a round, one after the other, so
that a busy machine is busy for all. A photo's time is its median over the rounds; the table has the median and the
95th percentile over the photos. `--photos` measures on your own photos, scaled to fit, in place of made-up scenes.
`--lfw` (View 1: `images/`, `pairsDevTrain.txt`, `pairsDevTest.txt`) adds each program's accuracy, by the same rule for
all: the threshold that is best on the first list, judged on the second; of several faces the one that is large and near
the middle. A thousand pairs tell programs apart by luck, hence also the misses over all pairs. Prints Markdown.
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
import venv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import Progress
from scenes import write_copies, write_scenes

from mien.engine.capability import processor
from mien.engine.plain import plain_onnx
from mien.errors import MienError
from mien.evaluate.metrics import best_threshold, correct
from mien.evaluate.pairs import PairList, read_pairs
from mien.settings import load_settings
from mien.weights.fetch import ensure

HERE = Path(__file__).parent
VGA, TWELVE_MEGAPIXELS = (640, 480), (4000, 3000)
FMR = 1e-4

# What pip installs for a peer: with its dependencies, and without.
REQUIREMENTS = {
    "opencv": (["opencv-python-headless>=5", "numpy"], []),
    "face_recognition": (
        # Its models are read through pkg_resources, which setuptools 81 dropped; dlib-bin is dlib, compiled.
        ["dlib-bin", "face_recognition_models", "setuptools<81", "numpy", "pillow", "click"],
        ["face_recognition"],
    ),
}
PROGRAMS = {
    "opencv": ("opencv", "opencv-640"),
    "face_recognition": ("face_recognition", "face_recognition-640"),
}


@dataclass(frozen=True)
class Workload:
    """What goes in: `pixels`, `bytes` of a JPEG in memory, or a `file`; at most `most` of the photos."""

    title: str
    given: str
    size: tuple[int, int]
    rounds: int
    most: int = 1000
    small_too: bool = False


WORKLOADS = {
    "pixels": Workload("640 x 480, pixels in memory", "pixels", VGA, 5),
    "memory": Workload("640 x 480, JPEG in memory", "bytes", VGA, 5),
    "disk": Workload("640 x 480, JPEG file on disk", "file", VGA, 5),
    "12mp": Workload("4000 x 3000, JPEG file on disk", "file", TWELVE_MEGAPIXELS, 3, 6, small_too=True),
}


@dataclass
class Child:
    """A program in its process."""

    name: str
    process: subprocess.Popen[str]
    version: str = ""
    results: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)

    @classmethod
    def start(cls, name: str, python: str, core: int, files: dict[str, str]) -> Child:
        """Start it and wait until its networks are loaded."""
        single = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        command = [python, "-P", "-W", "ignore", str(HERE / "peer.py"), name, str(core), json.dumps(files)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        child = cls(name, subprocess.Popen(command, text=True, env=os.environ | single, **pipes))
        child.version = child._reply()["version"]
        return child

    def ask(self, given: str, path: Path, vectors: bool = False) -> dict[str, Any]:
        """Have it do one photo."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"input": given, "path": str(path), "vectors": vectors}) + "\n")
        self.process.stdin.flush()
        return self._reply()

    def _reply(self) -> dict[str, Any]:
        assert self.process.stdout is not None and self.process.stderr is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended: {self.process.stderr.read()[-1500:]}")
        return dict(json.loads(line))

    def stop(self) -> None:
        """Close its stdin, which ends it."""
        self.process.communicate()


def environment(peer: str, console: Console) -> str | None:
    """The Python of the peer's own environment; made now where it is not there. None where pip cannot."""
    folder = HERE / ".peers" / peer
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = folder / "installed.json"
    wanted = json.dumps(REQUIREMENTS[peer])
    if done.is_file() and done.read_text(encoding="utf-8") == wanted:
        return str(python)
    console.print(f"making the environment of {peer} in {folder}")
    venv.create(folder, with_pip=True, clear=True)
    for names, options in zip(REQUIREMENTS[peer], ([], ["--no-deps"]), strict=True):
        command = [str(python), "-m", "pip", "install", "--quiet", *options, *names]
        if names and subprocess.run(command, check=False).returncode:
            console.print(f"{peer} cannot be installed here: it is left out.")
            return None
    done.write_text(wanted, encoding="utf-8")
    return str(python)


def start_all(peers: list[str], core: int, files: dict[str, str], console: Console) -> Iterator[Child]:
    """mien first, then the variants of each peer."""
    yield Child.start("mien", sys.executable, core, files)
    for peer in peers:
        python = environment(peer, console)
        if python:
            for name in PROGRAMS[peer]:
                yield Child.start(name, python, core, files)


def measure(children: list[Child], key: str, paths: list[Path], progress: Progress) -> None:
    """Every photo by every child, in turns, after one photo that warms up."""
    work = WORKLOADS[key]
    # At 640 px there is nothing to make smaller.
    taking_part = [child for child in children if work.small_too or not child.name.endswith("-640")]
    task = progress.add_task(work.title, total=work.rounds * len(paths))
    for child in taking_part:
        child.ask(work.given, paths[0])
    for _ in range(work.rounds):
        for path in paths:
            for child in taking_part:
                child.results.setdefault(key, {}).setdefault(str(path), []).append(child.ask(work.given, path))
            progress.advance(task)


def photo_times(child: Child, key: str, what: str) -> list[float]:
    """Milliseconds of each photo, the median of its rounds."""
    return [1000 * statistics.median(run[what] for run in runs) for runs in child.results[key].values()]


def slower(child: Child, mien: Child, key: str) -> float:
    """The median ratio of the wall times of runs that followed each other: a busy machine slows both."""
    runs = zip(child.results[key].values(), mien.results[key].values(), strict=True)
    return statistics.median(
        one["wall"] / other["wall"] for many, others in runs for one, other in zip(many, others, strict=True)
    )


def table(children: list[Child], key: str, paths: list[Path]) -> Iterator[str]:
    """Lines of Markdown for one workload."""
    yield f"\n**{WORKLOADS[key].title}**: {len(paths)} photos, {WORKLOADS[key].rounds} rounds\n"
    yield "| program | faces | ms a photo (p50) | p95 | processor ms (p50) | slower than mien |"
    yield "|---|---|---|---|---|---|"
    for child in (child for child in children if key in child.results):
        wall = photo_times(child, key, "wall")
        faces = sum(runs[0]["faces"] for runs in child.results[key].values())
        cells = [statistics.median(wall), float(np.percentile(wall, 95))]
        cells.append(statistics.median(photo_times(child, key, "cpu")))
        times = " | ".join(f"{cell:.1f}" for cell in cells)
        yield f"| {child.name} | {faces} | {times} | {slower(child, children[0], key):.2f} x |"
    models = photo_times(children[0], key, "models")
    shares = [whole / part - 1 for whole, part in zip(photo_times(children[0], key, "wall"), models, strict=True)]
    yield (
        f"\nmien's networks alone take {statistics.median(models):.1f} ms; all the rest "
        f"(decoding included where there is any) adds {statistics.median(shares):.0%}."
    )


def embedding(child: Child, path: Path) -> np.ndarray | None:
    """Of the face that is large and near the middle, of unit length; None where none is found."""
    from PIL import Image

    with Image.open(path) as photo:
        width, height = photo.size
    best: tuple[float, Any] = (-np.inf, None)
    for (x, y, w, h), vector in child.ask("file", path, vectors=True)["found"]:
        offset = np.hypot((x + w / 2) / width - 0.5, (y + h / 2) / height - 0.5)
        best = max(best, (w * h / (width * height) - 2 * offset**2, vector), key=lambda item: item[0])
    return None if best[1] is None else np.asarray(best[1]) / np.linalg.norm(best[1])


def scores(child: Child, pairs: PairList, known: dict[Path, np.ndarray | None], progress: Progress) -> np.ndarray:
    """Cosine of each pair; the lowest, -1, where a photo has no face."""
    task = progress.add_task(f"LFW, {child.name}", total=len(pairs.pairs))
    found = []
    for pair in pairs.pairs:
        for path in (pair.first, pair.second):
            if path not in known:
                known[path] = embedding(child, path)
        one, other = known[pair.first], known[pair.second]
        found.append(-1.0 if one is None or other is None else float(one @ other))
        progress.advance(task)
    return np.array(found)


def misses(known: dict[Path, np.ndarray | None]) -> float:
    """FNMR at FMR 1e-4 over all pairs of all photos with a face: millions of pairs tell more than a thousand."""
    found = {path: vector for path, vector in known.items() if vector is not None}
    vectors = np.array(list(found.values()), np.float32)
    people = np.array([path.parent.name for path in found])
    above = np.triu_indices(len(people), 1)
    cosines = (vectors @ vectors.T)[above]
    same = (people[:, None] == people)[above]
    threshold = np.quantile(cosines[~same], 1 - FMR)
    return float(np.mean(cosines[same] < threshold))


def accuracies(children: list[Child], folder: Path, progress: Progress) -> Iterator[str]:
    """Lines of Markdown: LFW View 1, each program with its own detector, alignment and network."""
    lists = [read_pairs(folder / f"pairsDev{part}.txt", folder / "images") for part in ("Train", "Test")]
    flags = [np.array([pair.same for pair in part.pairs]) for part in lists]
    yield "\n**Accuracy, LFW View 1**: threshold from DevTrain, accuracy on DevTest\n"
    yield "| program | accuracy | of pairs | misses at FMR 1e-4, all pairs | photos without a face |"
    yield "|---|---|---|---|---|"
    for child in (child for child in children if not child.name.endswith("-640")):
        known: dict[Path, np.ndarray | None] = {}
        train, test = (scores(child, part, known, progress) for part in lists)
        right = correct(test, flags[1], best_threshold(train, flags[0]))
        missed = sum(vector is None for vector in known.values())
        cells = [child.name, f"{np.mean(right):.2%}", str(len(test)), f"{misses(known):.2%}"]
        yield f"| {' | '.join(cells)} | {missed} of {len(known)} |"


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default=",".join(PROGRAMS), help="separated by commas; empty for mien alone")
    parser.add_argument("--n", type=int, default=20, help="photos a workload; at most 6 of 12 megapixels")
    parser.add_argument("--photos", type=Path, help="a folder of your own photos")
    parser.add_argument("--lfw", type=Path, help="LFW View 1, for the accuracy")
    parser.add_argument("--core", type=int, default=0, help="the processor core to stay on; -1 for any")
    parser.add_argument("--workloads", default=",".join(WORKLOADS), help="separated by commas")
    arguments = parser.parse_args()
    arguments.peers = [name for name in arguments.peers.split(",") if name]
    arguments.workloads = [name for name in arguments.workloads.split(",") if name]
    for names, known in ((arguments.peers, PROGRAMS), (arguments.workloads, WORKLOADS)):
        if unknown := set(names) - set(known):
            parser.error(f"unknown: {', '.join(unknown)}; choose of {', '.join(known)}")
    return arguments


def main() -> None:
    """Print the tables."""
    arguments, settings, console = parse(), load_settings(), Console(stderr=True)
    with tempfile.TemporaryDirectory() as name, Progress(console=console, transient=True) as progress:
        folder, files, photos = Path(name), {}, {}
        for model in ("yunet", "sface"):
            # OpenCV 5 refuses block-quantised files: it gets the plain float graph, which says the same.
            (folder / f"{model}.onnx").write_bytes(plain_onnx(ensure(model, settings).read_bytes()))
            files[model] = str(folder / f"{model}.onnx")
        for key in arguments.workloads:
            work, number = WORKLOADS[key], min(arguments.n, WORKLOADS[key].most)
            (folder / key).mkdir()
            if arguments.photos:
                photos[key] = write_copies(arguments.photos, folder / key, work.size, number)
            else:
                photos[key] = write_scenes(folder / key, work.size, number, settings)
        children = list(start_all(arguments.peers, arguments.core, files, console))
        for key, paths in photos.items():
            measure(children, key, paths, progress)
        lines = [line for key, paths in photos.items() for line in table(children, key, paths)]
        if arguments.lfw:
            lines += accuracies(children, arguments.lfw, progress)
        for child in children:
            child.stop()
    print(f"{processor()}, {platform.system()}, Python {platform.python_version()}; one thread a program.")
    print(f"Photos: {'your own, scaled to fit' if arguments.photos else 'samples laid into scenes'}.")
    print(", ".join(dict.fromkeys(child.version for child in children)) + ".")
    print("\n".join(lines))


if __name__ == "__main__":
    try:
        main()
    except MienError as error:
        sys.exit(f"{error}")
