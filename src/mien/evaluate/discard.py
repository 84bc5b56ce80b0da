"""Does a quality score earn its keep? FNMR once the pairs of worst quality are discarded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating]


def error_versus_discard(
    genuine_scores: Numbers, quality_pairs: Numbers, threshold: float, fractions: Sequence[float] = (0.0, 0.1)
) -> tuple[float, ...]:
    """FNMR (one a fraction) of the pairs that remain after the given fraction of the worst is discarded.

    genuine_scores: (P,). quality_pairs: (P, 2), each pair's two qualities: its worse one counts, a NaN is the worst of
    all. threshold: fixed, as found on all pairs. A useful quality makes the rate fall faster than the discarded
    fraction of a random order would, which leaves it as it is. Source: Grother and Tabassi, Performance of biometric
    quality measures, IEEE TPAMI 29 (2007). Raises ValueError for a fraction that leaves no pair.
    """
    worse = np.nan_to_num(np.asarray(quality_pairs, np.float64), nan=-np.inf).min(axis=1)
    missed = (np.asarray(genuine_scores) < threshold)[np.argsort(worse, kind="stable")]
    rates = []
    for fraction in fractions:
        kept = missed[round(fraction * len(missed)) :]
        if not 0 <= fraction < 1 or not len(kept):
            raise ValueError(f"Discarding {fraction} of {len(missed)} pairs leaves none.")
        rates.append(float(kept.mean()))
    return tuple(rates)
