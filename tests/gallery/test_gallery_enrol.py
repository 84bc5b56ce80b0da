"""Who gets into a gallery, who does not, and what is told about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from made_up_people import calibration, directions, near, template
from made_up_photos import CONSENT, enrol, face, new_gallery, opened, profile, studio_of

from mien.errors import DataError
from mien.face import Failed
from mien.gallery.enrol import Allow, Candidate, JudgedPhoto, without_strangers
from mien.gallery.errors import ConsentMissing, EnrolmentRefused, GalleryError, GalleryModel, PersonUnknown
from mien.gallery.gallery import Gallery

ANNA, BEN, CARL, DORA = directions(4)


@pytest.fixture
def gallery(tmp_path: Path, place: str) -> Iterator[Gallery]:
    with new_gallery(tmp_path, place) as made:
        yield made


def refusals(gallery: Gallery, photos: list[Path], allow: Allow | None = None) -> list[tuple[str, str]]:
    """Code and reasons of the photos that are not kept, of somebody who is enrolled with them."""
    return [
        (photo.code, " ".join(photo.reasons))
        for photo in gallery.enrol(profile("Newcomer"), photos, allow).photos
        if not photo.kept
    ]


def test_photos_become_a_person_with_templates(gallery: Gallery) -> None:
    photos = studio_of(gallery).of(ANNA, 3)
    done = gallery.enrol(profile("Anna", external_id="17", tags=("staff",), groups=("night",)), photos)
    assert done.n_kept == 3 and [one.source for one in done.photos] == [str(path) for path in photos]
    person = gallery.person("17")
    assert person.id == done.person_id and person.n_templates == 3 and person.profile.consent == CONSENT
    stored = gallery.templates("Anna")
    assert [one.source for one in stored] == [str(path) for path in photos]
    assert all(one.quality == 80.0 and one.crop is None for one in stored)
    assert stored[0].vector @ near(ANNA, 0.9, 1000) == pytest.approx(1.0, abs=1e-5)


def test_a_photo_without_a_face_or_with_two_is_refused(gallery: Gallery) -> None:
    studio = studio_of(gallery)
    (nobody, two) = refusals(gallery, [studio.shoot(), studio.shoot(face(ANNA), face(BEN, side=90))])
    assert nobody == ("no-single-face", "No face was found in the photo.")
    assert two[0] == "no-single-face" and "2 faces" in two[1]
    assert list(gallery.people()) == []


def test_somebody_small_in_the_background_is_noted(gallery: Gallery) -> None:
    photo = studio_of(gallery).shoot(face(ANNA), face(BEN, side=20))
    (judged,) = gallery.enrol(profile("Anna"), [photo]).photos
    assert judged.kept and "2 faces" in judged.notes[0]
    assert gallery.templates("Anna")[0].vector @ ANNA == pytest.approx(1.0, abs=1e-5)


def test_a_poor_photo_is_refused_with_its_measures(gallery: Gallery) -> None:
    poor = face(ANNA, 31.0)
    unseen = replace(face(ANNA), embedding=Failed("tiny", "The face is tiny."))
    studio = studio_of(gallery)
    ((code, reason), (_, tiny)) = refusals(gallery, [studio.shoot(poor), studio.shoot(unseen)])
    assert code == "unfit" and reason == "The face is too poor (31 of 100, 50 needed): blurred."
    assert "The face is tiny." in tiny


def test_what_is_no_photo_is_refused_and_the_others_are_taken(gallery: Gallery, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("Anna")
    done = gallery.enrol(profile("Anna"), [tmp_path / "list.txt", *studio_of(gallery).of(ANNA), tmp_path / "gone.jpg"])
    assert [(one.kept, one.code) for one in done.photos] == [
        (False, "image-format"),
        (True, "ok"),
        (False, "image-missing"),
    ]
    assert gallery.person("Anna").n_templates == 1


def test_somebody_enrolled_already_is_named_with_the_error_rate(gallery: Gallery) -> None:
    enrol(gallery, "Anna Smith", ANNA)
    known = gallery.templates("Anna Smith")[0].vector
    again = studio_of(gallery).shoot(face(near(known, 0.56, 1)))
    ((code, reason),) = refusals(gallery, [again])
    assert code == "duplicate" and "This looks like Anna Smith" in reason and "2.5e-06" in reason
    assert [one.profile.name for one in gallery.people()] == ["Anna Smith"]
    done = gallery.enrol(profile("Her twin"), [again], Allow(duplicate=True))
    assert done.n_kept == 1 and "This looks like Anna Smith" in done.photos[0].notes[0]
    assert len(list(gallery.people())) == 2


def test_nobody_learns_whom_another_tenant_has_enrolled(gallery: Gallery) -> None:
    enrol(gallery, "Anna", ANNA, tenant="a", external_id="17")
    done = gallery.enrol(profile("Anna", tenant="b", external_id="17"), studio_of(gallery).of(ANNA))
    assert done.n_kept == 1 and done.photos[0].notes == ()
    with pytest.raises(EnrolmentRefused):
        gallery.enrol(profile("Somebody", tenant="b", external_id="17"), studio_of(gallery).of(BEN))


def test_of_two_photos_that_are_unlike_both_are_refused(gallery: Gallery) -> None:
    photos = studio_of(gallery).of(ANNA) + studio_of(gallery).of(BEN)
    found = refusals(gallery, photos)
    assert [code for code, _ in found] == ["unlike", "unlike"] and "one in a hundred strangers" in found[0][1]
    assert list(gallery.people()) == []
    assert refusals(gallery, photos, Allow(unlike=True)) == []


def test_of_three_photos_the_odd_one_is_refused(gallery: Gallery) -> None:
    anna, ben = studio_of(gallery).of(ANNA, 2), studio_of(gallery).of(BEN)
    done = gallery.enrol(profile("Anna"), [anna[0], *ben, anna[1]])
    assert [(one.kept, one.code) for one in done.photos] == [(True, "ok"), (False, "unlike"), (True, "ok")]


def test_several_photos_of_one_stranger_do_not_vouch_for_each_other(gallery: Gallery) -> None:
    studio = studio_of(gallery)
    done = gallery.enrol(profile("Anna"), [*studio.of(BEN, 2), *studio.of(ANNA, 3)])
    assert [one.code for one in done.photos] == ["unlike", "unlike", "ok", "ok", "ok"]
    assert [one.code for one in gallery.add_photos("Anna", studio.of(CARL, 3)).photos] == ["unlike"] * 3
    assert gallery.person("Anna").n_templates == 3
    assert refusals(gallery, [*studio.of(BEN, 2), *studio.of(DORA, 2)])[0][0] == "unlike", "two people, two photos each"


def test_known_templates_outweigh_any_number_of_new_photos(gallery: Gallery) -> None:
    enrol(gallery, "Anna", ANNA)
    studio = studio_of(gallery)
    done = gallery.add_photos("Anna", [*studio.of(CARL, 3), *studio.of(ANNA)])
    assert [one.code for one in done.photos] == ["unlike"] * 3 + ["ok"]


def test_a_row_of_photos_that_change_little_by_little_is_one_person() -> None:
    """Each looks like the next one, the first does not look like the last."""
    made = [np.cos(a) * ANNA + np.sin(a) * BEN for a in np.arange(5) * 0.9]
    assert made[0] @ made[4] < 0 < made[0] @ made[1]
    row = [Candidate(JudgedPhoto(str(i), True), template(one)) for i, one in enumerate(made)]
    assert all(one.judged.kept for one in without_strangers(row, [], calibration()))
    assert not any(one.judged.kept for one in without_strangers(row[:1] + row[4:], [], calibration()))


@pytest.mark.parametrize(
    ("consent", "why"),
    [
        (None, "without a consent record"),
        (replace(CONSENT, purpose=" "), "does not say: purpose"),
        (replace(CONSENT, given_at=datetime.now(UTC) + timedelta(days=2)), "in the future"),
        (replace(CONSENT, until=datetime.now(UTC)), "ran out on"),
    ],
)
def test_nobody_is_enrolled_without_consent_whatever_is_allowed(gallery: Gallery, consent: object, why: str) -> None:
    newcomer = profile("Anna", consent=consent)
    with pytest.raises(ConsentMissing, match=why):
        gallery.enrol(newcomer, [Path("this is not looked at")], Allow(True, True))
    with pytest.raises(ConsentMissing, match=why):
        gallery.enrol_faces(newcomer, [("a track", face(ANNA))])
    with pytest.raises(ConsentMissing, match=why):
        gallery.add_people([(profile("Ben"), [template(BEN)]), (newcomer, [template(ANNA)])])
    assert list(gallery.people()) == []


def test_a_policy_may_ask_for_no_consent(tmp_path: Path) -> None:
    gallery = new_gallery(tmp_path, require_consent=False)
    assert gallery.enrol(profile("Anna", consent=None), studio_of(gallery).of(ANNA)).n_kept == 1


def test_a_time_without_a_zone_is_an_error_with_a_cure(gallery: Gallery) -> None:
    for bare in (replace(CONSENT, given_at=datetime(2026, 1, 1)), replace(CONSENT, until=datetime(2200, 1, 1))):
        with pytest.raises(GalleryError, match="time zone"):
            gallery.enrol(profile("Anna", consent=bare), studio_of(gallery).of(ANNA))
    with pytest.raises(GalleryError, match="time zone"):
        gallery.enrol(profile("Anna", valid_until=datetime(2200, 1, 1)), studio_of(gallery).of(ANNA))


def test_an_external_id_belongs_to_one_person(gallery: Gallery) -> None:
    enrol(gallery, "Anna", ANNA, external_id="17")
    enrol(gallery, "Ben", BEN)
    with pytest.raises(EnrolmentRefused, match="'17' is Anna's"):
        gallery.enrol(profile("Carl", external_id="17"), [Path("this is not looked at")])
    with pytest.raises(EnrolmentRefused, match="'17' is Anna's"):
        gallery.change("Ben", external_id="17")
    with pytest.raises(EnrolmentRefused, match="named twice"):
        gallery.add_people([(profile(name, external_id="18"), [template(CARL)]) for name in ("Carl", "Dora")])
    assert gallery.change("Anna", external_id="17", name="Anne").profile.name == "Anne"
    assert [one.profile.name for one in gallery.people()] == ["Anne", "Ben"]
    gallery.remove("17")
    assert gallery.change("Ben", external_id="17").profile.external_id == "17"


def test_more_photos_than_the_policy_keeps(tmp_path: Path) -> None:
    gallery = new_gallery(tmp_path, max_templates=2)
    studio = studio_of(gallery)
    shots = [studio.shoot(face(near(ANNA, 0.9, seed), quality)) for seed, quality in enumerate((60, 95, 90))]
    done = gallery.enrol(profile("Anna"), shots)
    assert [one.kept for one in done.photos] == [False, True, True] and done.n_kept == 2
    assert done.photos[0].code == "surplus" and not done.photos[0].reasons and done.photos[0].notes
    better = studio.shoot(face(near(ANNA, 0.9, 9), 99))
    added = gallery.add_photos("Anna", [better, studio.shoot(face(near(ANNA, 0.9, 8), 55))])
    assert [one.code for one in added.photos] == ["ok", "surplus"] and added.n_kept == 1
    kept = gallery.templates("Anna")
    assert sorted(one.quality for one in kept) == [95, 99] and gallery.person("Anna").n_templates == 2
    assert [one.kind for one in gallery.history("Anna")] == ["enrol", "add", "drop_template"]


def test_photos_added_to_somebody_are_no_duplicates_of_that_person(gallery: Gallery) -> None:
    enrol(gallery, "Anna", ANNA)
    enrol(gallery, "Ben", BEN)
    studio = studio_of(gallery)
    assert gallery.add_photos("Anna", studio.of(ANNA)).n_kept == 1
    (judged,) = gallery.add_photos("Anna", studio.of(BEN)).photos
    assert judged.code == "duplicate" and "This looks like Ben" in judged.reasons[0]
    allowed = gallery.add_photos("Anna", studio.of(BEN), Allow(duplicate=True))
    assert allowed.photos[0].code == "unlike", "an allowed look-alike must still look like the person"
    assert gallery.add_photos("Anna", studio.of(BEN), Allow(True, True)).n_kept == 1
    before = gallery.records.seq()
    assert gallery.add_photos("Anna", [studio.shoot()]).n_kept == 0
    assert gallery.records.seq() == before, "nothing is written where nothing is kept"
    with pytest.raises(PersonUnknown):
        gallery.add_photos("Nobody", [])


def test_a_folder_for_each_person(gallery: Gallery) -> None:
    studio = studio_of(gallery)
    studio.shoot(face(near(ANNA, 0.9, 1)), name="people/Anna_Smith/one.png")
    studio.shoot(face(near(ANNA, 0.9, 2)), name="people/Anna_Smith/deep/two.png")
    studio.shoot(name="people/Ben/nobody.png")
    studio.shoot(face(near(CARL, 0.9, 3)), name="people/Carl/one.png")
    (studio.folder / "people" / "Empty").mkdir()
    done = list(gallery.enrol_folder(studio.folder / "people", profile("", groups=("day",))))
    assert [(one.name, one.n_kept) for one in done] == [("Anna Smith", 2), ("Ben", 0), ("Carl", 1)]
    assert done[1].person_id is None and len(done[1].photos) == 1
    assert [(one.profile.name, one.profile.groups) for one in gallery.people()] == [
        ("Anna Smith", ("day",)),
        ("Carl", ("day",)),
    ]
    with pytest.raises(DataError, match="no folders with photos"):
        list(gallery.enrol_folder(studio.folder / "people" / "Carl", profile("")))


def test_faces_of_a_track_are_enrolled_by_what_they_are_called(gallery: Gallery) -> None:
    track = [(f"frame {seed}", face(near(ANNA, 0.9, seed), 80 - 20 * seed)) for seed in range(3)]
    done = gallery.enrol_faces(profile("Anna"), track)
    assert [(one.source, one.kept) for one in done.photos] == [
        ("frame 0", True),
        ("frame 1", True),
        ("frame 2", False),
    ]


def test_crops_are_kept_only_where_the_policy_says_so(tmp_path: Path) -> None:
    gallery = new_gallery(tmp_path, keep_crops=True)
    enrol(gallery, "Anna", ANNA)
    (stored,) = gallery.templates("Anna")
    assert stored.crop and stored.crop.startswith(b"\xff\xd8\xff")


def test_vectors_of_another_embedder_are_refused_and_nothing_is_stored(gallery: Gallery) -> None:
    with pytest.raises(GalleryModel):
        gallery.add_people([(profile("Ben"), [template(BEN)]), (profile("Anna"), [template(ANNA[:32])])])
    with pytest.raises(GalleryError, match="unit length"):
        gallery.add_people([(profile("Ben"), [template(BEN)]), (profile("Anna"), [template(ANNA * 2)])])
    assert list(gallery.people()) == []
    other = replace(studio_of(gallery), embedding_model="other@2")
    with pytest.raises(GalleryModel, match="other@2"):
        opened(gallery.place, other)


def test_without_a_calibration_duplicates_are_not_sought_and_it_is_said(gallery: Gallery) -> None:
    enrol(gallery, "Anna", ANNA)
    gallery.calibration = None
    done = gallery.enrol(profile("Again"), [*studio_of(gallery).of(ANNA), *studio_of(gallery).of(BEN)])
    assert done.n_kept == 2 and "Duplicates were not sought" in done.photos[0].notes[0]


def test_a_photo_is_stored_once(gallery: Gallery) -> None:
    """Nor is one that a correction says is somebody else's."""
    first, second, wrong = (studio_of(gallery).of(ANNA, 1, cosine)[0] for cosine in (0.9, 0.85, 0.6))
    done = gallery.enrol(profile("Anna"), [first, first])
    assert [one.code for one in done.photos] == ["ok", "copy"] and done.n_kept == 1
    gallery.correct("Anna", wrong)
    more = gallery.add_photos("Anna", [first, second, wrong])
    assert [one.code for one in more.photos] == ["copy", "ok", "copy"]
    assert "template" in more.photos[0].reasons[0] and "Correction" in more.photos[2].reasons[0]
    assert gallery.person("Anna").n_templates == 2
