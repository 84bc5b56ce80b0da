"""AffectNet's first release: manifests `training.csv` and `validation.csv`, and whole photos with boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mien.dataset.faces import Split
from mien.dataset.layouts.affectnet import affectnet_class
from mien.dataset.listing import Listed
from mien.dataset.tables import AGAIN, columns_of, rows_of
from mien.errors import DataError

TABLES: Final[dict[str, Split]] = {"training.csv": "train", "validation.csv": "valid"}
FILE: Final = "subDirectory_filePath"
BOX: Final = ("face_x", "face_y", "face_width", "face_height")
# In the order of the release, for a manifest whose first line is a face already.
COLUMNS: Final = (FILE, *BOX, "facial_landmarks", "expression")
LISTS: Final = "Manually_Annotated_file_lists"
IMAGES: Final = "Manually_Annotated_Images"


def affectnet_csv(path: Path) -> list[Listed] | None:
    """The rows of the manifests in `path` or in its `Manually_Annotated_file_lists`; `path` may be one of them.

    Pictures lie beside the manifests, or in `Manually_Annotated_Images` there or one folder up; a face is what its box
    holds. Expressions from 8 on name none: their rows are left out. Raises DataError that names the first wrong line.
    """
    folders = (path.parent,) if path.is_file() else (path, path / LISTS)
    if path.is_file() and path.name not in TABLES:
        return None
    tables = [folder / name for folder in folders for name in TABLES if _is_manifest(folder / name)]
    return [face for table in tables for face in _faces(table)] if tables else None


def _is_manifest(table: Path) -> bool:
    columns = columns_of(table)
    return FILE in columns or (len(columns) >= len(COLUMNS) and all(field.isdigit() for field in columns[1:5]))


def _faces(table: Path) -> list[Listed]:
    places = (table.parent, table.parent / IMAGES, table.parent.parent / IMAGES)
    found, root = [], None
    columns = (FILE, *BOX, "expression") if (header := FILE in columns_of(table)) else COLUMNS
    for number, row in rows_of(table, columns, header):
        where = f"{table}, line {number}"
        label, file = affectnet_class(row["expression"].strip(), where), row[FILE].strip()
        if label is None:
            continue
        root = root or next((place for place in places if (place / file).is_file()), None)
        if root is None:
            raise DataError(f"{where}: {file} lies in none of {', '.join(map(str, places))}.", "Unpack the images.")
        found.append(Listed(file, TABLES[table.name], label, root / file, _box(row, where)))
    return found


def _box(row: dict[str, str], where: str) -> tuple[int, int, int, int]:
    try:
        left, top, width, height = (int(row[column]) for column in BOX)
    except ValueError as error:
        raise DataError(f"{where}: its box is no four whole numbers.", AGAIN) from error
    if width < 1 or height < 1:
        raise DataError(f"{where}: its box is {width} x {height} px.", AGAIN)
    return left, top, width, height
