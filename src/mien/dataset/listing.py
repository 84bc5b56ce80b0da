"""What a layout tells about its faces before any of them is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.dataset.faces import Split
from mien.face import Pixels

SPLITS: Final[dict[str, Split]] = {
    "train": "train", "training": "train",
    "valid": "valid", "val": "valid", "validation": "valid", "publictest": "valid",
    "test": "test", "testing": "test", "privatetest": "test",
}  # fmt: skip
PICTURES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif"})


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """One face as its set names it.

    name: a file or a row, for people. label: as spelt there, empty for none. picture: a file, or the face itself as
    (H, W) uint8 grey. box: left, top, width and height of the face in a file's upright picture, in px; None for all
    of it. votes: ten counts in the order that FaceSet has. twin: what the set itself says; None where it says nothing.
    """

    name: str
    split: Split
    label: str
    picture: Path | Pixels
    box: tuple[int, int, int, int] | None = None
    votes: tuple[float, ...] | None = None
    twin: bool | None = None


def split_of(name: str) -> Split | None:
    """The split that a folder or a column calls `name`, in any case; None where it is no usual name of one."""
    return SPLITS.get(name.strip().lower())


def pictures_in(folder: Path) -> list[Path]:
    """The picture files right in `folder`, sorted; hidden ones are left out."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES and path.name[0] != ".")


def folders_in(folder: Path) -> list[Path]:
    """The folders right in `folder`, sorted; hidden ones are left out, and so are all where `folder` is none."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
