"""Photos of one person in, templates out: each is judged on its own, then beside the person's others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.align.view import FaceView
from mien.analyze import Analyzer
from mien.decide.calibration import Calibration
from mien.decide.subject import subject_of
from mien.errors import DataError, ImageError
from mien.face import Embedding, Face, Floats, Quality
from mien.gallery.gate import Admission
from mien.gallery.people import Negative, Template
from mien.image import ImageLimits, Source, encode_image, open_photo
from mien.image.folder import photos_in
from mien.record import Record

# Photos of one person score below this rate's score in about one of a hundred pairs, those of strangers in 99.
UNLIKE_FMR: Final = 1e-2
# A copy of a photo scores 1. Higher than what the doctor reports, as the photo is refused here; chosen, not measured.
COPY_SCORE: Final = 0.99
SURPLUS: Final = "It is fit, and not needed: the person has as many better or more different ones as the policy keeps."


@dataclass(frozen=True, slots=True)
class Allow(Record):
    """What an operator has looked at and lets pass.

    duplicate: somebody enrolled looks like the person. unlike: photos do not look like the person's others.
    """

    duplicate: bool = False
    unlike: bool = False


@dataclass(frozen=True, slots=True)
class JudgedPhoto(Record):
    """What became of one photo.

    kept: whether a template of it is stored. reasons: why it is refused. notes: what to know.
    code: `ok`; `surplus` for a fit one that is not stored because better ones are; `unfit`, `duplicate`, `unlike`,
    `no-single-face` or an image error's for one that is refused. lookalikes: ids of people whom it looks like.
    """

    source: str
    kept: bool
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    code: str = "ok"
    lookalikes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Enrolment(Record):
    """What became of a person's photos. person_id: None where not one was fit; then nothing is stored."""

    name: str
    person_id: str | None
    photos: tuple[JudgedPhoto, ...]

    @property
    def n_kept(self) -> int:
        """How many templates were stored."""
        return sum(photo.kept for photo in self.photos)


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A photo on its way: the template it would give, None where something speaks against it."""

    judged: JudgedPhoto
    template: Template | None = None


@dataclass(frozen=True, slots=True)
class PhotoJudge:
    """Analyses and judges photos one by one. judge: what the gate says of a face. keep_crops: as the policy has it."""

    analyzer: Analyzer
    limits: ImageLimits
    judge: Callable[[Face], Admission]
    keep_crops: bool

    def __call__(self, photos: Iterable[Source]) -> list[Candidate]:
        """A photo that cannot be read is one that is refused."""
        return [self._one(photo, name_of(photo, number)) for number, photo in enumerate(photos, 1)]

    def _one(self, source: Source, name: str) -> Candidate:
        try:
            photo = open_photo(source, self.limits)
            analysis = self.analyzer.analyze(photo)
        except ImageError as error:
            return Candidate(JudgedPhoto(name, False, (str(error),), code=error.code))
        subject = subject_of(analysis.faces)
        if subject.face is None or subject.doubts:
            return Candidate(JudgedPhoto(name, False, subject.doubts, code="no-single-face"))
        admission = self.judge(subject.face)
        view = FaceView(photo, subject.face.detection)
        crop = encode_image(view.aligned, ".jpg") if self.keep_crops and admission.accepted else None
        return candidate_of(subject.face, name, admission, subject.notes, crop)


def candidate_of(
    face: Face, name: str, admission: Admission, notes: tuple[str, ...] = (), crop: bytes | None = None
) -> Candidate:
    """The template of a face that was judged already, such as one of a track."""
    notes += admission.notes
    alike = tuple(one.person_id for one in admission.lookalikes)
    if not admission.accepted or not isinstance(face.embedding, Embedding):
        code = "duplicate" if admission.lookalikes else "unfit"
        return Candidate(JudgedPhoto(name, False, admission.reasons, notes, code, alike))
    quality = face.quality.score if isinstance(face.quality, Quality) else float("nan")
    template = Template(face.embedding.vector, quality, name, datetime.now(UTC), crop)
    return Candidate(JudgedPhoto(name, True, (), notes, lookalikes=alike), template)


def without_strangers(
    candidates: Sequence[Candidate], known: Sequence[Template], calibration: Calibration | None
) -> list[Candidate]:
    """Refuse photos that are not of the person as whom they are given.

    Photos that look alike make a group. Those of a group with a known template pass; where none is known, those of the
    one largest group. Of two photos that do not look alike nobody can say which is right: both are refused.
    """
    fit = [one.template.vector for one in candidates if one.template]
    if calibration is None or len(fit) + len(known) < 2:
        return list(candidates)
    threshold = calibration.threshold(max(UNLIKE_FMR, calibration.smallest_fmr))
    vectors = np.stack([*fit, *(one.vector for one in known)])
    scores = vectors @ vectors.T
    groups = _groups(scores >= threshold)
    right = set(groups[len(fit) :]) if known else _largest(groups)
    alien = np.where(np.equal.outer(groups, groups), -1.0, scores)
    places = iter(range(len(fit)))
    return [
        one if one.template is None or groups[at := next(places)] in right else _unlike(one, alien[at], threshold)
        for one in candidates
    ]


def without_copies(
    candidates: Sequence[Candidate], known: Sequence[Template], wrong: Sequence[Negative] = ()
) -> list[Candidate]:
    """Refuse photos that are stored already, and those that a correction says are not the person's."""
    seen = [(one.vector, f"It is the photo of template {one.id}, stored already.") for one in known]
    seen += [(one.vector, f"Correction {one.id} says that this is not the person.") for one in wrong]
    found = []
    for one in candidates:
        if one.template is not None:
            vector = one.template.vector
            reason = next((why for other, why in seen if float(other @ vector) >= COPY_SCORE), None)
            seen.append((vector, f"It is the same photo as {one.judged.source}."))
            if reason:
                one = Candidate(replace(one.judged, kept=False, reasons=(reason,), code="copy"))
        found.append(one)
    return found


