"""Which of a person's templates are kept, when there are more than the policy allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from mien.gallery.people import Template

# Where quality is unknown, half of a faultless photo's counts.
UNKNOWN_QUALITY: Final = 50.0
# Two photos of one person rarely lie further apart than this (cosine 0.5); beyond it a template is no more welcome for
# being different, or else the wrong face in a person's folder would be the first to stay.
FAR: Final = 0.5


def choose_templates(templates: Sequence[Template], limit: int) -> list[Template]:
    """Up to `limit` templates, in their given order: good ones that differ from each other.

    The one of the best quality always stays. Then, one at a time, comes the one with the largest product of quality and
    distance (1 - cosine, at most 0.5) to its closest among those that stay, so that near copies go first. Ties go to
    the earlier one. Source: Gonzalez, Clustering to minimize the maximum intercluster distance, Theoretical Computer
    Science 38 (1985), with weights. Raises ValueError for a limit below 1.
    """
    if limit < 1:
        raise ValueError("A person keeps at least one template.")
    if len(templates) <= limit:
        return list(templates)
    quality = np.array([UNKNOWN_QUALITY if math.isnan(one.quality) else one.quality for one in templates])
    vectors = np.stack([one.vector for one in templates])
    kept = [int(np.argmax(quality))]
    nearest = 1 - vectors @ vectors[kept[0]]
    while len(kept) < limit:
        gain = (1 + quality) * np.clip(nearest, 0, FAR)
        gain[kept] = -1
        kept.append(int(np.argmax(gain)))
        nearest = np.minimum(nearest, 1 - vectors @ vectors[kept[-1]])
    return [templates[place] for place in sorted(kept)]
