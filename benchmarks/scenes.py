"""Photos to measure with: mien's samples laid into scenes of any size, or a user's own photos at that size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from mien.errors import MienError
from mien.image import open_photo, write_image
from mien.settings import Settings
from mien.weights.fetch import ensure

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
# The astronaut's face is about 95 px wide in the sample.
FACE_PX = 95
NOISE = 4.0
JPEG_QUALITY = 90


def samples(settings: Settings) -> dict[str, Image.Image]:
    """The sample photos by name; ends the program with a hint where they cannot be had."""
    try:
        photos = {name: ensure(name, settings) for name in ("astronaut", "coffee", "cat")}
    except MienError as error:
        raise SystemExit(f"The sample photos are missing: {error}\nTry `mien weights pull`.") from error
    return {name: Image.fromarray(open_photo(path).pixels().pixels) for name, path in photos.items()}


def scene(photos: dict[str, Image.Image], size: tuple[int, int], number: int) -> np.ndarray:
    """(H, W, 3) uint8 RGB: the astronaut once, or twice in every fourth scene, before a cup of coffee or a cat.

    size: width and height. Faces are 9 to 30 % of the width wide, the same in every size of one number. Sensor noise is
    added, so that the file has the bytes of a photo.
    """
    rng = np.random.default_rng(number)
    width, height = size
    canvas = _cover(photos["coffee" if number % 2 else "cat"], size)
    faces = 2 if number % 4 == 3 else 1
    for place in range(faces):
        share = rng.uniform(0.09, 0.30 if faces == 1 else 0.16)
        side = round(photos["astronaut"].width * share * width / FACE_PX)
        face = photos["astronaut"].resize((side, side), Image.Resampling.BICUBIC)
        # The face's centre is at 44 % of the sample's width and a quarter of its height.
        x = width * (place + rng.uniform(0.4, 0.6)) / faces - 0.44 * side
        y = height * rng.uniform(0.3, 0.5) - 0.25 * side
        canvas.paste(face, (round(x), round(y)))
    noise = rng.normal(0, NOISE, (height, width, 1)).astype(np.float32)
    return np.clip(np.asarray(canvas, np.float32) + noise, 0, 255).astype(np.uint8)


def _cover(photo: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The photo scaled to fill `size`, cut at its middle."""
    scale = max(size[0] / photo.width, size[1] / photo.height)
    large = photo.resize((round(photo.width * scale) + 1, round(photo.height * scale) + 1), Image.Resampling.BICUBIC)
    left, top = (large.width - size[0]) // 2, (large.height - size[1]) // 2
    return large.crop((left, top, left + size[0], top + size[1]))


def write_scenes(folder: Path, size: tuple[int, int], number: int, settings: Settings) -> list[Path]:
    """`number` JPEG files of `size` (width, height)."""
    photos = samples(settings)
    paths = [folder / f"scene-{size[0]}x{size[1]}-{index}.jpg" for index in range(number)]
    for index, path in enumerate(paths):
        write_image(path, scene(photos, size, index), JPEG_QUALITY)
    return paths


def write_copies(source: Path, folder: Path, size: tuple[int, int], number: int) -> list[Path]:
    """Up to `number` photos of the folder `source`, scaled to fit in `size` (width, height), as JPEG files."""
    found = sorted(path for path in source.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise SystemExit(f"No photos in {source}.")
    paths = []
    for index, path in enumerate(found[:: max(1, len(found) // number)][:number]):
        photo = Image.fromarray(open_photo(path).pixels().pixels)
        limits = size if photo.width >= photo.height else size[::-1]
        scale = min(limits[0] / photo.width, limits[1] / photo.height)
        copy = photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.BICUBIC)
        paths.append(folder / f"photo-{size[0]}x{size[1]}-{index}.jpg")
        write_image(paths[-1], np.asarray(copy), JPEG_QUALITY)
    return paths
