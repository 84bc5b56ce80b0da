"""The curve from score to false match rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from mien.server.schema.wire import Wire

if TYPE_CHECKING:
    from mien.decide.calibration import Calibration as Measured


class CurvePoint(Wire):
    """Pairs of different people that score at least `score`: their share, with its 95 % interval."""

    score: float = Field(ge=-1, le=1)
    fmr: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    extrapolated: bool


class Calibration(Wire):
    """What the error rates of one model rest on. curve: scores rising, rates falling; between two points the
    logarithm of the rate is a straight line.
    """

    id: str = Field(examples=["sface-485dfe7d"])
    model: str = Field(examples=["sface@fb143eea0783"])
    source: str
    domain: str = Field(description="What kind of photos it holds for.")
    n_people: int
    n_images: int
    n_pairs: int
    smallest_fmr: float
    smallest_counted_fmr: float
    indicative: bool = Field(description="Too few people for the rates that people ask for.")
    based_on: str
    curve: list[CurvePoint]


class Calibrations(Wire):
    """Those of the models in use; none where the model has none."""

    items: list[Calibration]


def calibration_fields(one: Measured) -> dict[str, Any]:
    """One calibration of an answer."""
    return {
        "id": one.id,
        "model": one.model,
        "source": one.source,
        "domain": one.domain,
        "n_people": one.n_people,
        "n_images": one.n_images,
        "n_pairs": one.n_impostor_pairs,
        "smallest_fmr": one.smallest_fmr,
        "smallest_counted_fmr": one.smallest_counted_fmr,
        "indicative": one.indicative,
        "based_on": one.based_on,
        "curve": [
            {
                "score": knot.score,
                "fmr": knot.fmr.value,
                "low": knot.fmr.low,
                "high": knot.fmr.high,
                "extrapolated": knot.fmr.extrapolated,
            }
            for knot in one.knots
        ],
    }
