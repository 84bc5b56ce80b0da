"""What is covered, with what, and how sure mien must be to leave a face bare."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from mien.errors import SettingsError
from mien.record import Record

HOWS: Final = ("solid", "avatar", "blur", "mosaic")
AUDIO: Final = ("keep", "drop")
LARGEST_MARGIN: Final = 3.0


@dataclass(frozen=True, slots=True)
class RedactPolicy(Record):
    """Everything that may be a face is covered, but for whom `keep` or `only` surely leave bare.

    how: solid, avatar, blur or mosaic. keep: people of the gallery (id, external id or name) whose faces stay bare;
    everybody else is covered. only: people who are covered, with whoever could be one of them; everybody else stays
    bare. margin: how far a cover reaches beyond the face's box on each side, in the box's own width and height. audio:
    keep or drop. fpir: the false positive identification rate, 0..1, at which a person counts as known.

    min_face_px: width of the smallest faces that are searched for, px. min_score: 0..1, whatever the detector believes
    in as much is covered. linger_seconds: how long a cover stays where a face was before its first and after its last
    sight. bridge_seconds: the longest gap between two sights that is covered throughout.
    """

    how: str = "solid"
    keep: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    margin: float = 0.25
    audio: str = "keep"
    fpir: float = 1e-3
    min_face_px: float = 16.0
    min_score: float = 0.3
    linger_seconds: float = 1.0
    bridge_seconds: float = 3.0


def check(policy: RedactPolicy) -> RedactPolicy:
    """The policy itself. Raises SettingsError for a value that it cannot have."""
    _choice("how", policy.how, HOWS)
    _choice("audio", policy.audio, AUDIO)
    if policy.keep and policy.only:
        raise SettingsError("--keep and --only exclude each other.", "Say who stays bare, or who is covered.")
    _within("margin", policy.margin, 0.0, LARGEST_MARGIN)
    _within("fpir", policy.fpir, 1e-9, 0.5)
    _within("min_face_px", policy.min_face_px, 8.0, 1000.0)
    _within("min_score", policy.min_score, 0.05, 0.9)
    _within("linger_seconds", policy.linger_seconds, 0.0, 60.0)
    _within("bridge_seconds", policy.bridge_seconds, 0.0, 60.0)
    return policy


def _choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise SettingsError(f"{name} cannot be {value!r}.", f"Choose of: {', '.join(choices)}.")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not math.isfinite(value) or not low <= value <= high:
        raise SettingsError(f"{name} cannot be {value:g}.", f"Give a number from {low:g} to {high:g}.")
