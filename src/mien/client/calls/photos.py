"""Photos in, answers out."""

from __future__ import annotations

from collections.abc import Sequence

from mien.client.asking import ask
from mien.client.body import Form, Source, photos
from mien.client.call import Call
from mien.server.schema.analysis import Analysis
from mien.server.schema.comparison import Comparison
from mien.server.schema.identification import Identifications
from mien.server.schema.tracks import StageName


def analyze_photo(
    photo: Source, *, stages: Sequence[StageName] | None = None, points: bool = False, vectors: bool = False
) -> Call[Analysis]:
    """The faces of a photo. stages: all where left out. points, vectors: with meshes and embeddings in full."""
    body = Form(photos({"photo": photo}))
    return ask("/v1/analyze", Analysis, body, stages=stages, points=points, vectors=vectors)


def compare_photos(first: Source, second: Source, *, fmr: float | None = None) -> Call[Comparison]:
    """Whether two photos show one person, at a false match rate; as the preferences say where it is left out."""
    return ask("/v1/compare", Comparison, Form(photos({"first": first, "second": second})), fmr=fmr)


def identify_photo(
    photo: Source, *, fpir: float | None = None, top: int = 1, groups: Sequence[str] | None = None, why: str = ""
) -> Call[Identifications]:
    """Who the faces of a photo are. top: candidates for each face. groups: only people of any. why: for the audit log.

    fpir: the share of strangers who may be called somebody; as the preferences say where it is left out.
    """
    body = Form(photos({"photo": photo}))
    return ask("/v1/identify", Identifications, body, fpir=fpir, top=top, groups=groups, why=why)
