"""Faces from photos without labels: the largest of each, cut by the teacher, appended without a label."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from mien.align.view import FaceView
from mien.dataset.faces import FaceSet
from mien.errors import DataError
from mien.settings import Settings
from mien.train.unlabelled import largest_faces, photos_below, with_unlabelled


@pytest.fixture
def cutter() -> Any:
    """Cuts a face to one pixel per 3: its width, so that tests can tell which face it was."""

    def crop(view: FaceView) -> np.ndarray:
        return np.full((24, 24), min(view.detection.box.width / 3, 255), np.uint8)

    return SimpleNamespace(crop=crop)


def test_photos_are_found_by_name(tmp_path: Path) -> None:
    for name in ("b/2.jpg", "a.PNG", "note.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in photos_below(tmp_path)] == ["a.PNG", "2.jpg"]
    with pytest.raises(DataError, match="no photo below"):
        photos_below(tmp_path / "nowhere")


def test_labels_and_votes_are_missing() -> None:
    pixels, labels = np.ones((2, 24, 24), np.uint8), np.array([0, 1])
    votes = np.ones((2, 10), np.float32)
    base = FaceSet("s", "train", ("a", "b"), pixels, labels, votes, np.zeros(2, bool), ("x", "y"), "0" * 64)
    more = with_unlabelled(base, np.full((3, 24, 24), 7, np.uint8))
    assert more.labels.tolist() == [0, 1, -1, -1, -1]
    assert more.votes is not None and more.votes[2:].sum() == 0 and more.votes.shape == (5, 10)
    assert len(more.names) == len(more.faces) == len(more.twins) == 5
    assert more.sha256 != base.sha256


def test_the_largest_face_of_each_photo(
    cutter: Any, weights: Settings, astronaut: np.ndarray, coffee: np.ndarray, tmp_path: Path
) -> None:
    two = np.zeros((512, 800, 3), np.uint8)
    two[:, :512] = astronaut
    two[:256, 512:768] = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    for name, photo in (("a", coffee), ("b", two), ("c", astronaut)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), photo[..., ::-1])
    steps: list[int] = []
    faces = largest_faces(photos_below(tmp_path), cutter, weights, lambda: steps.append(1))
    assert len(steps) == 3 and faces.shape == (2, 24, 24)
    np.testing.assert_allclose(faces[0], faces[1], atol=2)
    with pytest.raises(DataError, match="no face"):
        largest_faces([tmp_path / "a.png"], cutter, weights, lambda: None)


def test_a_broken_photo_is_named(cutter: Any, weights: Settings, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no photo")
    with pytest.raises(DataError, match=r"broken\.jpg"):
        largest_faces(photos_below(tmp_path), cutter, weights, lambda: None)
