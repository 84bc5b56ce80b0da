from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.evaluate.pairs import Pair
from mien.evaluate.plots import draw_det, draw_histogram, draw_misjudged
from mien.evaluate.scores import count_scores
from mien.evaluate.templates import Templates
from mien.evaluate.verification import Misjudged, all_pairs
from mien.image import write_image


@pytest.mark.parametrize("draw", [draw_det, draw_histogram])
def test_plots_are_pictures_with_something_on_them(
    draw: Callable[..., None], made_up: Callable[..., Templates], tmp_path: Path
) -> None:
    templates = made_up(150, noise=1.0)
    draw(count_scores(templates), all_pairs(templates), tmp_path / "plot.png")
    pixels = cv2.imread(str(tmp_path / "plot.png"))
    assert pixels.shape[0] > 300
    assert 0 < (pixels < 128).any(axis=2).mean() < 0.5


def test_the_contact_sheet_shows_both_photos(tmp_path: Path) -> None:
    red, blue = np.zeros((40, 60, 3), np.uint8), np.zeros((60, 40, 3), np.uint8)
    red[..., 0], blue[..., 2] = 255, 255
    write_image(tmp_path / "red.png", red)
    write_image(tmp_path / "blue.png", blue)
    pair = Pair(tmp_path / "red.png", tmp_path / "blue.png", True)
    lost = Pair(tmp_path / "absent.png", tmp_path / "blue.png", False)
    draw_misjudged([Misjudged(pair, 0.2, 0.4), Misjudged(lost, float("nan"), 0.4)], tmp_path / "sheet.png")
    sheet = cv2.imread(str(tmp_path / "sheet.png"))[:, :, ::-1].astype(int)
    assert (np.abs(sheet - [255, 0, 0]).sum(axis=2) < 30).sum() > 1000
    assert (np.abs(sheet - [0, 0, 255]).sum(axis=2) < 30).sum() > 2000


def test_no_errors_no_sheet(tmp_path: Path) -> None:
    draw_misjudged([], tmp_path / "sheet.png")
    assert not (tmp_path / "sheet.png").exists()
