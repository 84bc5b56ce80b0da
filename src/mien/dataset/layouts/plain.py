"""A folder a class and no splits: `<class>/*.jpg`."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Final

from mien.dataset.faces import Split
from mien.dataset.listing import Listed, folders_in, pictures_in, split_of
from mien.errors import DataError

TRAIN_SHARE: Final = 0.9


def class_folders(path: Path) -> list[Listed] | None:
    """Every picture in `path/<class>/`, about nine in ten of them in train and the others in valid.

    The hash of a file's bytes decides, whatever its name and its neighbours: the same file is always in the same
    split, and so are its copies. People are not known here, and the same one may be in both.
    """
    folders = folders_in(path)
    if any(split_of(folder.name) for folder in folders):
        return None
    return [
        Listed(picture.relative_to(path).as_posix(), _split(picture), folder.name, picture)
        for folder in folders
        for picture in pictures_in(folder)
    ] or None


def _split(picture: Path) -> Split:
    try:
        digest = sha256(picture.read_bytes()).digest()
    except OSError as error:
        raise DataError(f"{picture} cannot be read: {error.strerror}.", "Mend or remove it.") from error
    return "train" if int.from_bytes(digest[:8], "big") < TRAIN_SHARE * 2**64 else "valid"
