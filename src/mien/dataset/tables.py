"""CSV files of labels, checked row by row."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mien.errors import DataError
from mien.expression.classes import FERPLUS, FERPLUS_NOT_AN_EXPRESSION

AGAIN: Final = "Copy or download the file again, or mend the line."
VOTE_COLUMNS: Final = (*FERPLUS, *FERPLUS_NOT_AN_EXPRESSION)
HEADER_BYTES: Final = 4096


def columns_of(table: Path) -> tuple[str, ...]:
    """What the first line of `table` holds between its commas; nothing where there is no such file."""
    if not table.is_file():
        return ()
    with table.open("rb") as handle:
        line = handle.readline(HEADER_BYTES).decode("utf-8-sig", "replace")
    return tuple(field.strip(' "\r\n') for field in line.split(","))


def rows_of(table: Path, columns: tuple[str, ...], header: bool = True) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and the fields, by column, of each row.

    columns: what must be there; they are the names of the fields, in order, where the file has no header. Raises
    DataError for an absent column, a row that is cut off, or a file that is no CSV.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle, fieldnames=None if header else columns, skipinitialspace=True)
            if absent := [column for column in columns if column not in (reader.fieldnames or ())]:
                raise DataError(f"{table} has no column {', '.join(absent)}.", "Its first line must name the columns.")
            for row in reader:
                if cut := [column for column in columns if row[column] is None]:
                    raise DataError(f"{table}, line {reader.line_num}: it ends before {cut[0]!r}.", AGAIN)
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table} cannot be read as CSV: {error}.", "Copy or download it again.") from error


def votes_of(row: dict[str, str], where: str) -> tuple[float, ...]:
    """The ten counts of a row of FER+. Raises DataError, naming `where`, for one that is no count."""
    counts = [row[column].strip() for column in VOTE_COLUMNS]
    for column, count in zip(VOTE_COLUMNS, counts, strict=True):
        if not (count.isascii() and count.isdigit() and len(count) < 4):
            raise DataError(f"{where}: the votes for {column!r} are {count!r}, no count.", AGAIN)
    return tuple(float(count) for count in counts)
