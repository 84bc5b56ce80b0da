"""What counts as a face."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DetectPolicy:
    """Who looks for faces, and what counts as one.

    detector: `yunet`, or `blazeface` for webcams. min_face_px: smallest face width in px of the full photo that is
    searched for, whatever it costs (below 8 it counts as 8); None: from a fifteenth of the longer side on, and down to
    16 px where the photo shows signs of small faces, or no face at all. min_score: 0..1, the detector's belief; a
    weaker face counts where there is no other, if the embedding network too takes it for one. overlap: two boxes with a
    larger intersection over union are one face. thorough: look again at every face, which places its points better;
    else only at doubtful ones.
    """

    detector: str = "yunet"
    min_face_px: float | None = None
    min_score: float = 0.6
    overlap: float = 0.3
    thorough: bool = True
