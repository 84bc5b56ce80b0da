"""What counts as a blink, shut eyes, a yawn and looking away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mien.errors import SettingsError
from mien.record import Record

SignKind = Literal["blink", "eyes_shut", "yawn", "look_away", "look_back"]


@dataclass(frozen=True, slots=True)
class Sign(Record):
    """Something that was seen; what it means is not said.

    time_seconds: when it began. duration_seconds: how long it lasted, or has lasted so far. ended: False for
    `eyes_shut` and `look_away` at the moment when they become certain, so that nobody waits for the end of a long
    closure. Of `eyes_shut` a second one with the same `time_seconds`, its full duration and `ended` follows; of
    `look_away` a `look_back`, whose time is that of the return and whose duration is that of the absence.
    """

    kind: SignKind
    time_seconds: float
    duration_seconds: float
    ended: bool = True


@dataclass(frozen=True, slots=True)
class AttentionPolicy:
    """What counts as what; docs/attention.md has the measurements behind the numbers.

    window_seconds: what `window()` looks back on. blink_seconds: the shortest and the longest blink, from half shut to
    half open. eyes_shut_seconds: eyes shut for longer are a sign. yawn_seconds: a mouth wide open for longer is one.
    yawn_openness: what counts as wide open on a frontal face, as `FaceMesh.mouth_openness`.
    reference_yaw_degrees, reference_pitch_degrees: where to look, as the direction from the face, with the signs of
    `HeadPose`; 0, 0 is the camera. tolerance_degrees: how far head and gaze together may point off it.
    look_away_seconds: for how long they must, to be a sign. gaze: whether the eyes count, or the head alone.
    yaw_limit_degrees: beyond it eyes and mouth are not judged. pitch_down_limit_degrees: nor eyes of a head that looks
    down further, since lids follow the gaze. least_eye_px: nor eyes that are narrower, corner to corner.
    max_gap_seconds: what lies between two looks further apart was not observed. least_seconds: rates and shares are
    None while less was observed. Raises SettingsError for what cannot be.
    """

    window_seconds: float = 60.0
    blink_seconds: tuple[float, float] = (0.05, 0.5)
    eyes_shut_seconds: float = 1.0
    yawn_seconds: float = 1.5
    yawn_openness: float = 0.45
    reference_yaw_degrees: float = 0.0
    reference_pitch_degrees: float = 0.0
    tolerance_degrees: float = 25.0
    look_away_seconds: float = 2.0
    gaze: bool = True
    yaw_limit_degrees: float = 45.0
    pitch_down_limit_degrees: float = 12.0
    least_eye_px: float = 8.0
    max_gap_seconds: float = 0.5
    least_seconds: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        shortest, longest = self.blink_seconds
        wrong = {
            "window_seconds": self.window_seconds <= 0,
            "blink_seconds": not 0 <= shortest < longest,
            "eyes_shut_seconds": self.eyes_shut_seconds < longest,
            "yawn_seconds": self.yawn_seconds <= 0,
            "yawn_openness": not 0 < self.yawn_openness < 2,
            "tolerance_degrees": not 0 < self.tolerance_degrees < 180,
            "look_away_seconds": self.look_away_seconds <= 0,
            "yaw_limit_degrees": not 0 < self.yaw_limit_degrees <= 90,
            "max_gap_seconds": self.max_gap_seconds <= 0,
        }
        for name in (name for name, is_wrong in wrong.items() if is_wrong):
            raise SettingsError(
                f"AttentionPolicy.{name} cannot be {getattr(self, name)}.",
                "Durations and angles are above 0, blinks shorter than shut eyes.",
            )
