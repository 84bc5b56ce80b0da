"""Whose face may stay bare: only where the gallery is sure of it, all along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from mien.align.view import FaceView
from mien.analyze import Networks
from mien.decide.subject import MIN_QUALITY
from mien.detect.rows import detection
from mien.errors import SettingsError
from mien.face import Embedding, Floats, Quality
from mien.gallery.asking import Ask
from mien.gallery.errors import GalleryModel
from mien.gallery.gallery import Gallery
from mien.gallery.identify import IdentifyPolicy
from mien.image import Photo
from mien.redact.link import Sight, Stretch
from mien.redact.policy import RedactPolicy
from mien.video.identity import IdentityJudge
from mien.video.moment import TrackIdentity

# Fewer good shots prove nothing in a video; in a photo there is but one.
LEAST_SHOTS: Final = 2
# How often a face is looked at, and how far from a shot that speaks for it a face may stay bare.
EVERY_SECONDS: Final = 0.2
NEAR_SECONDS: Final = 0.5
# What clocks round off.
SLIP_SECONDS: Final = 1e-3
# A weaker or smaller face is not looked at: it proves nothing.
LOOK_SCORE: Final = 0.6
LOOK_PX: Final = 32.0
# The false match rate of single shots whose threshold tells like from unlike.
SHOT_FMR: Final = 1e-2
FOR, NEITHER, AGAINST = 1, 0, -1


@dataclass(frozen=True, slots=True)
class Shot:
    """What one look at a face says about leaving it bare: FOR, NEITHER or AGAINST."""

    time_seconds: float
    sign: int


@dataclass(slots=True)
class Verdict:
    """What was decided on a stretch. bare: for each of its sights. name: whose face it is, where that is known."""

    bare: list[bool]
    name: str | None = None


@dataclass(slots=True)
class Keeper:
    """Decides which sights of a stretch stay bare; asks one gallery. For one thread.

    `keep`: the gallery says, of all good shots of the stretch together and at the rate asked for, that it is one of the
    people; no good shot is unlike that person; and shots that are like the person lie within half a second. `only`: the
    gallery says that it is none of the people, no shot at all is like them, and good shots lie within half a second.
    """

    gallery: Gallery
    networks: Networks
    policy: RedactPolicy
    least_shots: int = LEAST_SHOTS
    _people: dict[str, tuple[str, Floats]] = field(default_factory=dict)
    _signs: dict[int, dict[str, list[Shot]]] = field(default_factory=dict)
    _like: float = 0.0
    _judge: IdentityJudge | None = None

    def __post_init__(self) -> None:
        """Raises PersonUnknown, and SettingsError for a person without a face.

        Raises GalleryModel for a gallery without a calibration, CalibrationError for a rate that it does not support.
        """
        if self.gallery.calibration is None:
            raise GalleryModel(
                f"No calibration is for {self.gallery.info.model}: nobody can be known for sure.",
                "Build one with `mien calibrate`.",
            )
        for text in self.policy.keep or self.policy.only:
            person = self.gallery.person(text)
            known = self.gallery.templates(person.id)
            if not known:
                raise SettingsError(f"{person.profile.name} has no face in the gallery.", "Enrol photos first.")
            templates = np.stack([one.vector for one in known])
            self._people[person.id] = person.profile.name, templates
        self._like = self.gallery.calibration.threshold(SHOT_FMR)
        ask = Ask(IdentifyPolicy(self.policy.fpir))
        self.gallery.identify_vectors(np.zeros((0, templates.shape[1]), np.float32), ask)  # is the rate supported?
        self._judge = IdentityJudge(self.gallery, ask)

    def look(self, stretch: Stretch, photo: Photo) -> None:
        """Look at the last sight of a stretch, if it is worth it."""
        sight = stretch.sights[-1]
        if not self._due(stretch.number, sight):
            return
        view = FaceView(photo, detection(sight.row))
        embed, landmark = self.networks.embed, self.networks.landmark
        if embed is None or landmark is None:
            raise SettingsError("The gallery's analyzer lacks quality or embed.", "Let the gallery load its own.")
        embedding = embed([view])[0]
        if not isinstance(embedding, Embedding):
            return
        measured = self.networks.measure(view, landmark([view])[0])
        quality = measured.score if isinstance(measured, Quality) else 0.0
        for person, (_, templates) in self._people.items():
            like = float((templates @ embedding.vector).max()) >= self._like
            shot = Shot(sight.time_seconds, self._sign(like, quality >= MIN_QUALITY))
            self._signs.setdefault(stretch.number, {}).setdefault(person, []).append(shot)
        if quality >= MIN_QUALITY and self._judge:
            self._judge.add(stretch.number, embedding, quality)

    def verdict(self, stretch: Stretch) -> Verdict:
        """To be asked once, after the last frame."""
        signs = self._signs.pop(stretch.number, {})
        said = self._judge.verdict(stretch.number) if signs and self._judge else None
        if self._judge:
            self._judge.forget(stretch.number)
        shots = self._speaking(said, signs) if said else None
        if shots is None:
            return Verdict([False] * len(stretch.sights))
        name = said.name if said else None
        good = [shot.time_seconds for shot in shots if shot.sign == FOR]
        if len(good) < self.least_shots:
            return Verdict([False] * len(stretch.sights))
        return Verdict([not one.touched and _near(one.time_seconds, good) for one in stretch.sights], name)

    def _due(self, number: int, sight: Sight) -> bool:
        if sight.touched or sight.row[14] < LOOK_SCORE or min(sight.row[2:4]) < LOOK_PX:
            return False
        before = next((shots[-1].time_seconds for shots in self._signs.get(number, {}).values()), -np.inf)
        return bool(sight.time_seconds - before >= EVERY_SECONDS - SLIP_SECONDS)

    def _sign(self, like: bool, good: bool) -> int:
        if self.policy.keep:
            return FOR if like else AGAINST if good else NEITHER
        return AGAINST if like else FOR if good else NEITHER

    def _speaking(self, said: TrackIdentity, signs: dict[str, list[Shot]]) -> list[Shot] | None:
        """The shots that let a face stay bare; None where it is covered."""
        if self.policy.keep:
            shots = signs.get(said.person_id or "", []) if said.answer == "person" else []
            return shots if shots and all(one.sign != AGAINST for one in shots) else None
        sure = said.answer in ("person", "unknown") and said.person_id not in self._people
        clear = sure and all(one.sign != AGAINST for shots in signs.values() for one in shots)
        return next(iter(signs.values())) if clear else None


def _near(time_seconds: float, good: Sequence[float]) -> bool:
    """Whether shots that speak for it lie near on both sides; on one side alone, so near that no other look was due."""
    if not good:
        return False
    before = [one for one in good if one <= time_seconds]
    after = [one for one in good if one >= time_seconds]
    if before and after:
        return max(time_seconds - max(before), min(after) - time_seconds) <= NEAR_SECONDS
    return min(abs(time_seconds - one) for one in good) <= EVERY_SECONDS + SLIP_SECONDS
