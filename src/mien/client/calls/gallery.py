"""The gallery as a whole, and the models behind it."""

from __future__ import annotations

from collections.abc import Sequence

from mien.client.asking import get
from mien.client.call import Call
from mien.server.schema.calibrations import Calibrations
from mien.server.schema.gallery import Dial, Findings, GalleryInfo
from mien.server.schema.models import Models


def get_gallery() -> Call[GalleryInfo]:
    """Its size, embedder and policy."""
    return get("/v1/gallery", GalleryInfo)


def get_dial(fpir: Sequence[float] | None = None) -> Call[Dial]:
    """What error rates mean among the people of now; fpir: the usual ones where left out."""
    return get("/v1/gallery/dial", Dial, fpir=fpir)


def list_findings() -> Call[Findings]:
    """What is wrong with the people on record: duplicates, wrong and poor photos."""
    return get("/v1/gallery/findings", Findings)


def list_calibrations() -> Call[Calibrations]:
    """The curves from score to false match rate."""
    return get("/v1/calibrations", Calibrations)


def list_models() -> Call[Models]:
    """Those in use, with licences."""
    return get("/v1/models", Models)
