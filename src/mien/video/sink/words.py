"""What sinks say of a face, a track or a time, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mien.attention.window import AttentionWindow
from mien.face import Expression, Failed, NotAsked
from mien.video.moment import TrackedFace, TrackIdentity

LONGEST_NAME = 40
# Shorter than this is a blink, or a glance.
EYES_SHUT_SECONDS = 0.5
AWAY_SECONDS = 1.0
COLOURS = (
    (205, 170, 130),
    (86, 180, 233),
    (240, 170, 60),
    (0, 200, 150),
    (235, 125, 170),
    (240, 220, 70),
    (180, 150, 250),
    (140, 215, 90),
    (255, 135, 100),
    (90, 210, 220),
)

SIGNS: Mapping[str, str] = {
    "blink": "blink",
    "eyes_shut": "eyes shut",
    "yawn": "yawn",
    "look_away": "looking away",
    "look_back": "looking back",
}


def one_line(text: str, longest: int = LONGEST_NAME) -> str:
    """Text from outside on one line, without characters that control, cut to `longest` characters."""
    line = " ".join("".join(one if one.isprintable() or one in "\u200c\u200d" else " " for one in text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def name_of(identity: TrackIdentity | NotAsked | None) -> str | None:
    """The name of a person who was recognised, or their id where they have no name; None for everybody else."""
    if not isinstance(identity, TrackIdentity) or identity.answer != "person":
        return None
    return one_line(identity.name or identity.person_id or "") or None


def title_of(track: int, identity: TrackIdentity | NotAsked | None) -> str:
    """`3 Anna`, or `3`."""
    name = name_of(identity)
    return f"{track} {name}" if name else str(track)


def expression_of(face: TrackedFace) -> Expression | None:
    """What the face appears to show by everything up to now, or by this frame alone where nobody asked for more."""
    for one in (face.expression, face.face.expression):
        if not isinstance(one, NotAsked | Failed):
            return one
    return None


def signs_of(attention: AttentionWindow | NotAsked) -> list[str]:
    """What lasts now: `eyes shut 1.8 s`, `looking away 2.3 s`."""
    if isinstance(attention, NotAsked):
        return []
    now = []
    if attention.eyes_shut_seconds >= EYES_SHUT_SECONDS:
        now.append(f"eyes shut {attention.eyes_shut_seconds:.1f} s")
    if attention.looking_away_seconds >= AWAY_SECONDS:
        now.append(f"looking away {attention.looking_away_seconds:.1f} s")
    return now


def clock(seconds: float) -> str:
    """`0:07.4`, `12:03.0` or `1:02:03.0`."""
    tenths = max(0, round(seconds * 10))
    hours, rest = divmod(tenths, 36_000)
    minutes, rest = divmod(rest, 600)
    head = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{head}:{rest // 10:02}.{rest % 10}"


def duration(seconds: float) -> str:
    """`7.4 s`, `12 min 3 s` or `1 h 2 min`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 person`, `3 people`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def colour_of(track: int) -> tuple[int, int, int]:
    """RGB of a track, the same in every sink: light enough for dark letters; neighbours in number differ clearly."""
    return COLOURS[track % len(COLOURS)]


def detail_of(kind: str, detail: Mapping[str, Any]) -> str:
    """What there is to say of an event beyond its kind, in words; empty where there is nothing."""
    if kind == "expression":
        was = detail.get("was")
        return f"{detail.get('label')}, before {was}" if was else str(detail.get("label"))
    if kind == "identity":
        answer = str(detail.get("answer", ""))
        return one_line(str(detail.get("name") or detail.get("person_id"))) if answer == "person" else answer
    if detail.get("returned"):
        return "again"
    seconds = detail.get("duration_seconds")
    if not isinstance(seconds, int | float):
        return ""
    before = "after" if kind == "look_back" else "for"
    return f"{before} {duration(seconds)}" + ("" if detail.get("ended", True) else " or longer")
