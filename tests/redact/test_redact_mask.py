"""A cover holds the whole box, and leaves nothing of a face, or too little."""

from __future__ import annotations

import numpy as np
import pytest

from mien.align.view import FaceView
from mien.decide.calibration import Calibration
from mien.detect.rows import detection
from mien.embed.network import NetworkEmbedder
from mien.face import Embedding
from mien.image import open_photo
from mien.redact.cover import Cover
from mien.redact.mask import BLUR_CELLS, Patch, extent, inside
from mien.redact.render import PAINTERS
from mien.settings import Settings, load_settings
from mien.weights.catalog import Catalog

MARGIN = 0.25


@pytest.fixture(scope="module")
def embed(weights: Settings) -> NetworkEmbedder:
    return NetworkEmbedder(Catalog.load(weights).card("sface"), weights)


def cover_of(row: np.ndarray) -> Cover:
    return Cover(row[:4], row[4:14].reshape(5, 2), None, float(row[14]))


def painted(how: str, pixels: np.ndarray, cover: Cover) -> np.ndarray:
    made = pixels.copy()
    PAINTERS[how](made, [cover], MARGIN)
    return made


@pytest.mark.parametrize("margin", [0.0, 0.25, 1.0])
def test_the_box_with_its_margin_is_covered(margin: float) -> None:
    cover = Cover(np.array([60, 40, 30, 50], np.float32))
    patch = Patch(np.zeros((200, 200, 3), np.uint8), cover, margin)
    whole = np.zeros((200, 200), bool)
    whole[patch.top : patch.bottom, patch.left : patch.right] = patch.mask
    x0, x1, y0, y1 = 60 - 30 * margin, 90 + 30 * margin, 40 - 50 * margin, 90 + 50 * margin
    assert whole[round(y0) : round(y1), round(x0) : round(x1)].all()
    assert inside(cover, margin, x0, y0) and inside(cover, margin, x1, y1)
    cx, cy, rx, ry = extent(cover, margin)
    assert not inside(cover, margin, cx + rx * 1.01, cy) and not inside(cover, margin, cx + rx * 0.99, cy + ry * 0.99)
    assert whole.sum() < 1.4 * (x1 - x0) * (y1 - y0)


@pytest.mark.parametrize("how", PAINTERS)
@pytest.mark.parametrize("box", [(-30, -30, 50, 50), (190, 10, 400, 400), (500, 500, 20, 20), (3, 3, 0.2, 0.2)])
def test_covers_at_the_border_and_beyond(how: str, box: tuple[float, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (120, 200, 3), dtype=np.uint8)
    cover = Cover(np.array(box, np.float32), score=1.0)
    made = painted(how, pixels, cover)
    patch = Patch(pixels, cover, MARGIN)
    outside = np.ones((120, 200), bool)
    outside[patch.top : patch.bottom, patch.left : patch.right] = ~patch.mask
    assert (made[outside] == pixels[outside]).all()


@pytest.mark.parametrize("how", ["solid", "avatar"])
def test_nothing_is_left_of_what_is_painted_over(how: str, portrait: np.ndarray, face_row: np.ndarray) -> None:
    """Whatever the face was, the result is the same."""
    cover = cover_of(face_row)
    patch = Patch(portrait, cover, MARGIN)
    other = portrait.copy()
    Patch(other, cover, MARGIN).put((200, 30, 120))
    made, same = painted(how, portrait, cover), painted(how, other, cover)
    assert patch.mask.sum() > 1000 and (made == same).all()


def test_a_mosaic_has_few_cells_of_few_colours(portrait: np.ndarray, face_row: np.ndarray) -> None:
    cover = cover_of(face_row)
    made = Patch(painted("mosaic", portrait, cover), cover, MARGIN)
    colours = np.unique(made.pixels[made.mask], axis=0)
    assert 5 < len(colours) <= 14 * 14
    assert (colours % 16 == 8).all()


@pytest.mark.parametrize("scale", [1, 2])
def test_a_blur_is_relative_to_the_face(portrait: np.ndarray, face_row: np.ndarray, scale: int) -> None:
    """What lies within one cell is lost, however large the face is."""
    large = np.repeat(np.repeat(portrait, scale, axis=0), scale, axis=1)
    row = face_row.copy()
    row[:14] *= scale
    made = Patch(painted("blur", large, cover_of(row)), cover_of(row), MARGIN)
    cell = round(float(row[2:4].max() / BLUR_CELLS))
    steps = np.abs(np.diff(made.pixels.astype(int), axis=1)).max(axis=2)[made.mask[:, 1:] & made.mask[:, :-1]]
    assert steps.max() <= 255 / cell * 2


@pytest.mark.parametrize("how", PAINTERS)
def test_a_covered_face_is_a_stranger_to_its_original(
    how: str, portrait: np.ndarray, face_row: np.ndarray, embed: NetworkEmbedder
) -> None:
    """Embedded where the face was: below the score that one in a hundred pairs of strangers reaches."""
    made = painted(how, portrait, cover_of(face_row))
    one, other = embed([FaceView(open_photo(pixels), detection(face_row)) for pixels in (portrait, made)])
    calibration = Calibration.for_model(embed.model, load_settings())
    assert isinstance(one, Embedding) and isinstance(other, Embedding) and calibration
    assert float(one.vector @ other.vector) < calibration.threshold(1e-2)
