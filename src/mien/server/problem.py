"""Errors as RFC 9457 problem details: a stable code, the cause and the cure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, Field

from mien.errors import CalibrationError, ExtraMissing, ImageError, ImageTooLarge, MienError, SettingsError, VideoError
from mien.gallery.errors import (
    ConsentMissing,
    EnrolmentRefused,
    GalleryBusy,
    GalleryError,
    GalleryFull,
    GalleryReadOnly,
    PersonChanged,
    PersonUnknown,
)
from mien.server.errors import ServerError

if TYPE_CHECKING:
    from starlette.responses import JSONResponse

MEDIA_TYPE: Final = "application/problem+json"
# The first that fits.
STATUS: Final[tuple[tuple[type[MienError], int], ...]] = (
    (ImageTooLarge, 413),
    (ImageError, 422),
    (VideoError, 422),
    (PersonUnknown, 404),
    (PersonChanged, 412),
    (CalibrationError, 422),
    (ConsentMissing, 422),
    (EnrolmentRefused, 422),
    (GalleryBusy, 503),
    (GalleryFull, 507),
    (GalleryReadOnly, 503),
    (GalleryError, 500),
    (SettingsError, 422),
    (ExtraMissing, 501),
)


class Problem(BaseModel):
    """RFC 9457. type: `about:blank#CODE`. code: stable, as docs/errors.md lists them. cure: what to do about it."""

    type: str = Field(examples=["about:blank#image-format"])
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["The content is of no format that mien decodes."])
    code: str = Field(examples=["image-format"])
    cure: str = Field(default="", examples=["Send JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF or HEIC."])
    request_id: str = Field(default="", examples=["b3f1c2d4a5e6"])
    reasons: list[str] = Field(default_factory=list, description="One sentence for each cause, where there are more.")


def status_of(error: MienError) -> int:
    """The HTTP status of an error."""
    if isinstance(error, ServerError):
        return error.status
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    """The problem as an answer; the errors' handlers in `app.py` are the only callers besides tests."""
    from starlette.responses import JSONResponse  # the client has the model, and need not have this

    return JSONResponse(problem.model_dump(), problem.status, headers, media_type=MEDIA_TYPE)
