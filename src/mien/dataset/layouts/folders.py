"""A folder a split, in it a folder a class: `train/<class>/*.jpg`, as Kaggle's FER2013 comes unpacked."""

from __future__ import annotations

from pathlib import Path

from mien.dataset.listing import Listed, folders_in, pictures_in, split_of


def split_folders(path: Path) -> list[Listed] | None:
    """Every picture in `path/<split>/<class>/`, where a split has any of its usual names (`val`, `PublicTest` ...)."""
    return [
        Listed(picture.relative_to(path).as_posix(), split, folder.name, picture)
        for top in folders_in(path)
        if (split := split_of(top.name))
        for folder in folders_in(top)
        for picture in pictures_in(folder)
    ] or None
