"""Folders of photos whose people are known: what calibrations and all-pairs figures are counted on."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from mien.errors import DataError

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif", ".avif"}


@dataclass(frozen=True, slots=True)
class PeoplePhotos:
    """`people[i]` is who `paths[i]` shows: any text, the same for the same person."""

    paths: tuple[Path, ...]
    people: tuple[str, ...]


def folder_of_people(root: Path) -> PeoplePhotos:
    """One folder a person below `root`, with that person's photos inside. Raises DataError for any other layout."""
    if not root.is_dir():
        raise DataError(f"{root} is no folder.", "Give a folder with one folder a person.")
    paths = [path for path in sorted(root.glob("*/*")) if path.suffix.lower() in SUFFIXES]
    if not paths:
        raise DataError(f"{root} has no folders with photos.", "Expected is one folder a person: NAME/photo.jpg.")
    return PeoplePhotos(tuple(paths), tuple(path.parent.name for path in paths))


def folder_of_strangers(root: Path) -> PeoplePhotos:
    """Every photo below `root` as another person. Raises DataError where there is none."""
    paths = [path for path in sorted(root.rglob("*")) if path.suffix.lower() in SUFFIXES]
    if not paths:
        raise DataError(f"{root} has no photos.", f"Searched for files ending in {', '.join(sorted(SUFFIXES))}.")
    return PeoplePhotos(tuple(paths), tuple(str(path.relative_to(root)) for path in paths))


def read_groups(table: Path, columns: tuple[str, ...]) -> dict[str, str]:
    """File name to group from a CSV with a `file` column: the values of `columns`, joined by a comma.

    Only the last part of `file` counts, since tables name paths from various roots. Raises DataError where a column is
    absent or two rows share a file name.
    """
    try:
        with table.open(newline="", encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle))
    except OSError as error:
        raise DataError(f"{table} cannot be read: {error.strerror}.") from error
    absent = [name for name in ("file", *columns) if not rows or name not in rows[0]]
    if absent:
        raise DataError(f"{table} has no column {', '.join(absent)}.", "Its first line must name the columns.")
    groups = {Path(row["file"]).name: ", ".join(row[name] for name in columns) for row in rows}
    if len(groups) != len(rows):
        raise DataError(f"{table} names the same file twice.", "File names must be unique, whatever their folder.")
    return groups
