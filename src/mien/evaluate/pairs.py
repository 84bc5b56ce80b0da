"""Lists of pairs to verify: LFW's pairs files (both views), and plain lists `path path 0|1`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.errors import DataError

SUFFIXES: Final = (".jpg", ".png", ".jpeg")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photos, by their paths, and whether they show the same person."""

    first: Path
    second: Path
    same: bool


@dataclass(frozen=True, slots=True)
class PairList:
    """folds: one or more blocks of pairs; a threshold is fitted on some of them and judged on another."""

    folds: tuple[tuple[Pair, ...], ...]

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """All pairs, fold after fold."""
        return tuple(pair for fold in self.folds for pair in fold)


def read_pairs(file: Path, images: Path) -> PairList:
    """Read a pairs file; `images` is the folder that its names are relative to.

    LFW: a first line `N` (View 1: one block) or `FOLDS N` (View 2), then per fold N lines `NAME i j` of one person and
    N lines `NAME i NAME j` of two, where photo i is NAME/NAME_000i.jpg (http://vis-www.cs.umass.edu/lfw/README.txt).
    Otherwise each line is `path path 0|1`, 1 for the same person, separated by blanks, tabs or commas; blank lines and
    those that start with # are skipped. Raises DataError that names the first line that does not fit.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read as a pairs file: {error}.") from error
    head = lines[0].split() if lines else []
    if 1 <= len(head) <= 2 and all(part.isdigit() for part in head):
        folds, size = (1, int(head[0])) if len(head) == 1 else (int(head[0]), int(head[1]))
        return _lfw(file, images, lines[1:], folds, size)
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip() and line[0] != "#"]
    if not numbered:
        raise DataError(f"{file} has no pairs.", "See `mien evaluate verification --help` for the layouts.")
    return PairList((tuple(_plain(file, images, number, line) for number, line in numbered),))


def _lfw(file: Path, images: Path, lines: list[str], folds: int, size: int) -> PairList:
    rows = [line for line in lines if line.strip()]
    if len(rows) != folds * size * 2:
        raise DataError(f"{file} announces {folds * size * 2} pairs and has {len(rows)}.", "Is the file whole?")
    pairs = [_lfw_pair(file, images, number, line) for number, line in enumerate(rows, 2)]
    return PairList(tuple(tuple(pairs[i * 2 * size : (i + 1) * 2 * size]) for i in range(folds)))


def _lfw_pair(file: Path, images: Path, number: int, line: str) -> Pair:
    parts = line.split("\t") if "\t" in line else line.split()
    if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
        return Pair(_photo(images, parts[0], parts[1]), _photo(images, parts[0], parts[2]), True)
    if len(parts) == 4 and parts[1].isdigit() and parts[3].isdigit():
        return Pair(_photo(images, parts[0], parts[1]), _photo(images, parts[2], parts[3]), False)
    raise DataError(f"{file}, line {number}: {line!r} is neither `NAME i j` nor `NAME i NAME j`.")


def _photo(images: Path, name: str, number: str) -> Path:
    """The photo's path; LFW's own suffix first. Where none exists, the first is kept, to be reported as missing."""
    stem = f"{name}/{name}_{int(number):04d}"
    choices = [images / f"{stem}{suffix}" for suffix in SUFFIXES]
    return next((path for path in choices if path.is_file()), choices[0])


def _plain(file: Path, images: Path, number: int, line: str) -> Pair:
    parts = line.replace(",", " ").replace("\t", " ").split()
    if len(parts) != 3 or parts[2] not in ("0", "1"):
        raise DataError(f"{file}, line {number}: {line!r} is not `path path 0|1`.", "Names must not hold blanks.")
    return Pair(images / parts[0], images / parts[1], parts[2] == "1")
