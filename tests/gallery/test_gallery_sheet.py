"""The contact sheet: which faces are shown of a finding, and that whatever is there can be drawn."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from made_up_people import directions, near

from mien.gallery.doctor import Finding, Kind
from mien.gallery.people import Person, Profile, Template
from mien.gallery.sheet import TILE, Shown, draw_sheet, shown
from mien.image import encode_image

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANNA, BEN, *_ = directions(3)
RED, BLUE = (200, 0, 0), (0, 0, 200)


def template(number: int, vector: np.ndarray, colour: tuple[int, int, int] | None = None) -> Template:
    pixels = np.full((112, 112, 3), colour or (0, 0, 0), np.uint8)
    return Template(vector, 80, "a photo", NOW, encode_image(pixels, ".png") if colour else None, number)


PEOPLE = {
    "a": [template(1, near(ANNA, 0.9, 1), RED), template(2, near(ANNA, 0.9, 2)), template(3, near(BEN, 0.9, 3), BLUE)],
    "b": [template(4, near(BEN, 0.5, 4)), template(5, near(BEN, 0.95, 5), BLUE)],
    "c": [],
}


def person(person_id: str) -> Person:
    return Person(person_id, Profile(f"person {person_id} \x1b with a name as long as a street"), NOW, 1, 1)


def show(kind: Kind, template_id: int | None, other: str | None, whose: str = "a") -> Shown:
    finding = Finding(kind, whose, template_id, other, 0.5, None, "For a reason\n" + "that is long " * 60)
    return shown(finding, person, PEOPLE.__getitem__)


def ids(one: Shown) -> list[tuple[str, int | None]]:
    return [(who.id, what.id if what else None) for who, what in one.tiles]


def test_a_template_beside_its_own_and_the_closest_of_the_other() -> None:
    first, own, rival = ids(show("mislabelled", 3, "b"))
    assert first == ("a", 3) and own[0] == "a" and own[1] in (1, 2) and rival == ("b", 5)


def test_two_people_by_their_closest_pair() -> None:
    assert ids(show("duplicate_person", None, "b")) == [("a", 3), ("b", 5)]


def test_a_template_and_its_twin_and_one_alone() -> None:
    assert ids(show("duplicate_template", 1, None)) == [("a", 1), ("a", 2)]
    assert ids(show("low_quality", 9, None, "c")) == [("c", None)]


def test_crops_are_drawn_and_what_is_missing_is_grey() -> None:
    sheet = draw_sheet([show("duplicate_person", None, "b"), show("duplicate_template", 1, None)])
    assert sheet.shape[1:] == (1006, 3) and sheet.dtype == np.uint8
    assert sheet[60, 60].tolist() == [0, 0, 200] and sheet[200, 60].tolist() == [200, 0, 0]
    assert sheet[165, 30 + TILE].tolist() == [205, 208, 211]


@pytest.mark.parametrize("kind", ["mislabelled", "poisoned", "low_quality", "confusable"])
def test_every_kind_and_nothing_at_all(kind: Kind) -> None:
    assert draw_sheet([show(kind, 3, None), show(kind, None, "c")]).shape[0] > draw_sheet([]).shape[0]
