"""RAF-DB, basic expressions (Li, Deng and Du, CVPR 2017), as its authors send it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mien.dataset.listing import Listed, split_of
from mien.dataset.tables import AGAIN
from mien.errors import DataError

# `partition` has lost two letters in the published name.
LIST: Final = "EmoLabel/list_patition_label.txt"
CLASSES: Final = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
IMAGES: Final = ("Image/aligned", "aligned")


def raf_db(path: Path) -> list[Listed] | None:
    """The lines `train_00001.jpg 5` of `EmoLabel/list_patition_label.txt` in `path` or in `path/basic`.

    The faces are the aligned ones, `Image/aligned/train_00001_aligned.jpg`. There are a train and a test split. Raises
    DataError that names the first line that does not fit.
    """
    root = next((root for root in (path, path / "basic") if (root / LIST).is_file()), None)
    if root is None:
        return None
    images = next((root / name for name in IMAGES if (root / name).is_dir()), None)
    if images is None:
        raise DataError(f"{root} has no folder {IMAGES[0]}.", "Unpack aligned.zip there.")
    try:
        lines = (root / LIST).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{root / LIST} cannot be read: {error}.", "Copy or download it again.") from error
    return [
        _listed(line, images, f"{root / LIST}, line {number}") for number, line in enumerate(lines, 1) if line.strip()
    ]


def _listed(line: str, images: Path, where: str) -> Listed:
    name, _, label = line.strip().partition(" ")
    split = split_of(name.partition("_")[0])
    if split is None or label not in {str(number) for number in range(1, len(CLASSES) + 1)}:
        raise DataError(f"{where}: {line[:80]!r} is no `train_00001.jpg 5` with a label of 1 to {len(CLASSES)}.", AGAIN)
    stem, _, suffix = name.rpartition(".")
    return Listed(name, split, CLASSES[int(label) - 1], images / f"{stem}_aligned.{suffix}")
