"""Exposure, contrast, evenness of the light and colour, within the face."""

from __future__ import annotations

from typing import Final

import numpy as np

from mien.align.view import ALIGNED_SIDE
from mien.quality.sample import CHIN, Mask, Sample

# 8-bit luminance at and beyond which OFIQ counts a pixel as under- or over-exposed.
DARK: Final = 25
BRIGHT: Final = 247
BETWEEN_BROWS: Final = 168
# Mean a* and b* of natural skin, as OFIQ's NaturalColour has them.
NATURAL_A: Final = (5.0, 25.0)
NATURAL_B: Final = (5.0, 35.0)
FEWEST_PIXELS: Final = 50


def luminance(sample: Sample) -> float:
    """Mean luminance of the face in % of white."""
    return _mean(sample, sample.face) / 2.55


def contrast(sample: Sample) -> float:
    """From the 5th to the 95th percentile of the face's luminance, in % of white."""
    if sample.face.sum() < FEWEST_PIXELS:
        return float("nan")
    low, high = np.percentile(sample.luminance[sample.face], [5, 95])
    return float(high - low) / 2.55


def under_exposure(sample: Sample) -> float:
    """Share of the face, in %, with a luminance of at most 25 of 255."""
    return _share(sample, sample.luminance <= DARK)


def over_exposure(sample: Sample) -> float:
    """Share of the face, in %, with a luminance of at least 247 of 255."""
    return _share(sample, sample.luminance >= BRIGHT)


def illumination_uniformity(sample: Sample) -> float:
    """Mean luminance of the darker half of the face in % of the brighter half's.

    The halves meet at the line from between the brows to the chin, or at the crop's middle where there is no mesh.
    """
    grid = np.arange(ALIGNED_SIDE, dtype=np.float32) + 0.5
    if sample.mesh is None:
        right_half = np.broadcast_to(grid < ALIGNED_SIDE / 2, sample.face.shape)
    else:
        top, chin = sample.points[BETWEEN_BROWS], sample.points[CHIN]
        dx, dy = chin - top
        right_half = (grid[None, :] - top[0]) * dy < (grid[:, None] - top[1]) * dx
    means = [_mean(sample, sample.face & half) for half in (right_half, ~right_half)]
    return float(100 * min(means) / max(*means, 1.0)) if np.isfinite(means).all() else float("nan")


def natural_colour(sample: Sample) -> float:
    """How far the face's mean a*, b* lies outside of natural skin's rectangle, in CIE Lab units; 0 within."""
    if sample.face.sum() < FEWEST_PIXELS:
        return float("nan")
    a, b = sample.lab[sample.face][:, 1:].mean(axis=0)
    off = [max(low - value, value - high, 0.0) for value, (low, high) in ((a, NATURAL_A), (b, NATURAL_B))]
    return float(np.hypot(*off))


def _mean(sample: Sample, mask: Mask) -> float:
    values = sample.luminance[mask]
    return float(values.mean()) if values.size >= FEWEST_PIXELS else float("nan")


def _share(sample: Sample, hits: Mask) -> float:
    values = hits[sample.face]
    return float(100 * values.mean()) if values.size >= FEWEST_PIXELS else float("nan")
