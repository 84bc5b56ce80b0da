"""Does memory stay flat over many photos, and how much does one large photo take?

    python benchmarks/memory.py [--n 2000] [--threads 1] [--tolerance 10]
    python benchmarks/memory.py --peak

The first sends photos of every shape, from 64 px to 24 megapixels, as JPEG through one Analyzer with every stage, and
fits a line to the resident set after a warm-up (a quarter of the photos): MB per 1,000 photos, with its standard error.
Exit code 1 where the line rises by more than the tolerance, and by more than twice its error. The photos are made in
another process, so that only the analysis is measured. The second gives one photo of 24 megapixels to a fresh process
and prints the most memory it ever held. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import track
from scenes import samples, scene

from mien import Analyzer, MienError, load_settings
from mien.image import encode_image, write_image

SHORTEST_PX, LONGEST_PX = 64, 6000
WIDEST = 3.0
LARGE = (6000, 4000)
MEGABYTE = 1e6
WARM_UP = 0.25
WINDOWS = 40
SCENES = 8


def photo_sizes(number: int) -> Iterator[tuple[int, int]]:
    """Width and height: long sides from 64 to 6000 px, most of them small, every shape from 3:1 to 1:3; 24 MP first."""
    rng = np.random.default_rng(0)
    yield LARGE
    for _ in range(number - 1):
        long = SHORTEST_PX * (LONGEST_PX / SHORTEST_PX) ** (rng.uniform() ** 1.5)
        shape = WIDEST ** rng.uniform(-1, 1)
        width, height = (long, long / shape) if shape > 1 else (long * shape, long)
        yield max(16, round(width)), max(16, min(round(height), round(LARGE[0] * LARGE[1] / width)))


def make_photos(number: int) -> None:
    """Write JPEG files to stdout, each after its length."""
    photos = samples(load_settings())
    bases = [Image.fromarray(scene(photos, (1280, 960), index)) for index in range(SCENES)]
    for index, (width, height) in enumerate(photo_sizes(number)):
        base = bases[index % SCENES]
        scale = min(base.width / width, base.height / height)
        part = round(width * scale), round(height * scale)
        left, top = (base.width - part[0]) // 2, (base.height - part[1]) // 2
        picture = base.crop((left, top, left + part[0], top + part[1])).resize((width, height))
        data = encode_image(np.asarray(picture), ".jpg", 85)
        sys.stdout.buffer.write(struct.pack("<Q", len(data)) + data)


def made_photos(number: int) -> Iterator[bytes]:
    """The files that another process makes."""
    command = [sys.executable, __file__, "--make", str(number)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as maker:
        assert maker.stdout is not None
        while head := maker.stdout.read(8):
            yield maker.stdout.read(struct.unpack("<Q", head)[0])
    if maker.returncode:
        raise SystemExit("The photos could not be made; see above.")


def resident_bytes() -> int:
    """What this process holds in memory now."""
    statm = Path("/proc/self/statm")
    if statm.is_file():
        import resource

        return int(statm.read_text().split()[1]) * resource.getpagesize()
    import os

    said = subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True, check=True)
    return int(said.stdout) * 1024


def peak_bytes() -> int:
    """The most that this process ever held."""
    status = Path("/proc/self/status")
    if status.is_file():
        # getrusage's figure may include what the parent held before this program was started.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def slope(held: list[int]) -> tuple[float, float]:
    """MB per 1,000 photos after the warm-up and its standard error; from the medians of 40 stretches of photos."""
    steady = np.array(held[int(len(held) * WARM_UP) :]) / MEGABYTE
    stretches = np.array_split(np.arange(len(steady)), WINDOWS)
    x = np.array([stretch.mean() for stretch in stretches]) / 1000
    y = np.array([np.median(steady[stretch]) for stretch in stretches])
    (rise, _), covariance = np.polyfit(x, y, 1, cov=True)
    return float(rise), float(np.sqrt(covariance[0, 0]))


def run_many(number: int, threads: int, tolerance: float) -> int:
    """Print the slope; 1 where it is not flat."""
    analyzer = Analyzer(settings=load_settings(threads=threads))
    held, faces = [], 0
    photos = track(made_photos(number), "analysing", total=number, console=Console(stderr=True), transient=True)
    for result in analyzer.analyze_many(photos):
        faces += len(result.faces) if hasattr(result, "faces") else 0
        held.append(resident_bytes())
    rise, error = slope(held)
    flat = rise <= max(tolerance, 2 * error)
    steady = held[int(number * WARM_UP) :]
    print("| photos | faces | threads | resident after warm-up | at the end | slope per 1,000 photos | flat |")
    print("|---|---|---|---|---|---|---|")
    ends = " | ".join(f"{np.median(part) / MEGABYTE:.0f} MB" for part in (steady[:50], steady[-50:]))
    verdict = "yes" if flat else f"no: more than {tolerance:g} MB"
    print(f"| {number} | {faces} | {threads} | {ends} | {rise:+.1f} ± {error:.1f} MB | {verdict} |")
    print(f"\nPeak {peak_bytes() / MEGABYTE:.0f} MB, with the photos of 24 megapixels.")
    return 0 if flat else 1


def run_peak() -> int:
    """Print what one large photo takes, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.jpg"
        write_image(path, scene(samples(load_settings()), LARGE, 1), 90)
        done = subprocess.run(
            [sys.executable, __file__, "--one", str(path)], check=True, stdout=subprocess.PIPE, text=True
        )
    peak, before, faces = json.loads(done.stdout)
    print(f"One JPEG of {LARGE[0]} x {LARGE[1]} px ({faces} face), every stage: peak {peak / MEGABYTE:.0f} MB,")
    print(f"of which {before / MEGABYTE:.0f} MB were held before the photo came, networks loaded.")
    return 0


def run_one(path: Path) -> None:
    """In the fresh process: analyse, and tell."""
    analyzer = Analyzer()
    before = resident_bytes()
    faces = analyzer.analyze(path).faces
    print(json.dumps([peak_bytes(), before, len(faces)]))


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=2000, help="photos; at least 200")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tolerance", type=float, default=10.0, help="MB per 1,000 photos that still count as flat")
    parser.add_argument("--peak", action="store_true", help="one photo of 24 megapixels")
    parser.add_argument("--make", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.make:
        make_photos(arguments.make)
    elif arguments.one:
        run_one(arguments.one)
    elif arguments.peak:
        sys.exit(run_peak())
    elif arguments.n < 200:
        parser.error("--n: at least 200, or there is no line to fit")
    else:
        sys.exit(run_many(arguments.n, arguments.threads, arguments.tolerance))


if __name__ == "__main__":
    try:
        main()
    except MienError as error:
        sys.exit(f"{error}")
