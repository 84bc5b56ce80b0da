"""Faces in photos that nobody labelled, cut as the stage `expression` cuts them: for a teacher to name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.align.view import FaceView
from mien.dataset.faces import FaceSet
from mien.detect.choice import DETECTORS, Detector
from mien.detect.policy import DetectPolicy
from mien.errors import DataError, ImageError
from mien.expression.frame import FrameExpression
from mien.face import Pixels
from mien.image import open_photo
from mien.image.folder import photos_in
from mien.settings import Settings


def photos_below(folder: Path) -> list[Path]:
    """All photos in a folder and its folders, by name. Raises DataError where there are none."""
    photos = photos_in(folder)
    if not photos:
        raise DataError(f"There is no photo below {folder}.", "Check the path.")
    return photos


def largest_faces(
    photos: Iterable[Path], cutter: FrameExpression, settings: Settings, step: Callable[[], None]
) -> Pixels:
    """(N, S, S) uint8 grey: of each photo the largest face, where it has any; cut as `cutter` cuts. In the same order.

    step: called after each photo. Raises DataError for a photo that cannot be read, and where no face is found at all.
    """
    detect = DETECTORS["yunet"](settings, DetectPolicy(thorough=False))
    crops: list[Pixels] = []
    with ThreadPoolExecutor(settings.threads, "mien-faces") as pool:
        for crop in pool.map(partial(_largest, detect=detect, cutter=cutter), photos):
            crops += [] if crop is None else [crop]
            step()
    if not crops:
        raise DataError("There is no face in any of the photos without labels.", "Name another folder.")
    return np.stack(crops)


def with_unlabelled(labelled: FaceSet, faces: Pixels) -> FaceSet:
    """The set, and after it (N, S, S) uint8 faces without label or vote."""
    n = len(faces)
    votes: NDArray[np.float32] = np.zeros((n, 0 if labelled.votes is None else labelled.votes.shape[1]), np.float32)
    return replace(
        labelled,
        faces=np.concatenate([labelled.faces, faces]),
        labels=np.concatenate([labelled.labels, np.full(n, -1, np.int64)]),
        votes=None if labelled.votes is None else np.concatenate([labelled.votes, votes]),
        twins=np.concatenate([labelled.twins, np.zeros(n, np.bool_)]),
        names=(*labelled.names, *("unlabelled",) * n),
        sha256=sha256(labelled.sha256.encode() + faces.tobytes()).hexdigest(),
    )


def _largest(path: Path, detect: Detector, cutter: FrameExpression) -> Pixels | None:
    try:
        photo = open_photo(path)
    except ImageError as error:
        raise DataError(f"{path}: {error.cause}", "Take it out of the folder, or mend it.") from error
    found = detect(photo)
    return cutter.crop(FaceView(photo, found[0])) if found else None
