"""What attention comes to over a stretch of time."""

from __future__ import annotations

from dataclasses import dataclass

from mien.record import Record


@dataclass(frozen=True, slots=True)
class AttentionWindow(Record):
    """What was seen of eyes, mouth and head over the last `seconds`; named as it is, never as what it may mean.

    observed_seconds: of these, how long the eyes could be judged. blinks_per_minute, mean_blink_seconds: None where
    none or too little was observed. perclos: share of the observed time in which the eyes are at least 80 % shut, 0..1
    (Wierwille et al., 1994). eyes_shut_seconds: how long they have been shut now, 0 where they are open. yawns: how
    many ended within the window. towards: share of the time in which the head could be judged that head and gaze point
    to the reference. looking_away_seconds: how long they have pointed elsewhere by now, 0 where they do not. Rates and
    shares are None where less than 10 seconds could be judged.
    """

    seconds: float
    observed_seconds: float
    blinks_per_minute: float | None
    mean_blink_seconds: float | None
    perclos: float | None
    eyes_shut_seconds: float
    yawns: int
    towards: float | None
    looking_away_seconds: float
