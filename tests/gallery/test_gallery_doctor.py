from __future__ import annotations

import numpy as np
from made_up_people import calibration, directions, near, template

from mien.gallery.doctor import DoctorPolicy, Finding, examine
from mien.gallery.people import Template

FACES = directions(30)
HOW_ALIKE = 0.8  # two photos of one person have a cosine of about 0.64


def gallery(photos: int = 4) -> dict[str, list[Template]]:
    return {
        f"p{who}": [
            template(near(FACES[who], HOW_ALIKE, 100 * who + shot), number=100 * who + shot) for shot in range(photos)
        ]
        for who in range(20)
    }


def of(kind: str, found: tuple[Finding, ...]) -> list[Finding]:
    return [one for one in found if one.kind == kind]


def test_a_sound_gallery_has_no_findings() -> None:
    assert examine(gallery(), calibration()) == ()
    assert examine({}, calibration()) == ()


def test_swapped_labels_are_found_and_nobody_else_is_blamed() -> None:
    people = gallery()
    people["p1"][0], people["p2"][0] = people["p2"][0], people["p1"][0]
    found = examine(people, calibration())
    assert {(one.person_id, one.template_id, one.other_id) for one in found} == {
        ("p1", 200, "p2"),
        ("p2", 100, "p1"),
    }
    assert all(one.kind == "mislabelled" and one.fmr is not None for one in found)
    assert "liker to p2" in next(one.reason for one in found if one.person_id == "p1")


def test_a_face_like_none_of_its_own_is_poison() -> None:
    people = gallery()
    people["p3"].append(template(FACES[25], number=9999))
    (found,) = examine(people, calibration())
    assert (found.kind, found.template_id, found.other_id, found.fmr) == ("poisoned", 9999, None, None)


def test_a_face_like_several_people_is_poison() -> None:
    people = gallery()
    blend = FACES[4] + FACES[5]
    people["p6"].append(template(blend / np.linalg.norm(blend), number=9999))
    found = of("poisoned", examine(people, calibration()))
    assert [one.template_id for one in found] == [9999] and "p4" in found[0].reason and "p5" in found[0].reason


def test_a_person_enrolled_twice_is_one_finding() -> None:
    people = gallery()
    people["again"] = [template(near(FACES[7], HOW_ALIKE, 9000 + shot), number=9000 + shot) for shot in range(3)]
    (found,) = examine(people, calibration())
    assert (found.kind, found.person_id, found.other_id) == ("duplicate_person", "p7", "again")
    assert "enrolled twice" in found.reason and "by chance" in found.reason


def test_people_who_are_hard_to_tell_apart() -> None:
    people = {"one": [template(FACES[0])], "two": [template(near(FACES[0], 0.45, 1))]}
    people |= {f"p{who}": [template(FACES[who])] for who in range(1, 20)}
    (found,) = examine(people, calibration(), DoctorPolicy(chance=1e-3))
    assert (found.kind, found.person_id, found.other_id) == ("confusable", "one", "two")


def test_copies_and_poor_photos() -> None:
    people = gallery()
    people["p8"].append(template(near(people["p8"][1].vector, 0.995, 1), quality=20, number=9999))
    found = examine(people, calibration())
    assert [(one.kind, one.template_id) for one in found] == [("duplicate_template", 9999), ("low_quality", 9999)]
    assert "copy of template 801" in found[0].reason and found[1].score == 20
    people["p8"][-1] = template(people["p8"][-1].vector, float("nan"), 9999)
    assert of("low_quality", examine(people, calibration())) == []


def test_the_most_striking_come_first_up_to_the_limit() -> None:
    people = {
        name: [template(one.vector, 10.0 + place) for one in some]
        for place, (name, some) in enumerate(gallery().items())
    }
    found = of("low_quality", examine(people, calibration(), DoctorPolicy(limit=5)))
    assert len(found) == 5 and [one.score for one in found] == sorted(one.score for one in found)
