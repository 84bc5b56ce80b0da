"""What a first user waits for: the size of the base install, `import mien`, and the first face after process start.

    python benchmarks/startup.py [--size]

`--size` makes a fresh environment (which takes minutes and a network), installs this checkout into it and adds it up.
The other two need nothing but the weights in the cache. Each time is a whole process, the median of ten.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 10
MEGABYTE = 1e6
IMPORT = "import mien"
FIRST_FACE = """
from mien import Analyzer, load_settings
from mien.weights.fetch import ensure
settings = load_settings()
assert Analyzer(settings=settings).analyze(ensure("astronaut", settings)).faces
"""
# The end of a process is no part of the wait.
STAMP = "\nimport time; print(time.time())"


def seconds(code: str) -> float:
    """Median wall time from the start of a Python process until `code` is done, the interpreter's start included."""
    times = []
    for _ in range(RUNS):
        started = time.time()
        done = subprocess.run([sys.executable, "-c", code + STAMP], check=True, capture_output=True, text=True)
        times.append(float(done.stdout.split()[-1]) - started)
    return statistics.median(times)


def installed_size() -> int:
    """Bytes on disk of a fresh environment with the base install."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([f"{folder}/bin/pip", "install", "--quiet", str(ROOT)], check=True)
        files = [path for path in Path(folder).rglob("*") if path.is_file() and not path.is_symlink()]
        return sum(path.stat().st_blocks * 512 for path in files)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", action="store_true", help="measure the base install in a fresh environment")
    arguments = parser.parse_args()
    bare, imported, face = seconds("pass"), seconds(IMPORT), seconds(FIRST_FACE)
    print(f"python alone       {bare:.3f} s")
    print(f"import mien        {imported - bare:.3f} s beyond that")
    print(f"first face         {face:.2f} s from process start, every stage")
    if arguments.size:
        print(f"base install       {installed_size() / MEGABYTE:.0f} MB on disk")


if __name__ == "__main__":
    main()
