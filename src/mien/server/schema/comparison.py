"""Two photos, one decision, as docs/comparison.schema.json has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from mien.record import plain
from mien.server.schema.analysis import Analysis, analysis_fields
from mien.server.schema.wire import Rate, Uncalibrated, Wire

if TYPE_CHECKING:
    from mien.compare import Comparison as Compared


class Decision(Wire):
    """score: the cosine, null where nothing was compared. fmr: the false match rate of calling it a match."""

    answer: Literal["match", "no match", "inconclusive"]
    score: float | None = Field(ge=-1, le=1, examples=[0.512])
    fmr: Rate | Uncalibrated | None
    asked_fmr: float = Field(gt=0, le=1, examples=[0.0001])
    threshold: float | None = Field(ge=-1, le=1, examples=[0.423])
    calibration_id: str | None = Field(description="Whose curve GET /v1/calibrations has.")
    based_on: str = Field(min_length=1)
    reasons: list[str] = Field(min_length=1)


class Comparison(Wire):
    """The decision, both analyses, and which face of each was compared (its place; null: none could be)."""

    decision: Decision
    first: Analysis
    second: Analysis
    first_face: int | None
    second_face: int | None


def comparison_fields(compared: Compared) -> dict[str, Any]:
    """As `Comparison.to_dict`, without points and vectors."""
    return {
        "decision": plain(compared.decision),
        "first": analysis_fields(compared.first),
        "second": analysis_fields(compared.second),
        "first_face": compared.first_face,
        "second_face": compared.second_face,
    }
