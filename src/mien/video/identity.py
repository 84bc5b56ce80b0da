"""Who a track is: its good shots fused into one probe, at the error rate of a single one or below."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Final

import numpy as np

from mien.errors import EmbeddingMismatch
from mien.face import Embedding, Floats
from mien.gallery.asking import Ask, named
from mien.gallery.errors import PersonUnknown
from mien.gallery.gallery import Gallery
from mien.gallery.identify import Identification, Who
from mien.gallery.people import PERSON_ID
from mien.video.moment import TrackIdentity

# Beyond, another shot of the same track adds next to nothing.
MOST_SHOTS: Final = 8
# Shots more alike than this are one moment, of which the best will do.
SAME_MOMENT: Final = 0.95
# A shot must be so much better than the worst one, on the scale of 0 to 100, to take its place.
BETTER: Final = 2.0
# Where quality was not measured, and at least: a weight of nothing would say nothing.
LEAST_QUALITY: Final = 1.0
# Consents begin and run out while a camera runs.
VALID_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class TrackShot:
    """vector: (D,) float32 of unit length. quality: 0..100."""

    vector: Floats
    quality: float


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """vector: (D,) float32 of unit length, the direction of the weighted mean. length: of that mean, 0..1; of shots."""

    vector: Floats
    length: float
    shots: int

    def counted(self, score: float) -> float:
        """The score that the calibration of single photos holds for.

        Averaging takes noise away, so that a stranger's likeness to somebody shows more: at the same score the mean of
        four photos is falsely matched up to 1.9 times as often as one. Times the square root of the mean's length it is
        0.5 to 0.8 times as often (docs/track.md).
        """
        return score * math.sqrt(self.length)


@dataclass(slots=True)
class _Track:
    shots: tuple[TrackShot, ...] = ()
    verdict: TrackIdentity | None = None
    # What the verdict rests on: shots, the gallery's last change, when it was asked.
    asked_shots: tuple[TrackShot, ...] = ()
    asked_seq: int = -1
    asked_at: float = field(default=-math.inf)


class IdentityJudge:
    """Collects the shots of tracks and asks a gallery about them; thread-safe.

    The gallery is asked again only where a track has a better or a further shot, or the gallery has changed, or a
    minute has passed.
    """

    def __init__(self, gallery: Gallery, ask: Ask | None = None) -> None:
        self._gallery, self._ask = gallery, ask or Ask()
        self._tracks: dict[int, _Track] = {}
        self._lock = Lock()

    def add(self, track: int, embedding: Embedding, quality: float) -> None:
        """Take in a look at a track's face; quality 0..100, NaN where it was not measured.

        Raises EmbeddingMismatch where it is not of the gallery's embedder.
        """
        model = self._gallery.info.model
        if embedding.model != model:
            raise EmbeddingMismatch(
                f"The gallery's templates are of {model}, the track's faces of {embedding.model}.",
                "Analyse the video with the gallery's embedder.",
            )
        shot = TrackShot(embedding.vector, max(quality, LEAST_QUALITY) if math.isfinite(quality) else LEAST_QUALITY)
        with self._lock:
            kept = self._tracks.setdefault(track, _Track())
            kept.shots = chosen(kept.shots, shot)

    def verdict(self, track: int) -> TrackIdentity | None:
        """Who the track is by now; None before its first shot.

        Raises CalibrationError where the gallery cannot answer at the rate asked for.
        """
        with self._lock:
            kept = self._tracks.get(track)
            if kept is None or not kept.shots:
                return None
            seq, now = self._gallery.records.seq(), time.monotonic()
            stale = kept.asked_shots is not kept.shots or kept.asked_seq != seq or now - kept.asked_at > VALID_SECONDS
            if kept.verdict is None or stale:
                kept.verdict = self._asked(kept.shots)
                kept.asked_shots, kept.asked_seq, kept.asked_at = kept.shots, seq, now
            return kept.verdict

    def forget(self, track: int) -> None:
        """Let go of a track's shots."""
        with self._lock:
            self._tracks.pop(track, None)

    def _asked(self, shots: Sequence[TrackShot]) -> TrackIdentity:
        probe = fused(shots)
        found = _corrected(self._gallery.identify_vectors(probe.vector[None], self._ask)[0], probe)
        best = max(one.quality for one in shots)
        if found.answer is Who.UNKNOWN and best < self._ask.min_quality:
            doubt = f"The quality of the best shot is {best:.0f} of 100: too poor to say that it is nobody."
            found = replace(found, answer=Who.INCONCLUSIVE, reasons=(doubt, *found.reasons))
        mentions = set(PERSON_ID.findall(" ".join(found.reasons)))
        names = self._names(mentions | {found.person_id or ""} - {""})
        person = found.person_id if found.answer is Who.PERSON else None
        return TrackIdentity(
            answer=found.answer.value,
            person_id=person,
            name=names.get(person) if person else None,
            score=found.score,
            fpir=found.asked_fpir,
            shots=probe.shots,
            reasons=tuple(named(one, names) for one in found.reasons),
            mentions=tuple(sorted(mentions & names.keys())),
        )

    def _names(self, people: Iterable[str]) -> dict[str, str]:
        names = {}
        for one in people:
            # Whoever was removed a moment ago has none.
            with suppress(PersonUnknown):
                names[one] = self._gallery.records.person(one).profile.name
        return names


def chosen(shots: tuple[TrackShot, ...], new: TrackShot) -> tuple[TrackShot, ...]:
    """The shots to keep of those kept so far and a new one; the very same tuple where the new one adds nothing.

    Of one moment the best stays; beyond `MOST_SHOTS` a clearly better one takes the place of the worst.
    """
    for place, old in enumerate(shots):
        if float(old.vector @ new.vector) >= SAME_MOMENT:
            return (*shots[:place], new, *shots[place + 1 :]) if new.quality > old.quality + BETTER else shots
    if len(shots) < MOST_SHOTS:
        return (*shots, new)
    worst = min(range(len(shots)), key=lambda place: shots[place].quality)
    if new.quality <= shots[worst].quality + BETTER:
        return shots
    return (*shots[:worst], *shots[worst + 1 :], new)


def fused(shots: Sequence[TrackShot]) -> Fused:
    """The mean of shots, weighted by their quality."""
    weights = np.array([one.quality for one in shots], np.float32)
    mean = np.asarray(weights / weights.sum() @ np.stack([one.vector for one in shots]), np.float32)
    length = float(np.linalg.norm(mean))
    # Shots that cancel each other out are like nobody: any of them will do, and its score counts for nothing.
    vector = mean / length if length > 1e-6 else shots[0].vector
    return Fused(np.asarray(vector, np.float32), min(1.0, length), len(shots))


def _corrected(found: Identification, probe: Fused) -> Identification:
    """The answer at the score that counts."""
    if found.score is None:
        return found
    score = probe.counted(found.score)
    found = replace(found, score=score)
    if found.threshold is None or found.answer is Who.UNKNOWN or score >= found.threshold:
        return found
    reason = (
        f"Fused of {probe.shots} shots, the score counts as {score:.3f} only, below {found.threshold:.3f}:"
        " averaging makes strangers more alike, too."
    )
    return replace(found, answer=Who.UNKNOWN, person_id=None, reasons=(*found.reasons, reason))