def _groups(linked: NDArray[np.bool_]) -> list[int]:
    """The number of each photo's group: the first of all photos that links lead to."""
    groups = np.arange(len(linked))
    while True:
        lowest = np.where(linked | np.eye(len(linked), dtype=bool), groups, len(linked)).min(axis=1)
        if np.array_equal(lowest, groups):
            return [int(one) for one in groups]
        groups = lowest


def _largest(groups: Sequence[int]) -> set[int]:
    """The group with the most photos; none where two are as large."""
    ranked = Counter(groups).most_common(2)
    return {ranked[0][0]} if len(ranked) == 1 or ranked[0][1] > ranked[1][1] else set()


def _unlike(one: Candidate, others: Floats, threshold: float) -> Candidate:
    reason = (
        f"It does not look like the person's other photos: the closest of {int((others > -1).sum())} scores"
        f" {others.max():.3f}, and one in a hundred strangers reaches {threshold:.3f}."
    )
    return Candidate(replace(one.judged, kept=False, reasons=(reason,), code="unlike"))


def outcome(candidates: Sequence[Candidate], stored: Sequence[Template]) -> tuple[JudgedPhoto, ...]:
    """What became of each photo, once it is known which templates are stored."""
    kept = {id(one) for one in stored}
    return tuple(
        one.judged
        if one.template is None or id(one.template) in kept
        else replace(one.judged, kept=False, notes=(*one.judged.notes, SURPLUS), code="surplus")
        for one in candidates
    )


def name_of(photo: Source, number: int) -> str:
    """What a photo is called in reports: a path as it is, anything else by its number."""
    # A file's name may hold bytes that are no text, which neither JSON nor the gallery takes.
    return str(photo).encode(errors="backslashreplace").decode() if isinstance(photo, str | Path) else f"photo {number}"


def folders_of_people(folder: Path) -> list[tuple[str, list[Path]]]:
    """One folder a person, named by it (underscores are spaces), by name; those that begin with `_` or `.` are none.

    Raises DataError where there is none.
    """
    inside = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    inside = [path for path in inside if path.name[0] not in "_."]
    found = [(one.name.replace("_", " "), photos) for one in inside if (photos := photos_in(one))]
    if not found:
        raise DataError(f"{folder} has no folders with photos.", "Make one folder a person, named by the person.")
    return found
