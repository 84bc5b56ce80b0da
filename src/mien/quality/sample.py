"""What the measures look at: the aligned crop, the part of it that is face, and the mesh; each made when asked for."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.align.similarity import apply, invert
from mien.align.view import ALIGNED_SIDE, FaceView
from mien.face import FaceMesh, Failed, Floats, Pixels

PRESENCE_NEEDED: Final = 0.5
"""Below this belief of the mesh network its points are not used."""

RIGHT_EYE_CORNERS: Final = (33, 133)
LEFT_EYE_CORNERS: Final = (362, 263)
CHIN: Final = 152
RIGHT_SIDE: Final = 234
LEFT_SIDE: Final = 454

# The oval of a frontal face in the 112 x 112 crop, where there is no mesh: centre and half axes, px.
TEMPLATE_CENTRE: Final = (56.0, 67.0)
TEMPLATE_AXES: Final = (37.0, 48.0)
TEMPLATE_OVAL: Final = np.array(
    [
        [TEMPLATE_CENTRE[0] + TEMPLATE_AXES[0] * np.cos(t), TEMPLATE_CENTRE[1] + TEMPLATE_AXES[1] * np.sin(t)]
        for t in np.linspace(0, 2 * np.pi, 36, endpoint=False)
    ],
    np.float32,
)

Mask = NDArray[np.bool_]


class Sample:
    """One face as the measures see it. Coordinates are px of the 112 x 112 aligned crop unless said otherwise."""

    def __init__(self, view: FaceView, mesh: FaceMesh | Failed) -> None:
        self.view = view
        self.presence = mesh.presence if isinstance(mesh, FaceMesh) else float("nan")
        self.mesh = mesh if isinstance(mesh, FaceMesh) and mesh.presence >= PRESENCE_NEEDED else None
        self.trouble = _trouble(mesh)

    @cached_property
    def points(self) -> Floats:
        """(468, 2): the mesh in the crop. Only where there is a mesh."""
        assert self.mesh is not None
        return apply(self.view.alignment, self.mesh.points[:, :2])

    @cached_property
    def hull(self) -> Floats:
        """(N, 2): the convex outline of the face; the template's oval where there is no mesh."""
        if self.mesh is None:
            return TEMPLATE_OVAL
        return np.asarray(cv2.convexHull(self.points)[:, 0], np.float32)

    @cached_property
    def face(self) -> Mask:
        """(112, 112): face, and within the picture."""
        return polygon(self.hull) & self.inside

    @cached_property
    def inside(self) -> Mask:
        """(112, 112): within the picture; outside of it the crop is black."""
        side = ALIGNED_SIDE
        corners = np.array([[0, 0], [side, 0], [0, side], [side, side]], np.float64)
        back = invert(self.view.alignment)
        if self._in_photo(apply(back, corners)).all():
            return np.ones((side, side), np.bool_)
        grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2) + 0.5
        return self._in_photo(apply(back, grid)).reshape(side, side)

    @cached_property
    def luminance(self) -> Floats:
        """(112, 112) float32, 0..255: luma (ITU-R BT.601)."""
        return np.asarray(cv2.cvtColor(self.view.aligned, cv2.COLOR_RGB2GRAY), np.float32)

    @cached_property
    def lab(self) -> Floats:
        """(112, 112, 3) float32 CIE L*a*b* (D65) of the crop, taken as sRGB and smoothed against grain."""
        return lab_of(np.asarray(cv2.GaussianBlur(self.view.aligned, (0, 0), 1.5), np.uint8))

    @cached_property
    def head(self) -> Floats:
        """(4, 2) px of the full photo: the head's corners, right top first, then clockwise in the image.

        The crown lies as far above the eyes as the chin below them (the classical proportion of an adult head); the
        width is that of the mesh, ear to ear.
        """
        assert self.mesh is not None
        points = self.mesh.points[:, :2]
        down = points[CHIN] - self.eye_centres[:, :2].mean(axis=0)
        right, left = points[RIGHT_SIDE], points[LEFT_SIDE]
        middle = (self.eye_centres[:, :2].mean(axis=0) + (right + left) / 2) / 2
        across = (left - right) / 2
        return np.stack([middle + a * across + b * down for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))])

    @cached_property
    def eye_centres(self) -> Floats:
        """(2, 3) px of the full photo, right then left: the middle between an eye's corners; z is 0 without a mesh."""
        if self.mesh is None:
            return np.column_stack([self.view.detection.landmarks[:2], np.zeros(2, np.float32)])
        points = self.mesh.points
        return np.stack([points[list(eye)].mean(axis=0) for eye in (RIGHT_EYE_CORNERS, LEFT_EYE_CORNERS)])

    def share_in_photo(self, points: Floats) -> float:
        """Share, 0..1, of `points` (N, 2), px of the full photo, that lie within it."""
        return float(self._in_photo(points).mean())

    def _in_photo(self, points: Floats) -> Mask:
        photo = self.view.photo
        return np.asarray(((points >= 0) & (points <= [photo.width, photo.height])).all(axis=-1), np.bool_)


def polygon(points: Floats, side: int = ALIGNED_SIDE) -> Mask:
    """(side, side): the pixels of a convex polygon (N, 2), continuous px."""
    mask = np.zeros((side, side), np.uint8)
    cv2.fillConvexPoly(mask, np.round(np.clip(points, -side, 2 * side) - 0.5).astype(np.int32), 1)
    return mask.view(np.bool_)


def lab_of(pixels: Pixels) -> Floats:
    """(H, W, 3) uint8 sRGB to float32 CIE L*a*b* (D65): L 0..100, a and b about -100..100."""
    return np.asarray(cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)


def _trouble(mesh: FaceMesh | Failed) -> str:
    if isinstance(mesh, Failed):
        return mesh.reason
    if mesh.presence < PRESENCE_NEEDED:
        return f"the mesh network hardly sees a face (belief {mesh.presence:.2f}, {PRESENCE_NEEDED:.2f} needed)."
    return "the face lies outside of the picture."
