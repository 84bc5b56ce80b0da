"""What counts as a face."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DetectPolicy:
    """What counts as a face.

    min_face_px: smallest face width in px of the full photo that must be found; None: from a thirtieth of the longer
    side on, and smaller ones where the photo shows signs of them. min_score: 0..1, the detector's belief.
    overlap: two boxes with a larger intersection over union are one face.
    """

    min_face_px: float | None = None
    min_score: float = 0.6
    overlap: float = 0.3
