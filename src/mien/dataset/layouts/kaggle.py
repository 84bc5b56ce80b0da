"""`fer2013.csv` as Kaggle publishes it (Goodfellow et al., 2013), with FER+'s `fer2013new.csv` where it lies beside."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Final

import numpy as np

from mien.dataset.faces import Split
from mien.dataset.listing import Listed
from mien.dataset.tables import AGAIN, VOTE_COLUMNS, columns_of, rows_of, votes_of
from mien.errors import DataError
from mien.expression.classes import FER2013
from mien.face import Pixels

SIDE: Final = 48
COLUMNS: Final = ("emotion", "pixels", "Usage")
USAGES: Final[dict[bytes, Split]] = {b"Training": "train", b"PublicTest": "valid", b"PrivateTest": "test"}
# The longest honest line has fewer than 10,000 bytes.
MAX_LINE_BYTES: Final = 1 << 16
NOT_NUMBERS: Final = b"0123456789 "


def kaggle_csv(path: Path) -> list[Listed] | None:
    """The rows of `path`, or of `fer2013.csv` in it: Training is train, PublicTest valid, PrivateTest test.

    `fer2013new.csv` has one row for each, in the same order. Raises DataError that names the first line that is cut
    off, or has another number of pixels, a wrong label or another Usage.
    """
    table = path if path.is_file() else path / "fer2013.csv"
    columns = columns_of(table)
    if not set(COLUMNS) <= set(columns):
        return None
    votes = table.with_name("fer2013new.csv")
    places = tuple(columns.index(column) for column in COLUMNS)
    faces = _rows(table, places)
    return list(_joined(faces, votes) if votes.is_file() else faces)


def _rows(table: Path, places: tuple[int, ...]) -> Iterator[Listed]:
    try:
        with table.open("rb") as handle:
            handle.readline(MAX_LINE_BYTES)
            for number, line in enumerate(iter(lambda: handle.readline(MAX_LINE_BYTES), b""), 2):
                if not line.isspace():
                    yield _row(line, places, f"{table}, line {number}")
    except OSError as error:
        raise DataError(f"{table} cannot be read: {error.strerror}.", "Copy or download it again.") from error


def _row(line: bytes, places: tuple[int, ...], where: str) -> Listed:
    fields = [field.strip(b'" \r\n') for field in line.split(b",")]
    if len(fields) <= max(places):
        raise DataError(f"{where}: it has {len(fields)} of {max(places) + 1} columns, it is cut off.", AGAIN)
    emotion, pixels, usage = (fields[place] for place in places)
    if not (emotion.isdigit() and len(emotion) < 3 and int(emotion) < len(FER2013)):
        raise DataError(f"{where}: the emotion is {_shown(emotion)}, not 0 to {len(FER2013) - 1}.", AGAIN)
    if usage not in USAGES:
        known = ", ".join(name.decode() for name in USAGES)
        raise DataError(f"{where}: the Usage is {_shown(usage)}, none of {known}.", AGAIN)
    return Listed(where.rpartition(", ")[2], USAGES[usage], FER2013[int(emotion)], _pixels(pixels, where))


def _pixels(text: bytes, where: str) -> Pixels:
    """Only digits and blanks reach numpy's parser, which would warn of anything else and go on."""
    if text.translate(None, NOT_NUMBERS):
        raise DataError(f"{where}: the pixels are not all whole numbers.", AGAIN)
    values = np.fromstring(text, np.int64, sep=" ") if text else np.empty(0, np.int64)
    if len(values) != SIDE * SIDE:
        raise DataError(f"{where}: it has {len(values)} pixels, not {SIDE * SIDE}.", AGAIN)
    if values.min() < 0 or values.max() > 255:
        raise DataError(f"{where}: a pixel is {values.max()}, not 0 to 255.", AGAIN)
    return values.astype(np.uint8).reshape(SIDE, SIDE)


def _shown(field: bytes) -> str:
    return repr(field[:40].decode("utf-8", "replace"))


def _joined(faces: Iterator[Listed], table: Path) -> Iterator[Listed]:
    cure = "It must be of the same release as fer2013.csv, with all its rows in order; or move it away."
    for face, row in zip_longest(faces, rows_of(table, ("Usage", *VOTE_COLUMNS))):
        if face is None or row is None:
            raise DataError(f"{table} has {'fewer' if row is None else 'more'} rows than fer2013.csv.", cure)
        where = f"{table}, line {row[0]}"
        if USAGES.get(row[1]["Usage"].strip().encode()) != face.split:
            raise DataError(f"{where}: the Usage is {row[1]['Usage']!r}, another than in fer2013.csv.", cure)
        yield Listed(face.name, face.split, face.label, face.picture, votes=votes_of(row[1], where))
