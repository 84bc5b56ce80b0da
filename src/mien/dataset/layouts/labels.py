"""`labels.csv`: one row a file, with its split, its label, and the votes of FER+ where there are any."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mien.dataset.listing import Listed, split_of
from mien.dataset.tables import AGAIN, VOTE_COLUMNS, columns_of, rows_of, votes_of
from mien.errors import DataError

COLUMNS: Final = ("file", "split", "label")
TWIN: Final = "twin_in_other_split"
TRUTH: Final = {"true": True, "1": True, "false": False, "0": False}


def labels_csv(path: Path) -> list[Listed] | None:
    """The rows of `path`, or of `labels.csv` in it.

    Files are relative to the table. Besides `file`, `split` and `label` (empty where a face has none) it may have the
    ten columns of FER+, all or none, and `twin_in_other_split`. Raises DataError that names the first wrong line.
    """
    table = path if path.is_file() else path / "labels.csv"
    columns = columns_of(table)
    if not set(COLUMNS) <= set(columns):
        return None
    votes = VOTE_COLUMNS if set(VOTE_COLUMNS) & set(columns) else ()
    twin = (TWIN,) if TWIN in columns else ()
    needed = (*COLUMNS, *votes, *twin)
    return [_listed(table, row, f"{table}, line {number}") for number, row in rows_of(table, needed)]


def _listed(table: Path, row: dict[str, str], where: str) -> Listed:
    split, file = split_of(row["split"]), row["file"].strip()
    if split is None:
        raise DataError(f"{where}: the split is {row['split']!r}.", "Write train, valid or test.")
    if not file:
        raise DataError(f"{where}: it names no file.", AGAIN)
    twin = TRUTH.get(row[TWIN].strip().lower()) if TWIN in row else None
    if TWIN in row and twin is None:
        raise DataError(f"{where}: {TWIN} is {row[TWIN]!r}.", "Write True or False.")
    votes = votes_of(row, where) if VOTE_COLUMNS[0] in row else None
    return Listed(file, split, row["label"].strip(), table.parent / file, votes=votes, twin=twin)
