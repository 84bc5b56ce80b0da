"""One to one: are two embeddings of the same person, at the false match rate asked for?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from mien.decide.calibration import Calibration, ErrorRate
from mien.errors import CalibrationError, EmbeddingMismatch
from mien.face import Embedding
from mien.record import Record

DEFAULT_FMR: Final = 1e-4


class Answer(StrEnum):
    """What a comparison can say."""

    MATCH = "match"
    NO_MATCH = "no match"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Uncalibrated:
    """Stands in the place of an error rate that nobody knows: no calibration is for this model."""

    model: str
    status: ClassVar[str] = "uncalibrated"


@dataclass(frozen=True, slots=True)
class Decision(Record):
    """The answer to one comparison and what it rests on.

    score: the cosine of the two embeddings, -1..1; None where nothing could be compared. fmr: the false match rate of
    calling this score a match; None without a score. asked_fmr: the rate asked for. reasons: for a person, never empty.
    """

    answer: Answer
    score: float | None
    fmr: ErrorRate | Uncalibrated | None
    asked_fmr: float
    threshold: float | None
    calibration_id: str | None
    based_on: str
    reasons: tuple[str, ...]


def compare(first: Embedding, second: Embedding, calibration: Calibration | None, fmr: float = DEFAULT_FMR) -> Decision:
    """Decide whether two embeddings are of one person at the false match rate `fmr`.

    Without a calibration the answer is inconclusive and only the score is given. Raises EmbeddingMismatch where the
    embeddings are of different models, CalibrationError where the calibration is for another model or cannot support
    `fmr`.
    """
    score = similarity(first, second)
    if calibration is None:
        reason = f"Uncalibrated: no calibration is for {first.model}, so that the score has no known error rate."
        cure = "`mien calibrate` builds one from a folder of people."
        return Decision(
            Answer.INCONCLUSIVE, score, Uncalibrated(first.model), fmr, None, None, "no calibration", (reason, cure)
        )
    if calibration.model != first.model:
        raise CalibrationError(
            f"Calibration {calibration.id!r} is for {calibration.model}, the embeddings are of {first.model}.",
            "Use a calibration of the same model.",
        )
    return _decide(score, calibration, fmr)


def similarity(first: Embedding, second: Embedding) -> float:
    """The cosine of two embeddings, -1..1. Raises EmbeddingMismatch where they are of different models."""
    if first.model != second.model:
        raise EmbeddingMismatch(
            f"An embedding of {first.model} was compared with one of {second.model}.", "Embed both with one model."
        )
    return max(-1.0, min(1.0, float(first.vector @ second.vector)))


def inconclusive(reasons: tuple[str, ...], fmr: float = DEFAULT_FMR) -> Decision:
    """The decision where nothing could be compared: no face, several faces, too poor a quality."""
    if not reasons:
        raise ValueError("An inconclusive decision needs a reason.")
    return Decision(Answer.INCONCLUSIVE, None, None, fmr, None, None, "nothing was compared", reasons)


def _decide(score: float, calibration: Calibration, fmr: float) -> Decision:
    threshold = calibration.threshold(fmr)
    rate = calibration.fmr(score)
    matched = score >= threshold
    side = "at or over" if matched else "below"
    reasons = [f"The score {score:.3f} is {side} {threshold:.3f}, the threshold for a false match rate of {fmr:.2g}."]
    if calibration.fmr(threshold).extrapolated:
        reasons.append(
            f"The threshold is extrapolated: pairs were counted down to a rate of"
            f" {calibration.smallest_counted_fmr:.1g}."
        )
    worst = calibration.worst_group(fmr)
    if worst:
        reasons.append(f"Between people of one and the same group, false matches at it reach {worst.fmr.value:.2g}.")
    if calibration.indicative:
        reasons.append(f"The calibration is indicative only: it rests on {calibration.n_people:,} people.")
    answer = Answer.MATCH if matched else Answer.NO_MATCH
    return Decision(answer, score, rate, fmr, threshold, calibration.id, calibration.based_on, tuple(reasons))
