"""DFEW (Jiang et al., ACM Multimedia 2020): clips in one folder, labels and five folds in tables."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mien.dataset.listing import folders_in, pictures_in
from mien.dataset.sequences.clip import clips_in
from mien.dataset.sequences.listed import Listed
from mien.dataset.tables import AGAIN, rows_of
from mien.errors import DataError

SPLITS: Final = "EmoLabel_DataSplit"
TESTS: Final = ("test(single-labeled)", "test")
COLUMNS: Final = ("video_name", "label")
# In the order of its numbers, from 1.
CLASSES: Final = ("happy", "sad", "neutral", "angry", "surprise", "disgust", "fear")
N_FOLDS: Final = 5


def dfew(path: Path) -> list[Listed] | None:
    """The clips with a single label: `EmoLabel_DataSplit/test(single-labeled)/set_1.csv` to `set_5.csv` are the folds.

    A clip is a video (`Clip/original/1.mp4`) or a folder of pictures (`Clip/clip_224x224/00001/*.jpg`), in the first
    folder below `Clip` that has the clips of the first table. Raises DataError for a wrong line or an absent clip.
    """
    folder = next((path / SPLITS / name for name in TESTS if (path / SPLITS / name).is_dir()), None)
    if folder is None:
        return None
    clips: dict[int, tuple[Path, ...]] = {}
    listed = []
    for fold in range(1, N_FOLDS + 1):
        table = folder / f"set_{fold}.csv"
        for line, row in rows_of(table, COLUMNS):
            where = f"{table}, line {line}"
            number, label = _number(row["video_name"], where), _number(row["label"], where)
            if not 1 <= label <= len(CLASSES):
                raise DataError(f"{where}: there is no label {label}.", AGAIN)
            clips = clips or _clips(path / "Clip", number)
            if number not in clips:
                raise DataError(f"{where}: there is no clip {number} below {path / 'Clip'}.", "Unpack all clips.")
            listed.append(Listed(f"{number:05}", CLASSES[label - 1], clips[number], part=str(fold)))
    return listed


def _number(text: str, where: str) -> int:
    stem = text.strip().partition(".")[0]
    if not (stem.isascii() and stem.isdigit()):
        raise DataError(f"{where}: {text!r} is no number.", AGAIN)
    return int(stem)


def _clips(root: Path, wanted: int) -> dict[int, tuple[Path, ...]]:
    """The files of each clip, of the first folder that has `wanted`."""
    for folder in (*folders_in(root), root):
        if not folder.is_dir():
            continue
        found: dict[int, tuple[Path, ...]] = {
            int(clip.stem): (clip,) for clip in clips_in(folder) if clip.stem.isdigit()
        }
        for inner in folders_in(folder):
            if inner.name.isdigit() and (pictures := pictures_in(inner)):
                found[int(inner.name)] = tuple(pictures)
        if wanted in found:
            return found
    raise DataError(f"There is no clip {wanted} below {root}.", "Unpack the clips there.")
