"""Labelled face sequences from the disk: `read_sequences` finds out in which layout they lie there."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

from mien.dataset.sequences.clip import CLIPS
from mien.dataset.sequences.dfew import dfew
from mien.dataset.sequences.folders import class_clips, class_frames, split_sequences
from mien.dataset.sequences.listed import Listed, number_labels
from mien.dataset.sequences.named import ckplus_stills, crema_d, ravdess
from mien.dataset.sequences.sequence import NO_TIMES, FaceSequence, SequenceSet
from mien.dataset.sequences.stills import picture_times
from mien.errors import DataError
from mien.face import Floats

Layout = Callable[[Path], list[Listed] | None]
# The first that fits is taken: how each lies on the disk, for people, and what reads it.
LAYOUTS: Final[dict[str, tuple[str, Layout]]] = {
    "dfew": ("EmoLabel_DataSplit/test(single-labeled)/set_1.csv and Clip/ (DFEW)", dfew),
    "afew": ("Train/<class>/ and Val/<class>/ with clips or folders of frames (AFEW)", split_sequences),
    "ckplus48": ("<class>/S<subject>_<sequence>_<frame>.png (CK+)", ckplus_stills),
    "ravdess": ("01-01-06-01-02-01-12.mp4 (RAVDESS)", ravdess),
    "crema-d": ("1001_DFA_ANG_XX.flv (CREMA-D)", crema_d),
    "clips": ("<class>/<clip>.mp4", class_clips),
    "frames": ("<class>/<clip>/*.jpg", class_frames),
}
BLOCK_BYTES: Final = 1 << 20


def read_sequences(path: Path, layout: str | None = None) -> SequenceSet:
    """List the labelled sequences in the folder `path`; pixels stay on the disk until they are asked for.

    layout: a name in LAYOUTS; by default the first that fits. Every file is read once, for the hash. Raises DataError
    where nothing that fits lies at `path` (it names what was looked for), for a layout that there is not, for one class
    only, and for a damaged table or line, which it names.
    """
    name, listed = _listed(path, layout)
    classes, numbers = number_labels(one.label for one in listed)
    if len(classes) < 2:
        raise DataError(f"{path} has one class only, {classes[0]}.", "Give sequences of two classes or more.")
    sequences = tuple(
        FaceSequence(
            name=one.name,
            subject=one.subject,
            label=numbers[one.label],
            files=one.files,
            times=_times(one),
            part=one.part,
            sha256=hash_files(one.files),
        )
        for one in listed
    )
    return SequenceSet(path.resolve().name, name, classes, sequences, _hash(classes, sequences))


def _listed(path: Path, layout: str | None) -> tuple[str, list[Listed]]:
    if not path.is_dir():
        raise DataError(f"There is no folder {str(path)!r}.", "Check the name.")
    if layout is not None and layout not in LAYOUTS:
        raise DataError(f"There is no layout {layout!r}.", f"Choose of: {', '.join(LAYOUTS)}.")
    for name, (_, read) in LAYOUTS.items():
        if layout not in (None, name):
            continue
        try:
            listed = read(path)
        except PermissionError as error:
            raise DataError(f"{error.filename} cannot be read: {error.strerror}.", "Check its permissions.") from error
        if listed:
            return name, listed
    looked_for = "; ".join(looks for name, (looks, _) in LAYOUTS.items() if layout in (None, name))
    raise DataError(f"{path} holds no labelled sequences in a layout that mien reads.", f"Looked for: {looked_for}.")


def _times(one: Listed) -> Floats:
    if one.files[0].suffix.lower() in CLIPS:
        return NO_TIMES
    times = picture_times(len(one.files), one.numbers)
    times.flags.writeable = False
    return times


def hash_files(files: tuple[Path, ...]) -> str:
    """SHA-256 of the files' bytes, one after the other. Raises DataError for a file that cannot be read."""
    total = sha256()
    for file in files:
        try:
            with file.open("rb") as handle:
                while block := handle.read(BLOCK_BYTES):
                    total.update(block)
        except OSError as error:
            raise DataError(f"{file} cannot be read: {error.strerror}.", "Mend or remove it.") from error
    return total.hexdigest()


def _hash(classes: tuple[str, ...], sequences: tuple[FaceSequence, ...]) -> str:
    total = sha256(repr(classes).encode())
    for one in sequences:
        total.update(repr((one.name, one.subject, one.part, one.label, one.sha256)).encode())
    return total.hexdigest()
