"""Profiles: which measures a purpose needs, and their limits, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

OWN: Final = "mien: docs/quality.md"
STANDARD: Final = "ISO/IEC 39794-5 (portrait of a machine-readable travel document)"


@dataclass(frozen=True, slots=True)
class Limit:
    """A measure is good from `low` to `high`, in the measure's unit (None: no limit on that side).

    source: who says so.
    """

    measure: str
    low: float | None
    high: float | None
    source: str = OWN


@dataclass(frozen=True, slots=True)
class Profile:
    """What a purpose asks of a face. An own one: `Profile("mine", (Limit("inter_eye_distance", 80, None), ...))`."""

    name: str
    limits: tuple[Limit, ...]


DOOR: Final = Profile(
    "door",
    (
        Limit("face_presence", 0.5, None),
        Limit("inter_eye_distance", 60, None),
        Limit("sharpness", 15, 90),
        Limit("blocks", None, 40),
        Limit("luminance", 12, 90),
        Limit("contrast", 12, None),
        Limit("under_exposure", None, 50),
        Limit("over_exposure", None, 20),
        Limit("illumination_uniformity", 50, None),
        Limit("yaw", -30, 30),
        Limit("pitch", -25, 25),
        Limit("roll", -35, 35),
        Limit("eyes_open", 0.12, None),
        Limit("mouth_closed", None, 0.5),
        Limit("uncovered", 60, None),
        Limit("face_in_picture", 99, None),
        Limit("head_in_picture", 90, None),
    ),
)
"""A face at a door or a kiosk: the person cooperates, the camera is so-so."""

DOCUMENT: Final = Profile(
    "document",
    (
        Limit("face_presence", 0.5, None),
        Limit("inter_eye_distance", 90, None, STANDARD),
        Limit("sharpness", 20, 70),
        Limit("fine_sharpness", 12, None),
        Limit("blocks", None, 20),
        Limit("luminance", 20, 80),
        Limit("contrast", 20, None),
        Limit("under_exposure", None, 20),
        Limit("over_exposure", None, 5),
        Limit("illumination_uniformity", 70, None),
        Limit("yaw", -5, 5, STANDARD),
        Limit("pitch", -5, 5, STANDARD),
        Limit("roll", -8, 8, STANDARD),
        Limit("eyes_open", 0.2, None),
        Limit("mouth_closed", None, 0.05),
        Limit("uncovered", 80, None),
        Limit("face_in_picture", 100, None),
        Limit("head_in_picture", 100, None),
        Limit("head_length", 60, 90, STANDARD),
        Limit("head_width", 50, 75, STANDARD),
        Limit("head_centre_x", 45, 55, STANDARD),
        Limit("head_centre_y", 30, 50, STANDARD),
        Limit("background_unevenness", None, 10),
        Limit("natural_colour", None, 5),
    ),
)
"""The portrait of a passport or an identity card."""

PROFILES: Final = {profile.name: profile for profile in (DOOR, DOCUMENT)}
