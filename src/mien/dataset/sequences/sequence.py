"""Sequences of one face over time, with what they show: what a sequence model is trained on and judged by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.dataset.sequences.clip import frames_of_clip
from mien.dataset.sequences.stills import frames_of_pictures
from mien.face import Floats, Pixels


@dataclass(frozen=True, slots=True, eq=False)
class FaceSequence:
    """One labelled sequence, still on the disk.

    name: of the file or folder, relative to its set, for people. subject: whom it shows; None where the set does not
    say. label: number of its class. files: one clip, or pictures in the order of time. times: (T,) float32, seconds, of
    pictures; empty for a clip, whose container knows. part: the set's own part, `train`, `valid`, `test` or the number
    of a fold from 1; empty where it has none. sha256: of the files' bytes.
    """

    name: str
    subject: str | None
    label: int
    files: tuple[Path, ...]
    times: Floats
    part: str = ""
    sha256: str = ""

    @property
    def is_clip(self) -> bool:
        """Whether it is one video, rather than pictures."""
        return not len(self.times)

    def frames(self) -> Iterator[tuple[float, Pixels]]:
        """Its frames as they lie there: seconds, then (H, W, 3) uint8 RGB or (H, W) uint8 grey, upright.

        Raises DataError for a file that cannot be read, which it names; ExtraMissing for a clip without the extra
        `video`.
        """
        if self.is_clip:
            return frames_of_clip(self.files[0])
        return frames_of_pictures(self.files, self.times)


@dataclass(frozen=True, slots=True, eq=False)
class SequenceSet:
    """A set of labelled sequences.

    layout: how it lies on the disk, a name in `LAYOUTS`. classes: in the order of the labels' numbers; usual names of
    expressions are those of FER+. sha256: of names, subjects, parts, labels and the bytes of all files.
    """

    name: str
    layout: str
    classes: tuple[str, ...]
    sequences: tuple[FaceSequence, ...]
    sha256: str

    @property
    def labels(self) -> NDArray[np.int64]:
        """(N,) int64."""
        return np.array([one.label for one in self.sequences], np.int64)

    @property
    def subjects(self) -> tuple[str, ...]:
        """Everybody in it, sorted; empty where it does not say who is whom."""
        named = {one.subject for one in self.sequences}
        return () if None in named else tuple(sorted(one for one in named if one))


NO_TIMES: Final = np.zeros(0, np.float32)
NO_TIMES.flags.writeable = False
