"""What a frame model sees in each frame of a set of sequences, kept from one run to the next where one asks for it."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final
from uuid import uuid4

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.dataset.sequences.crops import Crops
from mien.dataset.sequences.sequence import FaceSequence
from mien.errors import DataError
from mien.face import Floats, Pixels

See = Callable[[Pixels], tuple[Floats, Floats]]
Cut = Callable[[FaceSequence], Crops]
# Changes whenever the same pixels would give other features.
VERSION: Final = 1
PLAIN: Final = "plain"
MIRROR: Final = "mirror"
# Of a turned view: degrees, share of the size, share of the side, gain, level.
TURN_DEGREES, ZOOM, SHIFT, GAIN, LEVEL = 8.0, 0.08, 0.04, 0.2, 20.0


@dataclass(frozen=True, slots=True, eq=False)
class SeenSequence:
    """times: (T,) float32 seconds. features: (T, D), logits: (T, C) float32, zeros where `seen` (T,) bool is False."""

    times: Floats
    features: Floats
    logits: Floats
    seen: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Eye:
    """How crops come from a sequence and features from crops; model: whose features they are."""

    cut: Cut
    see: See
    model: str
    cache: Path | None = None


def see_sequences(
    sequences: Sequence[FaceSequence], eye: Eye, views: Sequence[str] = (PLAIN,), step: Callable[[], None] | None = None
) -> dict[str, list[SeenSequence]]:
    """Each sequence in each of the `views`, in order.

    views: `plain`; `mirror`; any other name is a slight turn, shift, change of size and of light of its own, mirrored
    or not, the same in all frames of a sequence, always the same for the same name. cache: a folder in which each
    sequence's features lie by the hash of its files, of the model and of the view; it holds no pictures. step: called
    after each sequence. Raises what reading the sequences raises.
    """
    seen: dict[str, list[SeenSequence]] = {view: [] for view in views}
    for sequence in sequences:
        crops: Crops | None = None
        for view in views:
            one = _kept(sequence, eye, view)
            if one is None:
                crops = crops or eye.cut(sequence)
                one = _see(crops, eye.see, view)
                _keep(one, sequence, eye, view)
            seen[view].append(one)
        if step:
            step()
    return seen


def changed(faces: Pixels, view: str) -> Pixels:
    """(T, S, S) uint8 grey faces as the view has them."""
    if view == PLAIN:
        return faces
    if view == MIRROR:
        return np.ascontiguousarray(faces[:, :, ::-1])
    chance = np.random.default_rng(int.from_bytes(sha256(view.encode()).digest()[:8], "big") + int(faces.sum()))
    middle = (faces.shape[1] - 1) / 2
    matrix = cv2.getRotationMatrix2D(
        (middle, middle), chance.uniform(-TURN_DEGREES, TURN_DEGREES), 1 + chance.uniform(-ZOOM, ZOOM)
    )
    matrix[:, 2] += chance.uniform(-SHIFT, SHIFT, 2) * faces.shape[1]
    gain, level, mirrored = 1 + chance.uniform(-GAIN, GAIN), chance.uniform(-LEVEL, LEVEL), chance.random() < 0.5
    turned = [cv2.warpAffine(face, matrix, faces.shape[:0:-1], borderMode=cv2.BORDER_REPLICATE) for face in faces]
    lit = np.clip((np.stack(turned).astype(np.float32) - 128) * gain + 128 + level, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(lit[:, :, ::-1] if mirrored else lit)


def _see(crops: Crops, see: See, view: str) -> SeenSequence:
    n_frames = len(crops.times)
    rows = np.flatnonzero(crops.seen)
    # With nothing seen, one black face tells how long features and logits are.
    features, logits = see(changed(crops.faces[rows if len(rows) else slice(1)], view))
    all_features = np.zeros((n_frames, features.shape[1]), np.float32)
    all_logits = np.zeros((n_frames, logits.shape[1]), np.float32)
    if len(rows):
        all_features[rows], all_logits[rows] = features, logits
    return SeenSequence(crops.times, all_features, all_logits, crops.seen)


def _file(sequence: FaceSequence, eye: Eye, view: str) -> Path | None:
    if eye.cache is None:
        return None
    times = sequence.times.astype("<f4").tobytes()
    text = repr((VERSION, sequence.sha256, eye.model, view))
    return eye.cache / f"{sha256(text.encode() + times).hexdigest()}.npz"


def _kept(sequence: FaceSequence, eye: Eye, view: str) -> SeenSequence | None:
    file = _file(sequence, eye, view)
    if file is None or not file.is_file():
        return None
    try:
        with np.load(file, allow_pickle=False) as arrays:
            return SeenSequence(*(arrays[name] for name in ("times", "features", "logits", "seen")))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{file} is damaged: {error}.", "Remove it: it is made again.") from error


def _keep(one: SeenSequence, sequence: FaceSequence, eye: Eye, view: str) -> None:
    """Written beside, then moved: a kill leaves no torn file."""
    file = _file(sequence, eye, view)
    if file is None:
        return
    staged = file.with_name(f"part-{uuid4().hex}.npz")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez(staged, times=one.times, features=one.features, logits=one.logits, seen=one.seen)
        staged.replace(file)
    except OSError as error:
        raise DataError(f"{file.parent} cannot be written: {error.strerror}.", "Name another folder.") from error
