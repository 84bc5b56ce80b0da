"""The landmark stage: MediaPipe's face mesh and iris networks, and what follows from their points.

Kartynnik et al., Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs, 2019; Ablavatski et al.,
Real-time Pupil Tracking from Monocular Video for Digital Puppetry, 2020 (both CVPR workshop CV4ARVR).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.align.similarity import Matrix, apply, centred_square, invert, scale_of
from mien.align.view import FaceView
from mien.engine.session import open_session
from mien.face import Eyes, FaceMesh, Failed, Floats, Pixels
from mien.landmark.eyes import LEFT_CORNERS, RIGHT_CORNERS, EyeOutline, eye_crop, gaze_degrees, openness
from mien.landmark.pose import head_pose, head_rotation
from mien.settings import Settings
from mien.weights.fetch import ensure

MESH_SIDE: Final = 192
EYE_SIDE: Final = 64
POINTS: Final = 468
# The square that the mesh network saw in training is 1.5 times the mesh's extent. The median over 400 faces of LFW and
# FairFace lies at the centre of YuNet's box and measures 1.45 times its longer side.
FIRST_MARGIN: Final = 1.45
SECOND_MARGIN: Final = 1.5
UPPER_LIP: Final = (82, 13, 312)
LOWER_LIP: Final = (87, 14, 317)
MOUTH_CORNERS: Final = (78, 308)


LANDMARK_CARDS = ("facemesh", "iris")


class MeshLandmarker:
    """Finds 468 points, both irises, head pose, openness of eyes and mouth, and gaze of each face.

    Two passes of the mesh network, the second in the square that the first one's points span, and one pass of the iris
    network an eye. Safe to call from many threads; the same answer from each. The networks come as TFLite, which only
    OpenVINO reads: `settings.engine` does not matter here.
    """

    def __init__(self, settings: Settings) -> None:
        self._mesh = open_session(ensure(LANDMARK_CARDS[0], settings), "openvino", settings.threads)
        self._iris = open_session(ensure(LANDMARK_CARDS[1], settings), "openvino", settings.threads)

    def __call__(self, views: Sequence[FaceView]) -> list[FaceMesh | Failed]:
        """One result a view, in order.

        `presence` is the lower one of both passes. A low one does not fail: the mesh is then of a profile or of
        hardly a face, and the caller decides.
        `Failed` (code `landmark`) only where box or points span nothing, or the network's answer is not finite.
        """
        return [self._landmark(view) for view in views]

    def _landmark(self, view: FaceView) -> FaceMesh | Failed:
        box = view.detection.box
        if not (view.alignment[:, :2].any() and np.isfinite(view.alignment).all() and max(box.width, box.height) > 0):
            return Failed("landmark", "The detection has no extent: there is nothing to crop the mesh from.")
        points, first_presence = self._points(view, first_crop(view))
        if not _spans(points):
            return Failed("landmark", "The mesh network gave points that span nothing.")
        points, second_presence = self._points(view, second_crop(points))
        if not _spans(points):
            return Failed("landmark", "The mesh network's second pass gave points that span nothing.")
        outlines = self._outline(view, points, RIGHT_CORNERS), self._outline(view, points, LEFT_CORNERS)
        return _measured(points, min(first_presence, second_presence), *outlines)

    def _points(self, view: FaceView, crop: Matrix) -> tuple[Floats, float]:
        """(468, 3) px of the full image, and presence 0..1, from one pass in the square `crop`."""
        pixels = view.warp(crop, MESH_SIDE, MESH_SIDE)
        outputs = self._mesh.run(_batch(pixels))
        points, logit = (outputs[name] for name in self._mesh.output_names())
        presence = float(1 / (1 + np.exp(-logit.reshape(-1)[0].clip(-50, 50))))
        raw = np.where(np.isfinite(points), points, np.nan).reshape(POINTS, 3)
        placed = np.column_stack([apply(invert(crop), raw[:, :2]), raw[:, 2] / scale_of(crop)])
        return np.asarray(placed, np.float32), presence

    def _outline(self, view: FaceView, points: Floats, corners: tuple[int, int]) -> EyeOutline:
        """Lids and iris of one eye, px of the full image."""
        mirrored = corners == LEFT_CORNERS
        crop = eye_crop(points[list(corners), :2], mirrored, EYE_SIDE)
        pixels = view.warp(crop, EYE_SIDE, EYE_SIDE)
        # The network knows the person's right eye only. The left one is shown to it in a mirror.
        seen = pixels[:, ::-1] if mirrored else pixels
        outputs = self._iris.run(_batch(seen))
        contour, iris = (outputs[name].reshape(-1, 3)[:, :2] for name in self._iris.output_names())
        if mirrored:
            crop = np.array([[-1, 0, EYE_SIDE], [0, 1, 0]]) @ np.vstack([crop, [0, 0, 1]])
        back = invert(crop)
        return EyeOutline(apply(back, contour), apply(back, iris))


def _batch(pixels: Pixels) -> Floats:
    """(1, H, W, 3) float32 RGB 0..1, as both networks want it."""
    return np.asarray(pixels[None].astype(np.float32) / 255, np.float32)


def _spans(points: Floats) -> bool:
    """Whether `points` are finite and neither all on one spot nor all on one upright or level line."""
    return bool(np.isfinite(points).all() and np.ptp(points[:, :2], axis=0).all())


def first_crop(view: FaceView) -> Matrix:
    """(2, 3): full image to the first 192 x 192 crop, turned by the five points' best-fitting similarity.

    Unlike the line between the eyes, the similarity holds for a profile too, whose eyes nearly coincide.
    """
    box, turn = view.detection.box, view.alignment
    centre = box.x + box.width / 2, box.y + box.height / 2
    angle = -float(np.degrees(np.arctan2(turn[1, 0], turn[0, 0])))
    return centred_square(centre, FIRST_MARGIN * max(box.width, box.height), angle, MESH_SIDE)


def second_crop(points: Floats) -> Matrix:
    """(2, 3): full image to the crop around the (468, 3) `points`, turned by the line between the outer eye corners."""
    line = points[LEFT_CORNERS[0], :2] - points[RIGHT_CORNERS[0], :2]
    angle = float(np.arctan2(line[1], line[0]))
    cos, sin = np.cos(angle), np.sin(angle)
    turned = points[:, :2] @ np.array([[cos, -sin], [sin, cos]])
    low, high = turned.min(axis=0), turned.max(axis=0)
    x, y = (low + high) / 2
    centre = float(cos * x - sin * y), float(sin * x + cos * y)
    return centred_square(centre, SECOND_MARGIN * float((high - low).max()), float(np.degrees(angle)), MESH_SIDE)


def mouth_openness(points: NDArray[np.floating]) -> float:
    """Gap between the inner lips (mean of three pairs) over the mouth's inner width, of (468, 3) `points`; 0 is shut.

    Lengths are taken in three dimensions, so that a turned head changes them little.
    """
    gap = np.linalg.norm(points[list(UPPER_LIP)] - points[list(LOWER_LIP)], axis=1).mean()
    width = np.linalg.norm(points[MOUTH_CORNERS[0]] - points[MOUTH_CORNERS[1]])
    return float(gap / max(width, 1e-6))


def _measured(points: Floats, presence: float, right: EyeOutline, left: EyeOutline) -> FaceMesh:
    """Everything that follows from the points."""
    rotation = head_rotation(points)
    yaw, pitch = gaze_degrees(points, right, left, rotation)
    irises = np.stack([right.iris, left.iris])
    points.setflags(write=False)
    irises.setflags(write=False)
    return FaceMesh(
        points=points,
        irises=irises,
        presence=presence,
        pose=head_pose(rotation),
        eyes=Eyes(openness(right), openness(left), yaw, pitch),
        mouth_openness=mouth_openness(points),
    )
