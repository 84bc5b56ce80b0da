"""What a tracker keeps: faces that are followed by motion, and the people whom they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.face import Box, Detection, Floats
from mien.track.likeness import Likeness
from mien.track.motion import Motion


@dataclass(slots=True, eq=False)
class Person:
    """A track: its number and face, whether it is on screen or not.

    motion: at `last_seconds`, None where it is not known any more. detection: the last one. looked_seconds: when the
    likeness was last added to. ended: as reported.
    """

    track: int
    last_seconds: float
    detection: Detection
    motion: Motion | None = None
    likeness: Likeness | None = None
    looked_seconds: float = -np.inf
    ended: bool = False

    def ahead(self, time_seconds: float) -> Motion | None:
        """Where its face is by now, as far as motion tells."""
        return self.motion.ahead(time_seconds - self.last_seconds) if self.motion else None


@dataclass(slots=True, eq=False)
class Body:
    """Detections that motion ties together, for as long as hardly one is missing.

    person: None until it is confirmed and known whether it is an old one. motion: at the last update. index: which of
    this frame's detections, None where it was missed. sightings, chances: in how many of how many searches it was
    found. evidence: looks since it began or fell into doubt; looked_seconds: the last one, whatever it gave; blind: it
    gave nothing. doubted: it may have been mixed up. waits_since: since when it has been ready but for a good look.
    new_scene: it was first found just after a cut.
    """

    detection: Detection
    motion: Motion
    first_seconds: float
    last_seconds: float
    index: int | None
    person: Person | None = None
    sightings: int = 1
    chances: int = 1
    evidence: Likeness | None = None
    looked_seconds: float = -np.inf
    blind: bool = False
    doubted: bool = False
    waits_since: float | None = None
    new_scene: bool = False

    @property
    def seen_now(self) -> bool:
        """Whether it was found in this frame."""
        return self.index is not None

    def sees(self, index: int, detection: Detection, time_seconds: float) -> None:
        """It was found; its motion has been brought to this time before."""
        self.motion = self.motion.seen(detection.box)
        self.detection, self.index, self.last_seconds = detection, index, time_seconds
        self.sightings += 1

    def looks(self, vector: Floats | None, time_seconds: float) -> None:
        """It was embedded, or could not be."""
        self.looked_seconds, self.blind = time_seconds, vector is None
        if vector is not None:
            self.evidence = Likeness(np.asarray(vector, np.float32)).joined(self.evidence)

    def doubt(self, at_once: bool = False) -> None:
        """Only what is seen from now on says who it is. at_once: whenever it was looked at last."""
        self.doubted, self.evidence = True, None
        if at_once:
            self.looked_seconds = -np.inf

    def trust(self) -> None:
        """It is who it was thought to be."""
        self.doubted, self.evidence = False, None


def moved(detection: Detection, box: Box) -> Detection:
    """The detection as it would be at another place: the points go with the box."""
    old = detection.box
    scale = np.array([box.width / max(old.width, 1e-6), box.height / max(old.height, 1e-6)])
    points = (np.asarray(detection.landmarks, np.float64) - [old.x, old.y]) * scale + [box.x, box.y]
    landmarks = points.astype(np.float32)
    landmarks.setflags(write=False)
    return Detection(box, detection.score, landmarks)
