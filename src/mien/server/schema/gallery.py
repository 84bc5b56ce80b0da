"""The gallery as a whole: size, policy, the dial of error rates, the doctor's findings. Only the caller's tenant."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from mien.server.schema.wire import Rate, Wire


class Policy(Wire):
    """What the gallery demands and keeps; fixed when it was made."""

    max_templates: int
    keep_crops: bool
    require_consent: bool
    keep_answers_days: int
    min_quality: float
    duplicate_fmr: float


class GalleryInfo(Wire):
    """n_people, n_templates: the caller's tenant's. calibration_id: null where no calibration is for the model."""

    id: str
    model: str
    created_at: datetime
    policy: Policy
    n_people: int = Field(ge=0)
    n_templates: int = Field(ge=0)
    n_expired: int = Field(ge=0, description="People whose consent has run out, and who are not found any more.")
    calibration_id: str | None


class DialPoint(Wire):
    """One rate and what follows from it. supported: false: too small for calibration and gallery; null then.

    per_1000: of 1,000 strangers so many are called somebody. counted: what is to be expected at that threshold.
    """

    fpir: float = Field(ge=0, le=1, examples=[0.01])
    supported: bool
    threshold: float | None
    per_1000: float
    counted: Rate | None
    meaning: str = Field(examples=["Of 1,000 strangers about 10 are called one of your 42 people."])


class Dial(Wire):
    """What a rate means among the caller's people now. smallest_fpir: null where nobody is there, or no calibration."""

    n_people: int
    smallest_fpir: float | None
    based_on: str
    points: list[DialPoint]


class Finding(Wire):
    """One thing to look at. score: a cosine; the quality for low_quality; null: nothing to compare with."""

    kind: Literal["mislabelled", "duplicate_person", "poisoned", "duplicate_template", "low_quality", "confusable"]
    person_id: str
    template_id: int | None
    other_id: str | None
    score: float | None
    fmr: Rate | None
    reason: str


class Findings(Wire):
    """By kind, the most striking first. names: by person id."""

    names: dict[str, str]
    findings: list[Finding]
