"""What every kind of records demands of what it is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from mien.face import Floats
from mien.gallery.errors import ConsentMissing, GalleryError, GalleryModel
from mien.gallery.people import Consent
from mien.gallery.store.records import GalleryInfo, GalleryPolicy

UNIT_TOLERANCE = 1e-3


def check_consent(consent: Consent | None, policy: GalleryPolicy, now: datetime) -> None:
    """Raises ConsentMissing where the policy asks for a consent, and it is absent, incomplete or not in force.

    Raises GalleryError for a time without a time zone.
    """
    if not policy.require_consent:
        return
    cure = "Record who agreed, when, to what purpose and how; a policy with require_consent=False asks for none."
    if consent is None:
        raise ConsentMissing("This gallery enrols nobody without a consent record.", cure)
    empty = [name for name in ("given_by", "purpose", "how") if not getattr(consent, name).strip()]
    if empty:
        raise ConsentMissing(f"The consent record does not say: {', '.join(empty)}.", cure)
    if any(one.tzinfo is None for one in (consent.given_at, consent.until or now)):
        raise GalleryError("A time without a time zone was given.", "Times in a gallery need a time zone, such as UTC.")
    if consent.given_at > now:
        raise ConsentMissing(f"The consent is dated in the future ({consent.given_at:%Y-%m-%d}).", cure)
    if consent.until is not None and consent.until <= now:
        raise ConsentMissing(
            f"The consent ran out on {consent.until:%Y-%m-%d}.", "Ask for it anew, or remove the person."
        )


def check_vectors(vectors: Sequence[Floats], info: GalleryInfo) -> Floats:
    """All of them as (N, D) float32. Raises GalleryModel for another length, GalleryError for no unit vector."""
    for vector in vectors:
        if vector.shape != (info.dim,):
            raise GalleryModel(
                f"A vector of shape {vector.shape} was given to a gallery of {info.model} with {info.dim} dimensions.",
                f"Embed with {info.model}, or make a gallery for the other embedder.",
            )
    stacked = np.array(vectors, dtype=np.float32).reshape(-1, info.dim)
    # A comparison with NaN is false: refused too.
    with np.errstate(all="ignore"):
        right = np.abs(np.sqrt(np.vecdot(stacked, stacked)) - 1) <= UNIT_TOLERANCE
    if not right.all():
        raise GalleryError("A vector is not of unit length.", "Give vectors as the embedder made them.")
    return stacked
