"""Two photos: the same person or not, at the error rate asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from mien.analyze import Analyzer
from mien.decide.calibration import Calibration
from mien.decide.verify import DEFAULT_FMR, Answer, Decision, compare, inconclusive
from mien.errors import SettingsError
from mien.face import Analysis, Embedding, Face, Failed, Quality
from mien.image import Source
from mien.record import Record

# A face at least this many times as large in area as the next one is what the photo shows; else it is a group.
DOMINANT_AREA: Final = 4.0

# Quality is the similarity to be expected, in % of a faultless photo's. At half of it a person's own photos mostly fall
# below the threshold for one in 10,000 (0.44 against 0.69 on average), and `no match` would say nothing.
MIN_QUALITY: Final = 50.0


@dataclass(frozen=True, slots=True, eq=False)
class Comparison(Record):
    """The decision, both analyses, and which face of each was compared (its index, None where none could be)."""

    decision: Decision
    first: Analysis
    second: Analysis
    first_face: int | None
    second_face: int | None


@dataclass(frozen=True, slots=True)
class ComparePolicy:
    """fmr: the false match rate asked for, 0..1. min_quality: a face with a lower score is not decided upon."""

    fmr: float = DEFAULT_FMR
    min_quality: float = MIN_QUALITY


class Comparer:
    """Compares photos through one Analyzer, which must have the stages quality and embed."""

    def __init__(
        self, analyzer: Analyzer, calibration: Calibration | None = None, policy: ComparePolicy | None = None
    ) -> None:
        if analyzer.embedding_model is None or not analyzer.measures_quality:
            raise SettingsError("Comparing needs the stages quality and embed.", "Analyzer() has both by default.")
        self._analyzer = analyzer
        self._calibration = calibration or Calibration.for_model(analyzer.embedding_model, analyzer.settings)
        self.policy = policy or ComparePolicy()

    def __call__(self, first: Source, second: Source) -> Comparison:
        """Analyse both photos and decide on the one face that each shows. Raises an ImageError.

        Inconclusive, never an error: no face, several faces of similar size, or too poor a quality.
        """
        analyses = self._analyzer.analyze(first), self._analyzer.analyze(second)
        subjects = [self._subject(name, one) for name, one in zip(("first", "second"), analyses, strict=True)]
        decision = self._decide(subjects[0].face, subjects[1].face, subjects[0].doubts + subjects[1].doubts)
        notes = subjects[0].notes + subjects[1].notes
        decision = replace(decision, reasons=decision.reasons + notes)
        return Comparison(decision, *analyses, subjects[0].index, subjects[1].index)

    def _decide(self, first: Face | None, second: Face | None, doubts: tuple[str, ...]) -> Decision:
        """The decision; where there are doubts, its score is kept and its answer is inconclusive."""
        if first is None or second is None:
            return inconclusive(doubts, self.policy.fmr)
        assert isinstance(first.embedding, Embedding) and isinstance(second.embedding, Embedding)
        decision = compare(first.embedding, second.embedding, self._calibration, self.policy.fmr)
        if not doubts:
            return decision
        return replace(decision, answer=Answer.INCONCLUSIVE, reasons=doubts + decision.reasons)

    def _subject(self, which: str, analysis: Analysis) -> Subject:
        """The face that a photo is about: its only one, or one that dwarfs the others."""
        faces = analysis.faces
        if not faces:
            return Subject(None, (f"No face was found in the {which} photo.",))
        face = faces[0]
        if not isinstance(face.embedding, Embedding):
            reason = face.embedding.reason if isinstance(face.embedding, Failed) else "it was not asked for"
            return Subject(None, (f"The face in the {which} photo has no embedding: {reason}",))
        doubts = self._poor(which, face)
        notes: tuple[str, ...] = ()
        if len(faces) > 1:
            chosen = f"The {which} photo shows {len(faces)} faces; the largest was compared ({_where(face)})."
            if _area(face) < DOMINANT_AREA * _area(faces[1]):
                doubts += (chosen + " It is not clear that it is the one meant: crop the photo to one person.",)
            else:
                notes = (chosen,)
        return Subject(0, doubts, notes, face)

    def _poor(self, which: str, face: Face) -> tuple[str, ...]:
        quality = face.quality
        if isinstance(quality, Quality) and quality.score >= self.policy.min_quality:
            return ()
        if isinstance(quality, Quality):
            failing = "; ".join(measure.reason for measure in quality.measures if not measure.passed)
            said = f"{quality.score:.0f} of 100, {self.policy.min_quality:.0f} needed"
            return (f"The face in the {which} photo is too poor ({said}): {failing or 'see its measures'}.",)
        reason = quality.reason if isinstance(quality, Failed) else "it was not asked for"
        return (f"The quality of the face in the {which} photo is unknown: {reason}",)


@dataclass(frozen=True, slots=True)
class Subject:
    """Which face of a photo is compared, what speaks against deciding on it, and what the reader should know."""

    index: int | None
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    face: Face | None = None


def _area(face: Face) -> float:
    return face.detection.box.width * face.detection.box.height


def _where(face: Face) -> str:
    box = face.detection.box
    return f"{box.width:.0f} x {box.height:.0f} px at {box.x:.0f},{box.y:.0f}"
