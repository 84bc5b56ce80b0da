"""Which face of a photo is the one meant, and whether it is fit to decide upon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mien.face import Box, Embedding, Face, Failed, NotAsked, Quality

# A face at least this many times as large in area as the next one is what the photo shows; else it is a group.
DOMINANT_AREA: Final = 4.0

# Quality is the similarity to be expected, in % of a faultless photo's. At half of it a person's own photos mostly fall
# below the threshold for one in 10,000 (0.44 against 0.69 on average), and `no match` would say nothing.
MIN_QUALITY: Final = 50.0


@dataclass(frozen=True, slots=True)
class Subject:
    """The largest face of a photo, None where there is none; what speaks against its being meant; what to know anyway.

    doubts and notes are sentences for people.
    """

    face: Face | None
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def subject_of(faces: Sequence[Face], photo: str = "photo", use: str = "taken") -> Subject:
    """Choose among the faces of `Analysis.faces`, the largest first.

    Clearly meant is the only face, or one at least four times as large in area as the next. photo: what to call it,
    such as `first photo`. use: what becomes of the face, such as `compared`.
    """
    if not faces:
        return Subject(None, (f"No face was found in the {photo}.",))
    if len(faces) == 1:
        return Subject(faces[0])
    chosen = f"The {photo} shows {len(faces)} faces; the largest was {use} ({_where(faces[0].detection.box)})."
    if _area(faces[0]) >= DOMINANT_AREA * _area(faces[1]):
        return Subject(faces[0], (), (chosen,))
    unclear = f"{chosen} It is not clear that it is the one meant: crop the photo to one person."
    return Subject(faces[0], (unclear,))


def unfit(face: Face, min_quality: float = MIN_QUALITY, photo: str = "") -> tuple[str, ...]:
    """What speaks against deciding on a face: no embedding, or a quality that is unknown or below `min_quality`.

    min_quality: 0..100. photo: where the face is, such as `first photo`. Empty where nothing does.
    """
    name = f"face in the {photo}" if photo else "face"
    doubts: tuple[str, ...] = ()
    if not isinstance(face.embedding, Embedding):
        doubts = (f"The {name} has no embedding: {_why(face.embedding)}",)
    quality = face.quality
    if not isinstance(quality, Quality):
        return (*doubts, f"The quality of the {name} is unknown: {_why(quality)}")
    if quality.score >= min_quality:
        return doubts
    failing = "; ".join(measure.reason for measure in quality.measures if not measure.passed)
    said = f"{quality.score:.0f} of 100, {min_quality:.0f} needed"
    return (*doubts, f"The {name} is too poor ({said}): {failing or 'see its measures'}.")


def _why(missing: NotAsked | Failed) -> str:
    return missing.reason if isinstance(missing, Failed) else "it was not asked for."


def _area(face: Face) -> float:
    return face.detection.box.width * face.detection.box.height


def _where(box: Box) -> str:
    return f"{box.width:.0f} x {box.height:.0f} px at {box.x:.0f},{box.y:.0f}"
