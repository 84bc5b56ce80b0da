"""Where head and gaze point together, against a reference."""

from __future__ import annotations

from math import acos, cos, degrees, radians, sin
from typing import Final

from mien.face import HeadPose

Vector = tuple[float, float, float]
STRAIGHT: Final = (0.0, 0.0)


def direction(yaw_degrees: float, pitch_degrees: float) -> Vector:
    """A unit vector with the axes and signs of `HeadPose`; (0, 0) points into the lens."""
    yaw, pitch = radians(yaw_degrees), radians(pitch_degrees)
    return -sin(yaw) * cos(pitch), sin(pitch), -cos(yaw) * cos(pitch)


def sight(pose: HeadPose, gaze: tuple[float, float] = STRAIGHT) -> Vector:
    """The unit vector in camera axes along which the face looks; gaze: yaw and pitch in degrees against the head."""
    x, y, z = direction(*gaze)
    x, z = _turn(x, z, -pose.yaw_degrees)
    y, z = _turn(y, z, pose.pitch_degrees)
    x, y = _turn(x, y, pose.roll_degrees)
    return x, y, z


def angle_degrees(one: Vector, other: Vector) -> float:
    """Between two unit vectors, 0..180."""
    cosine = sum(a * b for a, b in zip(one, other, strict=True))
    return degrees(acos(min(max(cosine, -1.0), 1.0)))


def _turn(a: float, b: float, angle: float) -> tuple[float, float]:
    c, s = cos(radians(angle)), sin(radians(angle))
    return c * a - s * b, s * a + c * b
