"""What every kind of records demands of what it is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from mien.face import Floats
from mien.gallery.errors import ConsentMissing, GalleryError, GalleryModel
from mien.gallery.people import Profile
from mien.gallery.records import GalleryInfo, GalleryPolicy

UNIT_TOLERANCE = 1e-3


def check_consent(profile: Profile, policy: GalleryPolicy, now: datetime) -> None:
    """Raises ConsentMissing where the policy asks for consent and there is none that still holds."""
    if not policy.require_consent:
        return
    if profile.consent is None:
        raise ConsentMissing(
            "The gallery asks for a record of consent, and none was given.",
            "Say who agreed, when, to what purpose and how; or make the gallery with a policy that asks for none.",
        )
    if profile.consent.until is not None and profile.consent.until <= now:
        raise ConsentMissing(
            f"The consent ran out at {profile.consent.until.isoformat()}.", "Ask anew, or remove the person."
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
    lengths = np.sqrt(np.einsum("nd,nd->n", stacked, stacked))
    # A comparison with NaN is false, so that this refuses it too.
    if not bool(np.all(np.abs(lengths - 1) <= UNIT_TOLERANCE)):
        raise GalleryError("A vector is not of unit length.", "Give vectors as the embedder made them.")
    return stacked
