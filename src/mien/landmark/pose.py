"""Head pose: the rotation between a mean face and the mesh's rigid points.

The rotation matrix of a pose is R = Rz(roll) Rx(pitch) Ry(yaw): it takes head axes to camera axes (x right, y down, z
away), right-handed, so that a point of the head h stands at R h. Turning the picture therefore changes roll alone, and
yaw may reach any angle; only at a pitch of 90 degrees do yaw and roll mean the same.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.face import Floats, HeadPose

Rotation = NDArray[np.float64]

# The mean face that is rotated onto the mesh: points that neither jaw, lips, lids nor brows move, of 1,739 meshes of
# LFW and FairFace photos, brought together by generalised Procrustes analysis and made symmetrical. Axes as above,
# unit: the distance between the outer corners of the eyes. Zero pitch is the median of the 811 of them with less than
# 10 degrees of yaw: a person who faces the camera as people do. Index of the point: y, z on the plane of symmetry.
MIDLINE: Final = {
    10: (-0.548, -0.190),
    151: (-0.380, -0.224),
    9: (-0.206, -0.247),
    168: (-0.037, -0.225),
    6: (0.050, -0.272),
    197: (0.127, -0.326),
    195: (0.199, -0.384),
    5: (0.275, -0.444),
    4: (0.367, -0.469),
    1: (0.436, -0.445),
    2: (0.500, -0.268),
}
# Index of the right half's point and of its twin on the left: x, y, z of the right one.
RIGHT_HALF: Final = {
    (33, 263): (-0.500, 0.006, 0.024),
    (133, 362): (-0.192, 0.023, -0.036),
    (98, 327): (-0.193, 0.473, -0.179),
    (129, 358): (-0.234, 0.398, -0.139),
    (127, 356): (-0.775, 0.039, 0.573),
    (234, 454): (-0.765, 0.190, 0.629),
    (21, 251): (-0.729, -0.244, 0.312),
    (162, 389): (-0.766, -0.118, 0.457),
    (54, 284): (-0.659, -0.362, 0.173),
    (103, 332): (-0.551, -0.455, 0.029),
    (67, 297): (-0.387, -0.515, -0.096),
    (109, 338): (-0.210, -0.543, -0.169),
    (116, 345): (-0.701, 0.182, 0.170),
    (117, 346): (-0.582, 0.184, 0.031),
    (50, 280): (-0.539, 0.351, -0.031),
}


def _mean_face() -> tuple[NDArray[np.intp], Rotation]:
    """Indices (N,) of the rigid points, and the mean face (N, 3) about its centroid."""
    middle = [(0.0, y, z) for y, z in MIDLINE.values()]
    right = list(RIGHT_HALF.values())
    left = [(-x, y, z) for x, y, z in right]
    index = [*MIDLINE, *(pair[0] for pair in RIGHT_HALF), *(pair[1] for pair in RIGHT_HALF)]
    face = np.array(middle + right + left)
    return np.array(index, np.intp), face - face.mean(axis=0)


RIGID, MEAN_FACE = _mean_face()


def rotation_matrix(pose: HeadPose) -> Rotation:
    """(3, 3): head to camera axes, Rz(roll) Rx(pitch) Ry(yaw); the inverse of `head_pose`."""
    (cy, cp, cr), (sy, sp, sr) = (
        turn(np.radians([pose.yaw_degrees, pose.pitch_degrees, pose.roll_degrees])) for turn in (np.cos, np.sin)
    )
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y, np.float64)


def head_pose(rotation: Rotation) -> HeadPose:
    """The angles of a (3, 3) rotation; yaw and roll in -180..180, pitch in -90..90 degrees."""
    return HeadPose(
        yaw_degrees=float(np.degrees(np.arctan2(-rotation[2, 0], rotation[2, 2]))),
        pitch_degrees=float(np.degrees(np.arcsin(np.clip(rotation[2, 1], -1, 1)))),
        roll_degrees=float(np.degrees(np.arctan2(-rotation[0, 1], rotation[1, 1]))),
    )


def head_rotation(points: Floats) -> Rotation:
    """(3, 3): head to camera axes, the best rotation of the mean face onto the rigid ones of `points` (468, 3).

    Solved in closed form (W. Kabsch, Acta Crystallographica A32, 1976).
    """
    seen = points[RIGID].astype(np.float64)
    u, _, vt = np.linalg.svd((seen - seen.mean(axis=0)).T @ MEAN_FACE)
    u[:, 2] *= np.sign(np.linalg.det(u @ vt))
    return np.asarray(u @ vt, np.float64)
