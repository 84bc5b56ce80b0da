"""The weights on disk: where a file lies, whether it is the right one, and how it gets there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

from filelock import FileLock, Timeout

from mien.errors import WeightsError, WeightsFetchFailed, WeightsHashMismatch
from mien.settings import Settings
from mien.weights.card import Card
from mien.weights.progress import Progress

_CHUNK = 1 << 18

State = Literal["ready", "missing", "wrong"]


def weights_dir(settings: Settings) -> Path:
    """The folder of the weights files."""
    return settings.cache_dir / "weights"


def path_of(card: Card, settings: Settings) -> Path:
    """Where the card's file lies, or would lie."""
    return weights_dir(settings) / card.file


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in lower-case hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def state_of(card: Card, settings: Settings) -> State:
    """Whether the card's file lies in the cache and is the right one, to the last bit."""
    path = path_of(card, settings)
    if not path.is_file():
        return "missing"
    right = path.stat().st_size == card.bytes and sha256_of(path) == card.sha256
    return "ready" if right else "wrong"


@contextmanager
def staging(settings: Settings, progress: Progress) -> Iterator[Path]:
    """An empty folder beside the weights for this process alone, gone afterwards.

    One lock guards a cache: a second process waits. Holding it, whatever a killed process left there is cleared.
    Raises WeightsError where the cache cannot be written.
    """
    folder = weights_dir(settings) / ".staging"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder.parent / ".lock", progress):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise WeightsError(
            f"The weights cache {folder.parent} cannot be written: {error}.",
            "Free space or mend the permissions, or set MIEN_CACHE_DIR to another folder.",
        ) from error


@contextmanager
def _locked(path: Path, progress: Progress) -> Iterator[None]:
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0.5)
    except Timeout:
        progress.note("Another process is filling the weights cache; waiting for it.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def place(staged: Path, target: Path) -> None:
    """Move a finished file to its place: there is the old one or the new one, never a part."""
    with staged.open("rb+") as file:
        os.fsync(file.fileno())
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(staged, target)
    if os.name == "posix":
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def check_file(path: Path, card: Card, where: str) -> None:
    """Raise WeightsHashMismatch unless the file at `path` is the one that the card names."""
    size = path.stat().st_size
    if size != card.bytes:
        raise WeightsHashMismatch(f"{where} gave {size:,} bytes for {card.name}; {card.bytes:,} are right.")
    digest = sha256_of(path)
    if digest != card.sha256:
        raise WeightsHashMismatch(f"{where} gave a file with SHA-256 {digest} for {card.name}; {card.sha256} is right.")


def copy_limited(inside: IO[bytes], out: IO[bytes], size: int, advance: Callable[[int], None] | None = None) -> None:
    """Copy to the end; raise WeightsFetchFailed as soon as there is more than `size`, or where there was less.

    advance: called with the bytes copied by then.
    """
    done = 0
    while block := inside.read(min(_CHUNK, size - done + 1)):
        done += len(block)
        if done > size:
            raise WeightsFetchFailed(f"The source holds more than the {size:,} bytes of the card.")
        out.write(block)
        if advance:
            advance(done)
    if done != size:
        raise WeightsFetchFailed(f"The source ended after {done:,} of {size:,} bytes.")
