"""Two photos: the same person or not, at the error rate asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mien.analyze import Analyzer
from mien.decide.calibration import Calibration
from mien.decide.subject import MIN_QUALITY, Subject, subject_of, unfit
from mien.decide.verify import DEFAULT_FMR, Answer, Decision, compare, inconclusive
from mien.errors import SettingsError
from mien.face import Analysis, Embedding
from mien.image import Source
from mien.record import Record


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
        subjects = [
            self._subject(f"{name} photo", one) for name, one in zip(("first", "second"), analyses, strict=True)
        ]
        first_face, second_face = (_embedding(one) for one in subjects)
        decision = self._decide(first_face, second_face, subjects[0].doubts + subjects[1].doubts)
        decision = replace(decision, reasons=decision.reasons + subjects[0].notes + subjects[1].notes)
        return Comparison(decision, *analyses, 0 if first_face else None, 0 if second_face else None)

    def _subject(self, photo: str, analysis: Analysis) -> Subject:
        """The face that is compared, with all that speaks against deciding on it."""
        subject = subject_of(analysis.faces, photo, "compared")
        poor = unfit(subject.face, self.policy.min_quality, photo) if subject.face else ()
        return replace(subject, doubts=poor + subject.doubts)

    def _decide(self, first: Embedding | None, second: Embedding | None, doubts: tuple[str, ...]) -> Decision:
        """The decision; where there are doubts, its score is kept and its answer is inconclusive."""
        if first is None or second is None:
            return inconclusive(doubts, self.policy.fmr)
        decision = compare(first, second, self._calibration, self.policy.fmr)
        if not doubts:
            return decision
        return replace(decision, answer=Answer.INCONCLUSIVE, reasons=doubts + decision.reasons)


def _embedding(subject: Subject) -> Embedding | None:
    found = subject.face.embedding if subject.face else None
    return found if isinstance(found, Embedding) else None
