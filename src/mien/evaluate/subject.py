"""Which of several faces in a photo is the photo's subject."""

from __future__ import annotations

from collections.abc import Sequence

from mien.face import Face


def subject(faces: Sequence[Face], width: int, height: int) -> Face | None:
    """The face with the best of: its share of the photo's area, less twice the squared distance from the centre.

    The distance is in units of the photo's width. Sets of single people such as LFW are cropped around their subject,
    and bystanders stand at the edge. None where there is no face.
    """
    return max(faces, key=lambda face: _prominence(face, width, height), default=None)


def _prominence(face: Face, width: int, height: int) -> float:
    box = face.detection.box
    x = box.x + box.width / 2 - width / 2
    y = box.y + box.height / 2 - height / 2
    return box.width * box.height / (width * height) - 2 * (x * x + y * y) / width**2
