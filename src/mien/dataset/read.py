"""Labelled faces from the disk: `read_faces` finds out in which layout they lie there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from mien.dataset.decode import blocks
from mien.dataset.faces import FaceSet, Split
from mien.dataset.layouts.affectnet import affectnet_folders
from mien.dataset.layouts.affectnet_csv import affectnet_csv
from mien.dataset.layouts.folders import split_folders
from mien.dataset.layouts.kaggle import kaggle_csv
from mien.dataset.layouts.labels import labels_csv
from mien.dataset.layouts.plain import class_folders
from mien.dataset.layouts.rafdb import raf_db
from mien.dataset.listing import Listed
from mien.dataset.names import number_classes
from mien.dataset.tables import VOTE_COLUMNS
from mien.errors import DataError
from mien.face import Floats, Pixels

Array = TypeVar("Array", bound=NDArray[Any])
Layout = Callable[[Path], list[Listed] | None]
# The first that fits is taken; the names are for people.
LAYOUTS: Final[dict[str, Layout]] = {
    "fer2013.csv with the columns emotion, pixels, Usage": kaggle_csv,
    "labels.csv with the columns file, split, label": labels_csv,
    "EmoLabel/list_patition_label.txt (RAF-DB)": raf_db,
    "train_set/ and val_set/ with images/ and annotations/ (AffectNet)": affectnet_folders,
    "training.csv and validation.csv (AffectNet)": affectnet_csv,
    "train/<class>/*.jpg": split_folders,
    "<class>/*.jpg": class_folders,
}
ORDER: Final[tuple[Split, ...]] = ("train", "valid", "test")


def read_faces(path: Path, split: Split, size: int = 48) -> FaceSet:
    """Read the faces of one split, in whichever of LAYOUTS lies at `path`.

    size: side of a face in px. Grey pictures of that size come bit-exact; colour becomes ITU-R BT.601 grey, and other
    sizes are scaled whole, not cropped. Labels that are usual names of expressions become those of FER2013, or of FER+
    where contempt is among them; a set with any other class keeps its own names. A set without splits is divided by
    the hash of each file, about 90 to 10, into train and valid.

    twins are what the set's own column says. Where it has none, each face is compared, by the hash of its pixels at
    this size, with those of all other splits there, which are decoded for it.

    Raises DataError where nothing that fits lies at `path`, where there is no such split, and for a damaged table,
    line or picture, which it names.
    """
    listed = _listed(path)
    chosen = [face for face in listed if face.split == split]
    if not chosen:
        _refuse_split(path, split, {face.split for face in listed})
    faces = np.concatenate(list(blocks(chosen, size)))
    classes, numbers = number_classes(face.label for face in listed)
    labels = np.array([numbers[face.label] for face in chosen], np.int64)
    votes = _votes(chosen)
    return FaceSet(
        name=path.resolve().stem if path.is_file() else path.resolve().name,
        split=split,
        classes=classes,
        faces=_frozen(faces),
        labels=_frozen(labels),
        votes=None if votes is None else _frozen(votes),
        twins=_frozen(_twins(chosen, faces, [face for face in listed if face.split != split])),
        names=tuple(face.name for face in chosen),
        sha256=_hash(faces, labels, votes),
    )


def _listed(path: Path) -> list[Listed]:
    if not path.exists():
        raise DataError(f"There is no {str(path)!r}.", "Check the name and the folder.")
    for name, layout in LAYOUTS.items():
        try:
            listed = layout(path)
        except PermissionError as error:
            raise DataError(f"{error.filename} cannot be read: {error.strerror}.", "Check its permissions.") from error
        if listed:
            return listed
        if listed is not None:
            raise DataError(f"{path} has no faces.", f"It was read as {name}.")
    raise DataError(
        f"{path} holds no labelled faces in a layout that mien reads.", f"Looked for: {'; '.join(LAYOUTS)}."
    )


def _refuse_split(path: Path, split: Split, have: set[Split]) -> None:
    there = [one for one in ORDER if one in have]
    instead = next((one for one in reversed(there) if one != "train"), there[0])
    raise DataError(
        f"{path} has no {split} split: it has {' and '.join(there)}.",
        f"Ask for one that it has (`--split {instead}`), or add the faces.",
    )


def _votes(faces: Sequence[Listed]) -> Floats | None:
    if all(face.votes is None for face in faces):
        return None
    nobody = (0.0,) * len(VOTE_COLUMNS)
    return np.array([face.votes or nobody for face in faces], np.float32)


def _twins(faces: Sequence[Listed], pixels: Pixels, others: Sequence[Listed]) -> NDArray[np.bool_]:
    if any(face.twin is not None for face in faces):
        return np.array([bool(face.twin) for face in faces])
    elsewhere = {digest for block in blocks(others, pixels.shape[1]) for digest in _digests(block)}
    return np.array([digest in elsewhere for digest in _digests(pixels)])


def _digests(faces: Pixels) -> list[bytes]:
    return [blake2b(face.tobytes(), digest_size=16).digest() for face in faces]


def _hash(faces: Pixels, labels: NDArray[np.int64], votes: Floats | None) -> str:
    """Of the bytes of faces, labels and votes, one after the other, little-endian."""
    total = sha256(faces.tobytes())
    total.update(labels.astype("<i8").tobytes())
    total.update(b"" if votes is None else votes.astype("<f4").tobytes())
    return total.hexdigest()


def _frozen(array: Array) -> Array:
    array.flags.writeable = False
    return array
