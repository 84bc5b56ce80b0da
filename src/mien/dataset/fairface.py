"""FairFace (Karkkainen and Joo, WACV 2021): faces with age, gender and race as people annotated them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.dataset.faces import Split
from mien.dataset.tables import rows_of
from mien.errors import DataError

TABLES: Final[dict[Split, tuple[str, ...]]] = {
    "train": ("fairface_label_train.csv", "train.csv"),
    "valid": ("fairface_label_val.csv", "val.csv"),
}


@dataclass(frozen=True, slots=True)
class Annotated:
    """One photo and what annotators saw in it, in the words of FairFace.

    age: a range such as `20-29`. These are guesses about people in photos, good for the error rates of groups and for
    no statement about a person.
    """

    path: Path
    age: str
    gender: str
    race: str


def read_fairface(path: Path, split: Split) -> tuple[Annotated, ...]:
    """The rows of one split of FairFace in the folder `path`; there is no test split.

    The table is `fairface_label_train.csv` or `fairface_label_val.csv` as published, or `train.csv` or `val.csv`; its
    files (`train/1.jpg`) are relative to `path`. Raises DataError for an absent table, column, field or file.
    """
    names = TABLES.get(split)
    if names is None:
        raise DataError(f"FairFace has no {split} split.", "Ask for train or valid (`--split valid`).")
    table = next((path / name for name in names if (path / name).is_file()), None)
    if table is None:
        raise DataError(f"{path} has no {' or '.join(names)}.", "Give the folder that FairFace was unpacked to.")
    rows = tuple(
        _annotated(path, row, f"{table}, line {number}")
        for number, row in rows_of(table, ("file", "age", "gender", "race"))
    )
    if not rows:
        raise DataError(f"{table} has no rows.", "Copy or download it again.")
    return rows


def _annotated(root: Path, row: dict[str, str], where: str) -> Annotated:
    file, *told = (row[column].strip() for column in ("file", "age", "gender", "race"))
    if not all((file, *told)):
        raise DataError(f"{where}: a field is empty.", "Copy or download the file again, or mend the line.")
    if not (root / file).is_file():
        raise DataError(f"{where}: there is no file {root / file}.", "Unpack the images beside the table.")
    return Annotated(root / file, *told)
