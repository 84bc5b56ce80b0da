"""Folders of photos whose people are known: what calibrations and all-pairs figures are counted on."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from mien.errors import DataError
from mien.image.folder import SUFFIXES, photos_in


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
    paths = photos_in(root)
    if not paths:
        raise DataError(f"{root} has no photos.", f"Searched for files ending in {', '.join(sorted(SUFFIXES))}.")
    return PeoplePhotos(tuple(paths), tuple(str(path.relative_to(root)) for path in paths))


@dataclass(frozen=True, slots=True)
class Labels:
    """A table of labels: file name to a row of column and value.

    Only the last part of `file` counts, since tables name paths from various roots.
    """

    table: Path
    rows: dict[str, dict[str, str]]

    @classmethod
    def read(cls, table: Path) -> Labels:
        """From a CSV with a column `file`. Raises DataError where it is absent or two rows share a file name."""
        try:
            with table.open(newline="", encoding="utf-8") as handle:
                rows = list(csv.DictReader(handle))
        except OSError as error:
            raise DataError(f"{table} cannot be read: {error.strerror}.") from error
        if not rows or "file" not in rows[0]:
            raise DataError(f"{table} has no column `file`.", "Its first line must name the columns.")
        named = {Path(row["file"]).name: row for row in rows}
        if len(named) != len(rows):
            raise DataError(f"{table} names the same file twice.", "File names must be unique, whatever their folder.")
        return cls(table, named)

    def of(self, *columns: str) -> dict[str, str]:
        """File name to the values of `columns`, joined by a comma. Raises DataError where a column is absent."""
        have = next(iter(self.rows.values()))
        if absent := [column for column in columns if column not in have]:
            raise DataError(f"{self.table} has no column {', '.join(absent)}.", f"It has: {', '.join(have)}.")
        return {name: ", ".join(row[column] for column in columns) for name, row in self.rows.items()}

    def marked(self, condition: str) -> set[str]:
        """The file names that COLUMN=VALUE applies to. Raises DataError where there is none."""
        column, equals, value = condition.partition("=")
        found = {name for name, label in self.of(column).items() if label == value}
        if not equals or not found:
            raise DataError(f"No file in {self.table} has {condition!r}.", "Write COLUMN=VALUE.")
        return found
