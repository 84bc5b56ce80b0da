"""Folders a class, with clips or with folders of frames in them; with train and val above them, as AFEW has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mien.dataset.listing import folders_in, pictures_in, split_of
from mien.dataset.sequences.clip import clips_in
from mien.dataset.sequences.listed import Listed, expression_name
from mien.dataset.tables import columns_of, rows_of
from mien.errors import DataError
from mien.expression.classes import FERPLUS

SUBJECTS: Final = "subjects.csv"


def class_clips(path: Path) -> list[Listed] | None:
    """`<class>/<clip>.mp4`. Subjects are known where `subjects.csv` (columns sequence, subject) lies in `path`."""
    return _with_subjects(path, [one for folder in _classes(path) for one in _clips(path, folder, "")])


def class_frames(path: Path) -> list[Listed] | None:
    """`<class>/<clip>/*.jpg`, frames in the order of their names. Subjects as in `class_clips`."""
    return _with_subjects(path, [one for folder in _classes(path) for one in _frames(path, folder, "")])


def split_sequences(path: Path) -> list[Listed] | None:
    """AFEW and sets laid out like it: `Train/<class>/` and `Val/<class>/`, with clips or folders of frames.

    A folder whose name begins with a split's (`Val_AFEW`) counts as that split. One without classes of expressions in
    it, as AFEW's `Test`, has no labels and is left out. Nobody is named: nothing can be split by subject.
    """
    listed = []
    for split in folders_in(path):
        part = split_of(split.name.partition("_")[0])
        classes = folders_in(split)
        if part is None or not any(expression_name(folder.name) in FERPLUS for folder in classes):
            continue
        for folder in classes:
            listed += [*_clips(path, folder, part), *_frames(path, folder, part)]
    return _with_subjects(path, listed)


def _classes(path: Path) -> list[Path]:
    folders = folders_in(path)
    return [] if any(split_of(folder.name.partition("_")[0]) for folder in folders) else folders


def _clips(path: Path, folder: Path, part: str) -> Iterator[Listed]:
    for clip in clips_in(folder):
        yield Listed(clip.relative_to(path).as_posix(), folder.name, (clip,), part=part)


def _frames(path: Path, folder: Path, part: str) -> Iterator[Listed]:
    for inner in folders_in(folder):
        if pictures := pictures_in(inner):
            yield Listed(inner.relative_to(path).as_posix(), folder.name, tuple(pictures), part=part)


def _with_subjects(path: Path, listed: list[Listed]) -> list[Listed] | None:
    table = path / SUBJECTS
    if not listed or not columns_of(table):
        return listed or None
    subjects = {row["sequence"].strip(): row["subject"].strip() for _, row in rows_of(table, ("sequence", "subject"))}
    absent = next((one.name for one in listed if not subjects.get(one.name)), None)
    if absent is not None:
        raise DataError(f"{table} names no subject for {absent}.", "Give each sequence a row, or remove the table.")
    return [Listed(one.name, one.label, one.files, subjects[one.name], one.part, one.numbers) for one in listed]
