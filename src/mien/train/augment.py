"""Random changes of faces: what a camera, a pose or a bad crop would do. NumPy and OpenCV: any backend trains."""

from __future__ import annotations

import cv2
import numpy as np

from mien.face import Floats, Pixels
from mien.train.recipe import AugmentRecipe

# Faces smaller than this carry no expression that a person could name.
SMALLEST_PX = 16


def augmented(faces: Pixels, recipe: AugmentRecipe, size: int, rng: np.random.Generator) -> Floats:
    """(N, S, S) uint8 grey to (N, size, size) float32 0..255, each changed by itself."""
    return np.stack([_change(face, recipe, size, rng) for face in faces])


def _change(face: Pixels, recipe: AugmentRecipe, size: int, rng: np.random.Generator) -> Floats:
    small = _low_resolution(face, rng) if rng.random() < recipe.low_resolution else face
    matrix = _affine(recipe, face.shape[0], size, rng)
    moved = cv2.warpAffine(small, matrix, (size, size), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    gain = 1 + recipe.contrast * rng.uniform(-1, 1)
    level = 255 * recipe.brightness * rng.uniform(-1, 1)
    lit: Floats = np.clip((moved - 127.5) * gain + 127.5 + level, 0, 255)
    if rng.random() < recipe.erase:
        _erase(lit, rng)
    return lit


def _affine(recipe: AugmentRecipe, side: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """(2, 3), in OpenCV's pixel centres: mirror, turn and zoom about the middle, then move."""
    angle = np.deg2rad(recipe.rotation_degrees) * rng.uniform(-1, 1)
    zoom = size / side * (1 + recipe.zoom * rng.uniform(-1, 1))
    turn = zoom * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if rng.random() < recipe.flip:
        turn = turn @ np.diag([-1.0, 1.0])
    middle = np.array([(side - 1) / 2] * 2)
    target = np.array([(size - 1) / 2] * 2) + size * recipe.shift * rng.uniform(-1, 1, 2)
    return np.column_stack([turn, target - turn @ middle])


def _low_resolution(face: Pixels, rng: np.random.Generator) -> Pixels:
    side = int(rng.integers(SMALLEST_PX, face.shape[0]))
    small = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, face.shape[::-1]), np.uint8)


def _erase(face: Floats, rng: np.random.Generator) -> None:
    """Random erasing (Zhong et al., 2020), in place: one rectangle of one random grey."""
    side = face.shape[0]
    area, ratio = rng.uniform(0.02, 0.2) * side**2, np.exp(rng.uniform(-1, 1))
    height, width = (int(np.clip(np.sqrt(area * part), 1, side)) for part in (ratio, 1 / ratio))
    y, x = int(rng.integers(0, side - height + 1)), int(rng.integers(0, side - width + 1))
    face[y : y + height, x : x + width] = rng.uniform(0, 255)
