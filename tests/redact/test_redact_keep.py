"""Nobody stays bare of whom the gallery is not sure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from made_up_people import directions, near
from made_up_photos import MODEL, enrol, new_gallery
from made_up_sights import RATE, row

from mien.align.view import FaceView
from mien.errors import CalibrationError, SettingsError
from mien.face import Embedding, FaceMesh, Failed, Quality
from mien.gallery.errors import PersonUnknown
from mien.gallery.gallery import Gallery
from mien.image import open_photo
from mien.redact.keep import Keeper, Verdict
from mien.redact.link import Sight, Stretch
from mien.redact.policy import RedactPolicy

ANNA, BEN, STRANGER, OTHER = directions(4)
PHOTO = open_photo(np.zeros((200, 200, 3), np.uint8))
KEEP, ONLY = RedactPolicy(keep=("Anna",)), RedactPolicy(only=("Anna",))


@dataclass
class Eyes:
    """The networks' double: sees the next of what it was told to see."""

    looks: list[tuple[np.ndarray, float]] = field(default_factory=list)

    def embed(self, views: Sequence[FaceView]) -> list[Embedding | Failed]:
        return [Embedding(np.asarray(self.looks[0][0], np.float32), MODEL)]

    def landmark(self, views: Sequence[FaceView]) -> list[FaceMesh | Failed]:
        return [Failed("landmark", "nobody asked")]

    def measure(self, view: FaceView, mesh: object) -> Quality:
        return Quality(self.looks.pop(0)[1], ())


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with new_gallery(tmp_path) as made:
        enrol(made, "Anna", ANNA, 3)
        enrol(made, "Ben", BEN)
        yield made


def judged(gallery: Gallery, policy: RedactPolicy, looks: Sequence[tuple[np.ndarray, float]], **more: float) -> Verdict:
    """A stretch of five frames for each look."""
    eyes = Eyes(list(looks))
    keeper = Keeper(gallery, eyes, policy)  # type: ignore[arg-type]
    stretch = Stretch(1)
    for index in range(5 * len(looks)):
        stretch.sights.append(Sight(index / RATE, row(50, **more), False))
        keeper.look(stretch, PHOTO)
    return keeper.verdict(stretch)


def shots(
    direction: np.ndarray, count: int, quality: float = 80.0, cosine: float = 0.8
) -> list[tuple[np.ndarray, float]]:
    return [(near(direction, cosine, seed), quality) for seed in range(count)]


def test_a_person_to_keep_stays_bare(gallery: Gallery) -> None:
    assert judged(gallery, KEEP, shots(ANNA, 4)) == Verdict([True] * 20, "Anna")


@pytest.mark.parametrize("direction", [BEN, STRANGER])
def test_everybody_else_is_covered(gallery: Gallery, direction: np.ndarray) -> None:
    assert not any(judged(gallery, KEEP, shots(direction, 4)).bare)


def test_one_shot_of_somebody_else_covers_all_of_it(gallery: Gallery) -> None:
    looks = [*shots(ANNA, 4), *shots(STRANGER, 1), *shots(ANNA, 4)]
    assert not any(judged(gallery, KEEP, looks).bare)


@pytest.mark.parametrize(
    ("count", "quality", "more"), [(4, 20, {}), (1, 80, {}), (4, 80, {"score": 0.5}), (4, 80, {"side": 20.0})]
)  # fmt: skip
def test_poor_few_doubtful_and_small_looks_prove_nothing(
    gallery: Gallery, count: int, quality: float, more: dict[str, float]
) -> None:
    assert not any(judged(gallery, KEEP, shots(ANNA, count, quality), **more).bare)
    assert not any(judged(gallery, ONLY, shots(STRANGER, count, quality), **more).bare)


def test_a_face_that_cannot_be_known_for_long_is_covered_meanwhile(gallery: Gallery) -> None:
    """Two seconds in profile."""
    looks = [*shots(ANNA, 4), *shots(OTHER, 10, quality=20), *shots(ANNA, 4)]
    bare = judged(gallery, KEEP, looks).bare
    assert all(bare[:16]) and not any(bare[16:70]) and all(bare[70:])


def test_a_touched_face_is_covered(gallery: Gallery) -> None:
    keeper = Keeper(gallery, Eyes(shots(ANNA, 4)), KEEP)  # type: ignore[arg-type]
    stretch = Stretch(1)
    for index in range(20):
        stretch.sights.append(Sight(index / RATE, row(50), index == 7))
        keeper.look(stretch, PHOTO)
    assert [index for index, bare in enumerate(keeper.verdict(stretch).bare) if not bare] == [7]


def test_only_covers_the_person_and_whoever_may_be(gallery: Gallery) -> None:
    assert not any(judged(gallery, ONLY, shots(ANNA, 4)).bare)
    assert not any(judged(gallery, ONLY, shots(ANNA, 4, quality=20)).bare)
    assert not any(judged(gallery, ONLY, [*shots(STRANGER, 4), *shots(ANNA, 1, 20, 0.3)]).bare)


def test_only_leaves_others_bare(gallery: Gallery) -> None:
    assert judged(gallery, ONLY, shots(STRANGER, 4)) == Verdict([True] * 20, None)
    assert judged(gallery, ONLY, shots(BEN, 4)) == Verdict([True] * 20, "Ben")


def test_who_is_not_known_is_told_at_once(gallery: Gallery) -> None:
    with pytest.raises(PersonUnknown):
        Keeper(gallery, Eyes(), RedactPolicy(keep=("Zoe",)))  # type: ignore[arg-type]
    with pytest.raises(CalibrationError):
        Keeper(gallery, Eyes(), RedactPolicy(keep=("Anna",), fpir=1e-9))  # type: ignore[arg-type]
    gallery.drop_templates("Anna", [one.id for one in gallery.templates("Anna")])
    with pytest.raises(SettingsError, match="no face"):
        Keeper(gallery, Eyes(), KEEP)  # type: ignore[arg-type]
