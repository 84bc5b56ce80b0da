"""The faces that sequences are made from, with what they show in the words of FER+."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.dataset.faces import FaceSet, Split
from mien.dataset.ferplus import distribution, majority
from mien.dataset.read import read_faces
from mien.errors import DataError
from mien.expression.classes import FER2013, FERPLUS
from mien.expression.frame import FrameExpression
from mien.face import Floats, Pixels
from mien.settings import Settings
from mien.train.unlabelled import largest_faces, photos_below

NEUTRAL: Final = FERPLUS.index("neutral")
# The seven of FER2013 in the words of FER+, which say the same of another grammar.
SAME: Final = dict(
    zip(FER2013, ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"), strict=True)
)


@dataclass(frozen=True, slots=True, eq=False)
class Stills:
    """faces: (N, S, S) uint8 grey. shares: (N, 8) float32, what each shows, by FERPLUS, rows summing to 1.

    labelled: whether people said so; else the frame model did. sha256: of faces and shares.
    """

    name: str
    faces: Pixels
    shares: Floats
    labelled: bool
    sha256: str

    @classmethod
    def of(cls, name: str, faces: Pixels, shares: Floats, labelled: bool) -> Stills:
        """With the hash of its content."""
        digest = sha256(np.ascontiguousarray(faces).tobytes() + np.ascontiguousarray(shares, "<f4").tobytes())
        return cls(name, faces, shares, labelled, digest.hexdigest())


def read_stills(path: Path, split: Split, size: int, sure: bool) -> Stills:
    """The labelled faces of one split: shares of the votes where the set has votes, else the label alone.

    Left out: faces without an answer, faces with a pixel-exact twin in another split, and where `sure` those on which
    no class has the majority. Raises DataError where the set's classes are not those of FER2013 or FER+, where no face
    is left, and what `read_faces` raises.
    """
    faces = read_faces(path, split, size)
    shares = _shares(faces)
    kept = (shares.sum(axis=1) > 0) & ~faces.twins
    if sure and faces.votes is not None:
        kept &= majority(faces.votes) >= 0
    if not kept.any():
        raise DataError(f"{path} has no face with an answer in its split {split}.", "Give a labelled set.")
    return Stills.of(f"{faces.name} {split}", faces.faces[kept], shares[kept], labelled=True)


def name_stills(folder: Path, model: FrameExpression, settings: Settings, step: Callable[[], None]) -> Stills:
    """The largest face of each photo below `folder`, named by the frame model: self-training, no person's word.

    step: called after each photo. Raises what `photos_below` and `largest_faces` raise.
    """
    faces = largest_faces(photos_below(folder), model, settings, step)
    shares = model.probabilities(faces)["ferplus"]
    return Stills.of(f"photos in {folder.resolve().name}", faces, shares, labelled=False)


def _shares(faces: FaceSet) -> Floats:
    if faces.votes is not None:
        return distribution(faces.votes)
    names = [SAME.get(name, name) for name in faces.classes]
    if unknown := set(names) - set(FERPLUS):
        raise DataError(f"{faces.name} has the class {min(unknown)!r}.", f"Classes may be: {', '.join(FERPLUS)}.")
    places: NDArray[np.int64] = np.array([FERPLUS.index(name) for name in names], np.int64)
    hot = np.eye(len(FERPLUS), dtype=np.float32)[places[np.maximum(faces.labels, 0)]]
    return np.asarray(hot * (faces.labels >= 0)[:, None], np.float32)
