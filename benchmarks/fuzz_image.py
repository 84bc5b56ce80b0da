"""Damages valid image files in many ways, decodes each, and counts what happened.

    python benchmarks/fuzz_image.py --n 10000

Every file is decoded in a child process under a memory ceiling. Exit code 1 if one of them crashed the child, hung for
more than 10 s, broke the ceiling, warned, or raised anything but an ImageError; the file is kept in the folder --keep.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import struct
import sys
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "image"))

from image_samples import every_format

from mien.errors import ImageError
from mien.image import ImageLimits, open_photo

MEGA = 1 << 20
CEILING_BYTES = 500 * MEGA
HANG_SECONDS = 10.0
LIMITS = ImageLimits(max_pixels=25_000_000, max_bytes=50_000_000)
SCALES = (0.1, 0.3, 1.0)
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 30_000, 4_999)
FAILURES = ("crash", "hang", "memory", "wrong")


def flip_bytes(data: bytearray, rng: random.Random, others: list[bytes]) -> bytearray:
    """Change 1 to 16 bytes anywhere."""
    for _ in range(rng.randint(1, 16)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return data


def truncate(data: bytearray, rng: random.Random, others: list[bytes]) -> bytearray:
    """Keep the first part."""
    return data[: rng.randrange(len(data))]


def splice(data: bytearray, rng: random.Random, others: list[bytes]) -> bytearray:
    """The head of this file, the tail of another."""
    other = rng.choice(others)
    return data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]


def set_field(data: bytearray, rng: random.Random, others: list[bytes]) -> bytearray:
    """Put extreme values of 1, 2 or 4 bytes into the first 400 bytes, where headers are."""
    for _ in range(rng.randint(1, 3)):
        width, order = rng.choice((1, 2, 4)), rng.choice(("little", "big"))
        at = rng.randrange(max(1, min(len(data), rng.choice((40, 400))) - width))
        value = rng.choice(EXTREMES) & ((1 << 8 * width) - 1)
        data[at : at + width] = value.to_bytes(width, order)
    return data


def repeat_part(data: bytearray, rng: random.Random, others: list[bytes]) -> bytearray:
    """Repeat a part up to 200 times, in place of itself or elsewhere."""
    start = rng.randrange(len(data))
    part = data[start : start + rng.randint(1, 600)]
    at = rng.randrange(len(data))
    return data[:at] + part * rng.choice((1, 1, 2, 200)) + data[at:]


def remove_part(data: bytearray, rng: random.Random, others: list[bytes]) -> bytearray:
    """Cut a part out of the middle."""
    start = rng.randrange(len(data))
    del data[start : start + rng.randint(1, 200)]
    return data


MUTATIONS: tuple[Callable[[bytearray, random.Random, list[bytes]], bytearray], ...] = (
    flip_bytes, truncate, splice, set_field, set_field, repeat_part, remove_part,
)  # fmt: skip


def mend_png(data: bytes) -> bytes:
    """Right the checksums of a PNG, so that its damage reaches the decoder."""
    mended, at = bytearray(data), 8
    while at + 12 <= len(mended):
        end = at + 8 + struct.unpack_from(">I", mended, at)[0]
        if end + 4 > len(mended):
            break
        struct.pack_into(">I", mended, end, zlib.crc32(mended[at + 4 : end]))
        at = end + 4
    return bytes(mended)


def damaged(seeds: dict[str, bytes], rng: random.Random) -> tuple[str, bytes]:
    """The name of a seed, and that file after one to three mutations."""
    name = rng.choice(sorted(seeds))
    data, others = bytearray(seeds[name]), list(seeds.values())
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if data:
            data = rng.choice(MUTATIONS)(data, rng, others)
    if data.startswith(b"\x89PNG") and rng.random() < 0.7:
        return name, mend_png(data)
    return name, bytes(data)


def peak_bytes() -> int:
    """The largest resident set so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def judge(data: bytes, scale: float) -> str:
    """Decode, and say how it went."""
    try:
        photo = open_photo(data, LIMITS)
        picture = photo.pixels(scale)
    except ImageError as error:
        if isinstance(error.__cause__, MemoryError) or "enough memory" in error.cause:
            return "memory"
        return type(error).__name__
    except MemoryError:
        return "memory"
    except Exception as error:  # noqa: BLE001 - to find these is what this program is for
        return f"wrong: {type(error).__name__}: {error}"
    height, width = picture.pixels.shape[:2]
    sane = width <= photo.width and height <= photo.height and picture.pixels.flags.c_contiguous
    return "decoded" if sane and min(picture.scale_x, picture.scale_y) >= scale * 0.999 else "wrong: size"


def work(pipe: Connection) -> None:
    """The child: decodes what it is sent, until it is sent nothing."""
    warnings.simplefilter("error")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libtiff tells its troubles there
    for data in every_format().values():
        judge(data, 1.0)
    if sys.platform == "linux":
        mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + CEILING_BYTES, mapped + CEILING_BYTES))
    start = peak_bytes()
    pipe.send("ready")
    while job := pipe.recv():
        outcome = judge(*job)
        pipe.send("memory" if peak_bytes() - start > CEILING_BYTES else outcome)
    pipe.send(peak_bytes() - start)


class Child:
    """One decoding process, started again after it has died."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start a fresh process and wait until it is ready."""
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()
        self.pipe.recv()

    def decode(self, data: bytes, scale: float) -> str:
        """The outcome of one file: of the decoder, or `crash`, or `hang`."""
        try:
            self.pipe.send((data, scale))
            if self.pipe.poll(HANG_SECONDS):
                return str(self.pipe.recv())
            outcome = "hang"
        except (EOFError, OSError):
            outcome = "crash"
        self.process.kill()
        self.process.join()
        self.start()
        return outcome

    def stop(self) -> int:
        """End the process; how many bytes its memory grew at most."""
        self.pipe.send(None)
        grown = int(self.pipe.recv())
        self.process.join()
        return grown


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n", type=int, default=10_000, help="how many damaged files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="where files that fail are kept")
    return parser.parse_args()


def main() -> int:
    """Run, print the table, and answer with the exit code."""
    options = parse()
    rng, seeds, child = random.Random(options.seed), every_format(), Child()
    outcomes: Counter[str] = Counter()
    formats: Counter[str] = Counter()
    slowest, began = 0.0, time.monotonic()
    for index in range(options.n):
        name, data = damaged(seeds, rng)
        asked = time.monotonic()
        outcome = child.decode(data, rng.choice(SCALES))
        slowest = max(slowest, time.monotonic() - asked)
        outcomes[outcome] += 1
        formats[name.split("-")[0]] += 1
        if outcome.startswith(FAILURES):
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{options.seed}-{index}-{name}").write_bytes(data)
            print(f"{index} {name}: {outcome}", file=sys.stderr)
    grown = child.stop()
    for outcome, count in outcomes.most_common():
        print(f"{count:7,}  {outcome}")
    print("of", ", ".join(f"{count:,} {name}" for name, count in formats.most_common()))
    print(
        f"{time.monotonic() - began:.0f} s, slowest file {slowest:.2f} s, memory grew by {grown / MEGA:.0f} MB at most"
    )
    return int(any(outcome.startswith(FAILURES) for outcome in outcomes))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "error")
    sys.exit(main())
