"""AffectNet (Mollahosseini, Hasani and Mahoor, 2017) as folders with an annotation file for each picture."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import numpy as np

from mien.dataset.faces import Split
from mien.dataset.listing import Listed, pictures_in
from mien.errors import DataError

# The order of its numbers; 8 to 10 are no expression, unsure, and no face.
CLASSES: Final = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt")
SKIPPED: Final = range(len(CLASSES), 11)
FOLDERS: Final[dict[str, Split]] = {"train_set": "train", "val_set": "valid"}
NPY: Final = b"\x93NUMPY"


def affectnet_folders(path: Path) -> list[Listed] | None:
    """`train_set/images/<id>.jpg` with `train_set/annotations/<id>_exp.npy`, and the same in `val_set`.

    Numbers from 8 on name no expression: their faces are left out. Raises DataError for a picture without an
    annotation, and for one that is no number of 0 to 10.
    """
    found = [name for name in FOLDERS if (path / name / "images").is_dir() and (path / name / "annotations").is_dir()]
    return [face for name in found for face in _faces(path / name, FOLDERS[name])] if found else None


def affectnet_class(text: str, where: str) -> str | None:
    """The name of AffectNet's class of number `text`, None for 8 to 10. Raises DataError for anything else."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 3 else -1
    if number in SKIPPED:
        return None
    if not 0 <= number < len(CLASSES):
        raise DataError(f"{where}: the expression is {text[:40]!r}, not 0 to 10.", "Copy or download it again.")
    return CLASSES[number]


def _faces(root: Path, split: Split) -> list[Listed]:
    named = [(one, _label(root / "annotations" / f"{one.stem}_exp.npy")) for one in pictures_in(root / "images")]
    return [Listed(f"{root.name}/{one.name}", split, label, one) for one, label in named if label is not None]


def _label(annotation: Path) -> str | None:
    """Of an annotation that holds one number or one string in NumPy's format, or as plain text."""
    try:
        data = annotation.read_bytes()
        text = str(np.load(io.BytesIO(data), allow_pickle=False).item()) if data.startswith(NPY) else data.decode()
    except OSError as error:
        raise DataError(f"{annotation} cannot be read: {error.strerror}.", "Add it, or remove its picture.") from error
    except (ValueError, EOFError, MemoryError) as error:
        raise DataError(f"{annotation} holds no single number: {error}.", "Copy or download it again.") from error
    return affectnet_class(text.strip(), str(annotation))
