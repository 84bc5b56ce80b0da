"""What counts as a face."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DetectPolicy:
    """What counts as a face.

    min_face_px: smallest face width in px of the full photo that is searched for, whatever it costs (below 8 it counts
    as 8); None: from a fifteenth of the longer side on, and down to 16 px where the photo shows signs of small faces, or
    no face at all. min_score: 0..1, the detector's belief, which doubtful faces must reach at a second look too.
    overlap: two boxes with a larger intersection over union are one face.
    """

    min_face_px: float | None = None
    min_score: float = 0.6
    overlap: float = 0.3
