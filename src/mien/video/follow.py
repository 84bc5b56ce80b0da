"""The first half of the loop: faces found in each frame, and told apart from frame to frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from mien.align.view import FaceView
from mien.analyze import Networks
from mien.detect.search import GLANCE_PX, RELIABLE_PX, FaceDetector
from mien.face import Box, Detection, Embedding, Floats
from mien.image import ImageLimits, Photo
from mien.track.tracker import Tracker, Update
from mien.video.frame import Frame
from mien.video.policy import VideoPolicy
from mien.video.pyramid import frame_photo

MOST_PX: Final = 1280
# A picture is another scene where its thumbnail's grey levels differ by more than this on average, of 255: people who
# move change it by a few, a cut by 40 and more.
CUT: Final = 25.0
THUMBNAIL: Final = (32, 18)
SMALL: Final = 0.125


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A frame with its tracks. embeddings: of detections that had to be told apart, by their index in the frame."""

    frame: Frame
    photo: Photo
    update: Update
    embeddings: Mapping[int, Embedding]


class Follower:
    """Finds and tracks the faces of one run, in the order of its frames."""

    def __init__(self, networks: Networks, policy: VideoPolicy, limits: ImageLimits) -> None:
        self._networks, self._policy, self._limits = networks, policy, limits
        self._tracker = Tracker(policy.track)
        self._searched = -np.inf
        self._thumbnail: Floats | None = None

    def __call__(self, frame: Frame) -> Found:
        """The faces of the next frame."""
        photo = frame_photo(frame.pixels, self._limits)
        cut = self._is_cut(photo)
        detections = self._detect(photo, frame.time_seconds, cut)
        embeddings: dict[int, Embedding] = {}

        def look(index: int) -> Floats | None:
            if index not in embeddings and self._networks.embed:
                found = self._networks.embed([FaceView(photo, detections[index])])[0]
                if isinstance(found, Embedding):
                    embeddings[index] = found
            return embeddings[index].vector if index in embeddings else None

        update = self._tracker.update(frame.time_seconds, detections, look, cut)
        return Found(frame, photo, update, embeddings)

    def end(self) -> tuple[int, ...]:
        """The tracks that are still open, which are so no longer."""
        return self._tracker.end()

    def _detect(self, photo: Photo, time_seconds: float, cut: bool) -> list[Detection]:
        detector = self._networks.detect
        due = time_seconds - self._searched >= self._policy.search_seconds
        if cut or due or not isinstance(detector, FaceDetector):
            self._searched = time_seconds
            return detector(photo)
        known = [box for _, box in self._tracker.expected(time_seconds)]
        return detector.follow(photo, _level(known, max(photo.width, photo.height)), known)

    def _is_cut(self, photo: Photo) -> bool:
        thumbnail = cv2.resize(photo.pixels(SMALL).pixels, THUMBNAIL, interpolation=cv2.INTER_AREA)
        small = thumbnail.mean(axis=2, dtype=np.float32)
        before, self._thumbnail = self._thumbnail, small
        return before is not None and float(np.abs(small - before).mean()) > CUT


def _level(known: Sequence[Box], longest: int) -> int:
    """The longer side of the picture at which the smallest face that is followed is found surely."""
    smallest = min((max(one.width, 1.0) for one in known), default=float(longest))
    level = GLANCE_PX
    while smallest * level / longest < RELIABLE_PX and level < min(MOST_PX, longest):
        level *= 2
    return level
