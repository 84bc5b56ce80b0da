"""What the models of answers have in common.

An answer is written by the records' own `to_dict`, as `mien ... --json` writes it; the models describe it in the
OpenAPI document, and the tests hold real answers against them. Making an answer of a model costs as much again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mien.record import plain

if TYPE_CHECKING:
    from starlette.responses import Response


class Wire(BaseModel):
    """What is sent: exactly these fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(BaseModel):
    """Parameters of an address."""

    model_config = ConfigDict(frozen=True)


class NotAsked(Wire):
    """The stage was not among those asked for."""

    status: Literal["not_asked"]


class Failed(Wire):
    """The stage ran and could not answer. reason: for people. code: for programs."""

    status: Literal["failed"]
    code: str = Field(examples=["align"])
    reason: str = Field(min_length=1, examples=["The five landmarks coincide: the face cannot be aligned."])


class Rate(Wire):
    """A rate in 0..1 with its 95 % interval; extrapolated: from a tail model, not from a count."""

    value: float = Field(ge=0, le=1, examples=[0.0001])
    low: float = Field(ge=0, le=1, examples=[0.00008])
    high: float = Field(ge=0, le=1, examples=[0.00012])
    extrapolated: bool


class Uncalibrated(Wire):
    """No calibration is for this model, so that the score has no known error rate."""

    status: Literal["uncalibrated"]
    model: str


def encoded(value: Any) -> bytes:
    """A record, or plain values, as JSON."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """The answer whose content is `value`, bytes of JSON or what `encoded` takes."""
    from starlette.responses import Response  # the client has these models, and need not have this

    content = value if isinstance(value, bytes) else encoded(value)
    return Response(content, status, headers, "application/json")
