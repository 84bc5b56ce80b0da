from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.analyze import Analyzer
from mien.errors import DataError
from mien.evaluate.people import PeoplePhotos
from mien.evaluate.templates import NO_FACE, Templates, embed_photos
from mien.image import write_image
from mien.settings import Settings


@pytest.fixture
def photos(tmp_path: Path, astronaut: np.ndarray) -> PeoplePhotos:
    write_image(tmp_path / "face.png", astronaut)
    write_image(tmp_path / "mirrored.png", np.ascontiguousarray(astronaut[:, ::-1]))
    write_image(tmp_path / "grey.png", np.full((200, 200, 3), 128, np.uint8))
    (tmp_path / "broken.png").write_bytes((tmp_path / "face.png").read_bytes()[:5000])
    names = ("face.png", "grey.png", "mirrored.png", "broken.png", "absent.png")
    return PeoplePhotos(tuple(tmp_path / name for name in names), ("her", "none", "her", "her", "her"))


def test_the_whole_pipeline_keeps_what_failed_in_sight(weights: Settings, photos: PeoplePhotos) -> None:
    seen: list[tuple[int, int]] = []
    analyzer = Analyzer(["embed"], weights)
    templates = embed_photos(analyzer, photos, lambda done, total: seen.append((done, total)))
    assert [path.name for path in templates.paths] == ["face.png", "mirrored.png"]
    assert templates.people.tolist() == [0, 0]
    assert templates.vectors[0] @ templates.vectors[1] > 0.8
    assert np.isnan(templates.quality).all()
    reasons = {one.path.name: one.reason for one in templates.missing}
    assert reasons["grey.png"] == NO_FACE
    assert set(reasons) == {"grey.png", "broken.png", "absent.png"}
    assert seen[-1] == (5, 5)


def test_not_one_face_is_an_error(weights: Settings, photos: PeoplePhotos) -> None:
    faceless = PeoplePhotos(photos.paths[1:2], ("none",))
    with pytest.raises(DataError, match="Not one photo"):
        embed_photos(Analyzer(["embed"], weights), faceless)


def test_parts_number_their_people_anew(made_up: Callable[..., Templates]) -> None:
    templates = made_up(6)
    part = templates.of_people(np.array([False, True, False, True, False, False]))
    assert part.people.tolist() == [0, 0, 1, 1]
    assert part.paths == templates.paths[2:4] + templates.paths[6:8]
    rest = templates.without([part])
    assert rest.n_people == 4
    assert not set(rest.paths) & set(part.paths)
    assert templates.named({"3.jpg"}).paths == (templates.paths[3],)
