"""Similarity transforms (rotation, one scale, shift) between the image and a network's crop.

All matrices are (2, 3) float64 and map continuous pixel coordinates of the full image, origin at the top-left corner of
the top-left pixel, to those of the crop.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]

# The five points of the ArcFace crop, 112 x 112 (Deng et al., ArcFace, CVPR 2019, public code): right eye, left eye,
# nose tip, right and left mouth corner. They count pixel centres as integers, hence the half pixel.
ARCFACE_112 = (
    np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]) + 0.5
)


def fit_similarity(source: ArrayLike, target: ArrayLike) -> Matrix:
    """The similarity without mirroring that maps `source` (N, 2) to `target` (N, 2) with least squared error.

    The closed form of S. Umeyama, IEEE TPAMI 13(4), 1991, which in the plane is one complex division. Points that all
    coincide give the zero scale; callers see that as a crop of nothing.
    """
    a, b = np.asarray(source, np.float64), np.asarray(target, np.float64)
    a_mean, b_mean = a.mean(axis=0), b.mean(axis=0)
    za, zb = (a - a_mean) @ [1, 1j], (b - b_mean) @ [1, 1j]
    spread = float(np.vdot(za, za).real)
    turn = complex(np.vdot(za, zb)) / spread if spread > 0 else 0j
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, b_mean - linear @ a_mean])


def centred_square(centre: tuple[float, float], side: float, angle_degrees: float, size: int) -> Matrix:
    """The transform of a square region to a crop of `size` x `size`.

    centre: of the region, px; side: its length, px; angle_degrees: how far it is turned clockwise in the image.
    """
    scale = size / side
    angle = np.deg2rad(angle_degrees)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.array([[cos, sin], [-sin, cos]])
    return np.column_stack([linear, size / 2 - linear @ np.asarray(centre)])


def scale_of(matrix: Matrix) -> float:
    """Crop pixels per image pixel."""
    return float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))


def invert(matrix: Matrix) -> Matrix:
    """The transform back, from the crop to the image."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def apply(matrix: Matrix, points: ArrayLike) -> NDArray[np.float32]:
    """Map `points` (N, 2)."""
    return np.asarray(np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2], np.float32)
