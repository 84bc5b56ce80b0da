"""Detail of the face: blur, grain, and the blocks of strong compression."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from mien.align.similarity import ARCFACE_112, scale_of
from mien.align.view import ALIGNED_SIDE
from mien.face import Floats
from mien.quality.sample import Mask, Sample

NAN: Final = float("nan")
FEWEST_PIXELS: Final = 50
# A travel document needs 90 px between the eyes: the aligned crop, enlarged to that.
FINE: Final = 90 / float(np.linalg.norm(ARCFACE_112[1] - ARCFACE_112[0]))
FINE_SIDE: Final = round(FINE * ALIGNED_SIDE)

BLOCK: Final = 8
# Blocks of a face with more pixels than this per pixel of the aligned crop are averaged away in it.
FARTHEST_SHRINK: Final = 0.5


def sharpness(sample: Sample) -> float:
    """Detail of the aligned crop (35 px between the eyes, what the embedder sees), in %.

    A small face is enlarged to that size and so counts as blurred, a large one is brought down to it: what is measured
    is the detail that serves recognition, whatever the size of the picture. Grain counts as detail, so that values far
    beyond those of good photos mean noise.
    """
    return _detail(sample, sample.luminance, sample.face)


def fine_sharpness(sample: Sample) -> float:
    """Detail in % as `sharpness`, at 90 px between the eyes: what an examiner of a document sees."""
    crop = sample.view.warp(sample.view.alignment * FINE, FINE_SIDE, FINE_SIDE)
    luminance = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), np.float32)
    face = cv2.resize(sample.face.astype(np.uint8), (FINE_SIDE, FINE_SIDE), interpolation=cv2.INTER_NEAREST)
    return _detail(sample, luminance, face.view(np.bool_))


def _detail(sample: Sample, luminance: Floats, face: Mask) -> float:
    """Strength of the finest octave of `luminance` against that of eyes, nose and mouth, in %, within `face`.

    Differences of Gaussians: sigma 0 to 1 px here against 4 to 8 px of the aligned crop. A ratio, so that contrast
    cancels; 1 of 255 is added to the divisor, so that a blank crop has no detail.
    """
    inner, coarse_inner = (cv2.erode(mask.view(np.uint8), np.ones((5, 5), np.uint8)) for mask in (face, sample.face))
    if not coarse_inner.sum() >= FEWEST_PIXELS:
        return NAN
    finest = luminance - cv2.GaussianBlur(luminance, (0, 0), 1)
    half = cv2.GaussianBlur(sample.luminance, (0, 0), 4)
    coarse = half - cv2.GaussianBlur(half, (0, 0), np.sqrt(8**2 - 4**2))
    return 100 * _strength(finest, inner) / (_strength(coarse, coarse_inner) + 1)


def _strength(band: Floats, mask: Mask) -> float:
    """Root mean square of `band` within `mask`."""
    return float(np.sqrt(cv2.mean(cv2.multiply(band, band), mask)[0]))


def blocks(sample: Sample) -> float:
    """How much steeper the picture is across the edges of JPEG's 8 x 8 blocks than beside them, in %.

    Taken in the face's own pixels, for any phase of the grid, at no less than half of the picture's full scale. 0 where
    the face is so large that blocks do not reach the aligned crop, nan where too little of it lies within the picture.
    """
    scale = scale_of(sample.view.alignment)
    if scale < FARTHEST_SHRINK:
        return 0.0
    picture = sample.view.photo.pixels(min(1.0, scale))
    step = round(BLOCK * picture.scale_x)
    box = sample.view.detection.box
    x, y = max(0, int(box.x * picture.scale_x)), max(0, int(box.y * picture.scale_y))
    right, bottom = (box.x + box.width) * picture.scale_x, (box.y + box.height) * picture.scale_y
    region = picture.pixels[y : max(0, int(bottom)), x : max(0, int(right))]
    if min(region.shape[:2]) < 3 * step + 3:
        return NAN
    luminance = np.asarray(cv2.cvtColor(np.ascontiguousarray(region), cv2.COLOR_RGB2GRAY), np.float32)
    return 100 * max(0.0, min(_grid(luminance, step), _grid(luminance.T, step)))


def _grid(luminance: Floats, step: int) -> float:
    """Steepness at the strongest phase of a grid of `step` columns over that of all others, less 1."""
    slopes = np.sqrt(np.abs(np.diff(luminance, axis=1))).mean(axis=0)
    whole = len(slopes) // step * step
    phases = np.sort(slopes[:whole].reshape(-1, step).mean(axis=0))
    return float(phases[-1] / max(float(phases[:-1].mean()), 0.1)) - 1
