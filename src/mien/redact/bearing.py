"""How a head is held and what its eyes and mouth do: all that an avatar keeps of a face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from mien.align.view import FaceView
from mien.detect.rows import Rows, detection
from mien.face import FaceMesh, Floats
from mien.image import Photo
from mien.landmark.mesh import MeshLandmarker
from mien.settings import Settings

# openness of the mouth, of the right and the left eye (`mien.face.FaceMesh`, `Eyes`), yaw and pitch in degrees
# (`HeadPose`); NaN where they are not known.
UNKNOWN: Final = np.full(5, np.nan, np.float32)
# A mesh of less presence is of hardly a face.
PRESENT: Final = 0.5
# A face of fewer px has no eyes to speak of.
LEAST_PX: Final = 24.0


class Bearings:
    """Adds the bearing (5,) to candidates; loads its networks only where avatars are drawn. Thread-safe."""

    def __init__(self, settings: Settings, wanted: bool) -> None:
        self._landmark = MeshLandmarker(settings) if wanted else None

    def __call__(self, photo: Photo, rows: Rows) -> Rows:
        """(N, 20) of rows (N, 15)."""
        bearings = [self._bearing(photo, row) for row in rows]
        return np.concatenate([rows, np.stack(bearings)], axis=1) if bearings else np.zeros((0, 20), np.float32)

    def _bearing(self, photo: Photo, row: Rows) -> Floats:
        if self._landmark is None or min(row[2:4]) < LEAST_PX:
            return UNKNOWN
        mesh = self._landmark([FaceView(photo, detection(row))])[0]
        if not isinstance(mesh, FaceMesh) or mesh.presence < PRESENT:
            return UNKNOWN
        eyes, pose = mesh.eyes, mesh.pose
        known: Sequence[float] = (
            mesh.mouth_openness, eyes.right_openness, eyes.left_openness, pose.yaw_degrees, pose.pitch_degrees,
        )  # fmt: skip
        return np.array(known, np.float32)
