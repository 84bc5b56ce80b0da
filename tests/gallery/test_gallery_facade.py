"""What a user relies on: who is found and who is not, how it is corrected, and that whoever is removed is gone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from made_up_people import DIM, NOW, directions, near, template
from made_up_photos import CONSENT, LONG_AGO, MASTER, enrol, face, moment, new_gallery, opened, profile, studio_of
from tests.gallery.stored_people import OnServer, bytes_of

from mien import Gallery as PublicGallery
from mien.errors import DataError, ImageMissing, WeightsCardInvalid, WeightsUnknown
from mien.face import NOT_ASKED, Failed
from mien.gallery.asking import Ask, embedder_of
from mien.gallery.errors import (
    ConsentMissing,
    EnrolmentRefused,
    GalleryError,
    GalleryExists,
    GalleryMissing,
    GalleryModel,
    PersonUnknown,
    WrongKey,
)
from mien.gallery.gallery import Gallery, GalleryPolicy
from mien.gallery.identify import Identification, IdentifyPolicy, Who
from mien.gallery.people import Profile, Template
from mien.gallery.place import restore_records
from mien.gallery.search.labels import Filter
from mien.gallery.store.master import MasterKey
from mien.gallery.store.receipt import load_receipt, verify_receipt
from mien.settings import Settings

ANNA, BEN, CARL, DORA, ED = directions(5)


@pytest.fixture
def gallery(tmp_path: Path, place: str) -> Iterator[Gallery]:
    """Anna with three photos, Ben and Carl with one each."""
    with new_gallery(tmp_path, place, keep_answers_days=30) as made:
        enrol(made, "Anna", ANNA, 3)
        enrol(made, "Ben", BEN)
        enrol(made, "Carl", CARL)
        yield made


def who(gallery: Gallery, vector: np.ndarray, ask: Ask | None = None, quality: float = 80.0) -> Identification:
    """The answer about the one face of a photo."""
    (sighting,) = gallery.identify(studio_of(gallery).shoot(face(vector, quality)), ask)
    assert isinstance(sighting.identification, Identification)
    return sighting.identification


def name(gallery: Gallery, vector: np.ndarray, ask: Ask | None = None) -> str | None:
    """Who the one face of a photo is, by name."""
    return gallery.identify(studio_of(gallery).shoot(face(vector)), ask)[0].name


# Who is it?


def test_every_face_of_a_photo_is_answered(gallery: Gallery) -> None:
    photo = studio_of(gallery).shoot(face(near(BEN, 0.8, 1)), face(DORA, side=60), face(near(ANNA, 0.8, 2), side=30))
    found = gallery.identify(photo)
    assert [one.name for one in found] == ["Ben", None, "Anna"]
    assert [one.identification.answer for one in found] == [Who.PERSON, Who.UNKNOWN, Who.PERSON]
    assert found[0].identification.person_id == gallery.person("Ben").id
    assert found[0].identification.reasons and "threshold" in found[0].identification.reasons[0]
    assert gallery.identify(studio_of(gallery).shoot()) == ()


def test_a_poor_face_is_never_called_unknown(gallery: Gallery) -> None:
    poor = who(gallery, DORA, quality=40)
    assert poor.answer is Who.INCONCLUSIVE and "40 of 100" in poor.reasons[0] and "below" in poor.reasons[1]
    assert who(gallery, DORA, Ask(min_quality=30), quality=40).answer is Who.UNKNOWN
    assert who(gallery, near(BEN, 0.8, 1), quality=40).answer is Who.PERSON, "poor photos can still be recognised"
    unmeasured = replace(face(DORA), quality=NOT_ASKED)
    (one,) = gallery.identify(studio_of(gallery).shoot(unmeasured))
    assert one.identification.answer is Who.INCONCLUSIVE


def test_a_face_that_could_not_be_embedded_says_why(gallery: Gallery) -> None:
    dark, unasked = replace(face(ANNA), embedding=Failed("dark", "Too dark.")), replace(face(ANNA), embedding=NOT_ASKED)
    found = gallery.identify(studio_of(gallery).shoot(dark, face(near(BEN, 0.8, 1)), unasked))
    assert [one.name for one in found] == [None, "Ben", None]
    assert found[0].identification == Failed("dark", "Too dark.")
    assert isinstance(found[2].identification, Failed)


def test_reasons_call_people_by_their_names(gallery: Gallery) -> None:
    enrol(gallery, "Anne", DORA)
    twin = 0.71 * ANNA + 0.70 * DORA
    found = who(gallery, twin / np.linalg.norm(twin), Ask(top=2))
    assert found.answer is Who.INCONCLUSIVE and found.person_id is None
    text = " ".join(found.reasons)
    assert "Anna (0" in text and "Anne (0" in text and gallery.person("Anna").id not in text


def test_the_margin_decides_between_two(gallery: Gallery) -> None:
    probe = 0.8 * BEN + 0.6 * CARL
    assert who(gallery, probe, Ask(IdentifyPolicy(margin=0.05))).answer is Who.PERSON
    assert who(gallery, probe, Ask(IdentifyPolicy(margin=0.5))).answer is Who.INCONCLUSIVE


def test_as_many_candidates_as_asked_for_each_with_its_rate(gallery: Gallery) -> None:
    (one,) = gallery.identify(studio_of(gallery).shoot(face(near(BEN, 0.8, 1))), Ask(top=3))
    listed = one.identification.candidates
    assert len(listed) == 3 and one.names[listed[0].person_id] == "Ben"
    assert sorted(one.names.values()) == ["Anna", "Ben", "Carl"]
    assert listed[0].fpir.value < listed[1].fpir.value <= listed[2].fpir.value
    assert len(who(gallery, BEN).candidates) == 1


def test_a_smaller_rate_needs_a_higher_score(gallery: Gallery) -> None:
    loose, strict = (who(gallery, near(BEN, 0.5, 1), Ask(IdentifyPolicy(fpir=rate))) for rate in (0.1, 1e-4))
    assert loose.threshold < strict.threshold and loose.asked_fpir == 0.1
    assert loose.score == pytest.approx(strict.score, abs=1e-3)


def test_many_photos_are_answered_in_order_and_an_error_stands_in_its_place(gallery: Gallery, tmp_path: Path) -> None:
    studio = studio_of(gallery)
    photos = [studio.shoot(face(ANNA)), tmp_path / "gone.jpg", studio.shoot(), studio.shoot(face(BEN))]
    found = list(gallery.identify_many(photos))
    assert isinstance(found[1], ImageMissing) and found[2] == ()
    assert [one[0].name for one in (found[0], found[3])] == ["Anna", "Ben"]


def test_vectors_of_another_length_are_refused(gallery: Gallery) -> None:
    with pytest.raises(GalleryModel):
        gallery.identify_vectors(np.ones((1, 5), np.float32))
    assert gallery.identify_vectors(np.empty((0, DIM), np.float32)) == []


def test_an_empty_gallery_knows_nobody(tmp_path: Path) -> None:
    empty = new_gallery(tmp_path)
    assert who(empty, ANNA).answer is Who.UNKNOWN and empty.examine() == () and list(empty.export()) == []


def test_without_a_calibration_every_answer_is_inconclusive(tmp_path: Path) -> None:
    bare = new_gallery(tmp_path, model="net@2")
    bare.close()
    with Gallery(bare.place, bare.settings, master=MASTER) as uncalibrated:
        uncalibrated.add_people([(profile("Anna"), [template(ANNA)])])
        (found,) = uncalibrated.identify_vectors(ANNA[None])
        assert found.answer is Who.INCONCLUSIVE and "Uncalibrated" in found.reasons[0]
        with pytest.raises(GalleryModel, match="No calibration"):
            uncalibrated.examine()
        with pytest.raises(GalleryModel, match="does not know"):
            uncalibrated.identify(studio_of(bare).shoot())


# Whom may be found?


def test_tenants_see_their_own_people(tmp_path: Path) -> None:
    gallery = new_gallery(tmp_path)
    for tenant in ("a", "b"):
        enrol(gallery, f"Anna of {tenant}", ANNA, tenant=tenant)
    for tenant in ("a", "b"):
        found = who(gallery, near(ANNA, 0.9, 1), Ask(keep=Filter(tenant), top=5))
        assert found.answer is Who.PERSON and len(found.candidates) == 1
        assert [one.profile.name for one in gallery.people(Filter(tenant))] == [f"Anna of {tenant}"]
    assert who(gallery, near(ANNA, 0.9, 1), Ask(keep=Filter("c"))).answer is Who.UNKNOWN


def test_the_rate_is_that_among_the_people_searched(tmp_path: Path) -> None:
    """A tenant's threshold does not rise with the people of another tenant."""
    gallery = new_gallery(tmp_path)
    enrol(gallery, "Anna", ANNA, tenant="a", groups=("night",))
    asks = [Ask(keep=Filter("a")), Ask(keep=Filter(groups=frozenset({"night"}))), Ask()]
    before = [who(gallery, DORA, ask).threshold for ask in asks]
    others = [(profile(f"{n}", tenant="b"), [template(near(BEN, 0.3, n))]) for n in range(40)]
    ids = gallery.add_people(others)
    after = [who(gallery, DORA, ask).threshold for ask in asks]
    assert after[:2] == pytest.approx(before[:2]) and after[2] > before[2] + 0.1
    for one in ids[1:]:
        gallery.remove(one)
    alone, both = (who(gallery, DORA, Ask(keep=keep)) for keep in (Filter("b"), Filter()))
    assert alone.threshold == pytest.approx(before[0]) and both.threshold > alone.threshold
    assert "among 1 person" in alone.reasons[0] and "among 2 people" in both.reasons[0]


def test_groups_and_dates_say_who_can_be_found(tmp_path: Path) -> None:
    gallery, today = new_gallery(tmp_path), datetime.now(UTC)
    week = timedelta(days=7)
    enrol(gallery, "Anna", ANNA, groups=("night", "door"))
    enrol(gallery, "Ben", BEN, valid_from=today + week)
    enrol(gallery, "Carl", CARL, valid_until=today - week, groups=("day",))
    enrol(gallery, "Dora", DORA, valid_from=today - week, valid_until=today + week)
    assert name(gallery, ANNA, Ask(keep=Filter(groups=frozenset({"night"})))) == "Anna"
    assert name(gallery, ANNA, Ask(keep=Filter(groups=frozenset({"day"})))) is None
    assert [name(gallery, one) for one in (ANNA, BEN, CARL, DORA)] == ["Anna", None, None, "Dora"]
    for days, people in ((-10, ["Anna", None, "Carl", None]), (10, ["Anna", "Ben", None, None])):
        assert [name(gallery, one, Ask(keep=Filter(at=moment(days)))) for one in (ANNA, BEN, CARL, DORA)] == people


def test_nobody_is_found_after_the_consent_ran_out(tmp_path: Path) -> None:
    gallery, today = new_gallery(tmp_path), datetime.now(UTC)
    anna = enrol(gallery, "Anna", ANNA, consent=replace(CONSENT, until=today + timedelta(days=3)))
    enrol(gallery, "Ben", BEN)
    assert name(gallery, ANNA) == "Anna" and gallery.expired() == []
    assert name(gallery, ANNA, Ask(keep=Filter(at=moment(4)))) is None
    assert [one.id for one in gallery.expired(today + timedelta(days=4))] == [anna]
    assert gallery.change("Anna", consent=replace(CONSENT, until=today + timedelta(days=9))).profile.consent
    assert name(gallery, ANNA, Ask(keep=Filter(at=moment(4)))) == "Anna"
    with pytest.raises(ConsentMissing):
        gallery.change("Anna", consent=None)


# Corrections


def test_a_correction_counts_from_then_on_and_says_so_by_name(gallery: Gallery) -> None:
    stranger = near(BEN, 0.6, 5)
    before = [who(gallery, near(stranger, 0.95, seed)) for seed in (6, 7)]
    assert [one.answer for one in before] == [Who.PERSON] * 2
    who(gallery, near(BEN, 0.95, 8))
    photo = studio_of(gallery).shoot(face(stranger))
    changed = gallery.replay("Ben", photo)
    assert [(one.answer.person_id, one.now.answer) for one in changed] == [(before[0].person_id, Who.UNKNOWN)] * 2
    assert who(gallery, stranger).answer is Who.PERSON, "a replay changes nothing"
    gallery.correct("Ben", photo, "the porter")
    after = who(gallery, near(stranger, 0.95, 9))
    assert after.answer is Who.UNKNOWN and after.candidates[0].not_this and "Ben would be closer" in after.reasons[-1]
    assert name(gallery, near(BEN, 0.95, 10)) == "Ben"
    last = gallery.history("Ben")[-1]
    assert last.kind == "correct" and last.detail == {"by": "the porter"}
    assert gallery.replay("Ben", photo) == [], "what is corrected already changes nothing more"


def test_a_correction_needs_one_clear_face(gallery: Gallery) -> None:
    studio = studio_of(gallery)
    with pytest.raises(EnrolmentRefused, match="No face"):
        gallery.correct("Ben", studio.shoot())
    with pytest.raises(EnrolmentRefused, match="2 faces"):
        gallery.correct("Ben", studio.shoot(face(ANNA), face(BEN)))
    with pytest.raises(EnrolmentRefused, match="could not be embedded"):
        gallery.correct("Ben", studio.shoot(replace(face(BEN), embedding=NOT_ASKED)))
    with pytest.raises(PersonUnknown):
        gallery.correct("Nobody", studio.shoot(face(BEN)))


def test_a_correction_can_be_taken_back(gallery: Gallery) -> None:
    stranger = near(BEN, 0.6, 5)
    gallery.correct("Ben", studio_of(gallery).shoot(face(stranger)))
    (stored,) = gallery.records.negatives()
    assert who(gallery, stranger).answer is Who.UNKNOWN
    with pytest.raises(DataError, match="no correction 999"):
        gallery.withdraw("Ben", 999)
    with pytest.raises(DataError, match="no correction"):
        gallery.withdraw("Anna", stored.id)
    gallery.withdraw("Ben", stored.id)
    assert gallery.records.negatives() == [] and who(gallery, stranger).answer is Who.PERSON
    assert gallery.history("Ben")[-1].kind == "withdraw"


def test_a_person_s_own_photo_is_not_corrected_but_taken_away(gallery: Gallery) -> None:
    own = gallery.templates("Ben")[0]
    with pytest.raises(EnrolmentRefused, match=f"template {own.id}.*--drop"):
        gallery.correct("Ben", studio_of(gallery).shoot(face(own.vector)))
    assert gallery.records.negatives() == []


def test_the_doctor_names_names(gallery: Gallery) -> None:
    wrong = Template(near(BEN, 0.9, 77), 80.0, "wrong.jpg", NOW)
    with gallery.records.write() as writing:
        writing.add_templates(gallery.person("Anna").id, [wrong])
        writing.add_templates(gallery.person("Carl").id, [replace(template(near(CARL, 0.9, 78)), quality=20.0)])
    findings = {one.kind: one for one in gallery.examine()}
    assert set(findings) == {"mislabelled", "low_quality"}
    assert "Ben" in findings["mislabelled"].reason and findings["mislabelled"].person_id == gallery.person("Anna").id
    gallery.drop_templates("Anna", [findings["mislabelled"].template_id or 0])
    assert {one.kind for one in gallery.examine()} == {"low_quality"}


# Changing people


def test_people_are_named_by_id_external_id_or_name(gallery: Gallery) -> None:
    anna = gallery.person("anna ")
    assert gallery.person(anna.id) == anna
    enrol(gallery, "Anna", DORA, external_id="17")
    with pytest.raises(PersonUnknown, match="2 people are called 'Anna'") as several:
        gallery.remove("Anna")
    assert anna.id in several.value.cure and gallery.person("17").id in several.value.cure
    with pytest.raises(PersonUnknown, match="'Zoe'"):
        gallery.person("Zoe")


def test_fields_are_changed_and_the_others_stay(gallery: Gallery) -> None:
    before = gallery.person("Anna")
    after = gallery.change("Anna", name="Anna Smith")
    assert after.profile == replace(before.profile, name="Anna Smith") and after.id == before.id
    assert gallery.change("Anna Smith", tags=("staff",), tenant="a").profile.tags == ("staff",)
    assert name(gallery, ANNA, Ask(keep=Filter("a"))) == "Anna Smith"
    assert [one.kind for one in gallery.history("Anna Smith")] == ["enrol", "rename", "change"]
    with pytest.raises(TypeError):
        gallery.change("Ben", colour="blue")


def test_two_records_of_one_person_become_one(tmp_path: Path) -> None:
    gallery = new_gallery(tmp_path, max_templates=3)
    enrol(gallery, "Anna", ANNA, 2)
    away = enrol(gallery, "A. Smith", BEN, 2)
    merged = gallery.merge("A. Smith", "Anna")
    assert merged.profile.name == "Anna" and merged.n_templates == 3 == len(gallery.templates("Anna"))
    assert name(gallery, BEN) == "Anna" == name(gallery, ANNA)
    with pytest.raises(PersonUnknown):
        gallery.person(away)
    assert gallery.history(away)[-1].kind == "merge"
    with pytest.raises(GalleryError, match="themselves"):
        gallery.merge("Anna", "Anna")
    assert gallery.verify() == []


def test_the_history_names_what_happened_to_whom(gallery: Gallery) -> None:
    anna = gallery.person("Anna").id
    gallery.add_photos("Anna", studio_of(gallery).of(ANNA))
    gallery.remove("Anna")
    assert [one.kind for one in gallery.history(anna)] == ["enrol", "add", "remove"]
    assert [one.kind for one in gallery.history()] == ["enrol", "enrol", "enrol", "add", "remove"]
    assert not any(one.detail for one in gallery.history(anna)) and gallery.history("Ben")[0].detail
    for unknown in ("Anna", "Zoe"):
        with pytest.raises(PersonUnknown):
            gallery.history(unknown)


# Forgetting


def said_of(name: str, gallery: Gallery, extra: np.ndarray) -> list[bytes]:
    """Name, sources, crops and vectors of somebody, in each form that they could lie in."""
    stored = gallery.templates(name)
    vectors = np.stack([*(one.vector for one in stored), *extra])
    with gallery.records.write() as writing:
        turned = vectors @ writing.vault.rotation.T
        other_way = vectors @ writing.vault.rotation
    pieces = []
    for one in (*vectors, *turned, *other_way):
        for kind in (np.float32, np.float16, np.float64):
            whole = one.astype(kind).tobytes()
            pieces += [whole, whole[: len(whole) // 2]]
        pieces.append(np.round(one * 127 / np.abs(one).max()).astype(np.int8).tobytes())
    pieces += [one.crop[place : place + 60] for one in stored if one.crop for place in range(0, 1000, 200)]
    words = [name, name.casefold(), gallery.person(name).profile.external_id or name, stored[0].source]
    return pieces + [word.encode(code) for word in words for code in ("utf-8", "utf-16le")]


def test_whoever_is_removed_is_gone_from_answers_and_files(tmp_path: Path) -> None:
    gallery = new_gallery(tmp_path, keep_answers_days=30, keep_crops=True)
    title = "Annabella Forgettable-Longname"
    anna = enrol(gallery, title, ANNA, 3, external_id="external-number-4711", tags=("staff",))
    enrol(gallery, "Ben", BEN)
    probes = np.stack([near(ANNA, 0.8, 1), near(ANNA, 0.7, 2)])
    assert {name(gallery, one) for one in probes} == {title}
    gallery.correct(title, studio_of(gallery).shoot(face(near(ANNA, 0.5, 3))), "the porter")
    pieces = said_of(title, gallery, probes)
    assert len(pieces) > 100
    receipt = gallery.remove(title)
    assert name(gallery, ANNA) is None and who(gallery, ANNA, Ask(top=5)).candidates[0].person_id != anna
    assert (receipt.counts.templates, receipt.counts.crops, receipt.counts.negatives) == (3, 3, 1)
    assert receipt.counts.answers == 2
    for ask in (gallery.person, gallery.remove, gallery.templates):
        with pytest.raises(PersonUnknown):
            ask(anna)
    assert gallery.records.answers() == [], "nor is the face kept of whoever is nobody here"
    public = gallery.records.public_key
    saved = load_receipt(Path(gallery.place) / "receipts" / f"{receipt.person_sha256}.json")
    assert verify_receipt(saved, public) and saved == receipt
    assert not verify_receipt(replace(saved, seq=saved.seq + 1), public)
    assert gallery.verify() == []
    gallery.close()
    files = bytes_of(Path(gallery.place))
    assert len(files) >= 3
    assert [(file, piece) for file, content in files.items() for piece in pieces if piece in content] == []


def test_an_answer_about_somebody_removed_meanwhile_is_an_answer(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the search and the keeping of its answer, another thread removes the person."""
    write, ben = gallery.records.write, gallery.person("Ben").id

    def write_later() -> object:
        monkeypatch.undo()
        gallery.remove(ben)
        return write()

    monkeypatch.setattr(gallery.records, "write", write_later)
    (found,) = gallery.identify_vectors(BEN[None])
    assert found.person_id == ben
    assert gallery.records.answers() == []


# Keeping


def test_a_backup_comes_back_and_whoever_was_removed_does_not(gallery: Gallery, tmp_path: Path) -> None:
    gallery.backup(tmp_path / "monday")
    gallery.remove("Anna")
    enrol(gallery, "Dora", DORA)
    restore_records(gallery.place, tmp_path / "monday", master=MASTER)
    assert [one.profile.name for one in gallery.people()] == ["Ben", "Carl"]
    assert [name(gallery, one) for one in (ANNA, BEN, DORA)] == [None, "Ben", None]
    assert gallery.verify() == []
    gallery.backup(tmp_path / "tuesday")
    with pytest.raises(GalleryExists):
        gallery.backup(tmp_path / "tuesday")


def test_the_keys_of_a_server_are_no_file(server: str, tmp_path: Path) -> None:
    with new_gallery(tmp_path, OnServer(server).url()) as gallery:
        with pytest.raises(GalleryError, match="the server's, not a file"):
            gallery.backup(tmp_path / "backup", keys_to=tmp_path / "keys copy")
        assert not (tmp_path / "backup").exists()
        with pytest.raises(GalleryError, match="the server's, not a file"):
            restore_records(gallery.place, tmp_path / "backup", tmp_path / "keys copy", MASTER)


def test_a_lost_machine_comes_back_from_backup_and_keys(tmp_path: Path) -> None:
    gallery = new_gallery(tmp_path)
    for title, vector in (("Anna", ANNA), ("Ben", BEN), ("Carl", CARL)):
        enrol(gallery, title, vector)
    for _ in range(2):
        (tmp_path / "records").unlink(missing_ok=True)
        gallery.backup(tmp_path / "records", keys_to=tmp_path / "keys copy")
    gallery.remove("Anna")
    (tmp_path / "records").unlink()
    gallery.backup(tmp_path / "records", keys_to=tmp_path / "keys copy")
    assert (tmp_path / "keys copy").stat().st_mode & 0o077 == 0 or os.name != "posix"
    with pytest.raises(GalleryExists, match="own file of keys"):
        gallery.backup(tmp_path / "another", keys_to=Path(gallery.place) / "keys")
    elsewhere = tmp_path / "new machine" / "gallery"
    with pytest.raises(GalleryMissing):
        restore_records(str(elsewhere), tmp_path / "records", master=MASTER)
    restore_records(str(elsewhere), tmp_path / "records", tmp_path / "keys copy", MASTER)
    with opened(str(elsewhere), studio_of(gallery)) as again:
        assert [one.profile.name for one in again.people()] == ["Ben", "Carl"] and again.verify() == []
        assert name(again, BEN) == "Ben"
    with pytest.raises(WrongKey):
        Gallery(elsewhere, master=MasterKey.new())


def test_new_keys_give_the_same_answers(gallery: Gallery) -> None:
    def answers(asked: Gallery) -> list[tuple[object, ...]]:
        probes = np.stack([near(one, 0.7, seed) for seed, one in enumerate((ANNA, BEN, CARL, DORA))])
        found = asked.identify_vectors(probes)
        return [(one.answer, one.person_id, round(one.score or 0, 3)) for one in found]

    before = answers(gallery)
    gallery.correct("Ben", studio_of(gallery).shoot(face(near(BEN, 0.5, 33))))
    new = MasterKey.new()
    gallery.rekey(new)
    assert answers(gallery) == before
    gallery.close()
    with pytest.raises(WrongKey):
        opened(gallery.place, studio_of(gallery))
    with Gallery(gallery.place, gallery.settings, master=new, calibration=gallery.calibration) as again:
        assert answers(again) == before and again.verify() == []
        assert len(again.records.negatives()) == 1


def test_a_closed_gallery_says_so(gallery: Gallery) -> None:
    with gallery:
        pass
    for ask in (lambda: gallery.person("Anna"), lambda: gallery.identify_vectors(ANNA[None]), gallery.verify):
        with pytest.raises(GalleryError, match="was closed"):
            ask()
    gallery.close()


# Making and opening


def test_a_gallery_is_made_for_an_embedder(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", cache_dir=tmp_path / "cache")
    policy = GalleryPolicy(max_templates=3, require_consent=False)
    with PublicGallery.create(None, policy, settings, master=MASTER, fast=True) as made:
        assert made.place == str(tmp_path / "data" / "gallery")
        assert made.info.model.startswith("sface@") and made.info.model.endswith("-fast") and made.info.dim == 128
        assert made.info.policy == policy and made.calibration is not None
        assert embedder_of(made.info.model, settings) == ("sface", True)
    with pytest.raises(GalleryExists):
        Gallery.create(None, policy, settings, master=MASTER)
    with Gallery(None, settings, master=MASTER) as again:
        assert again.info == made_info(again)
    with pytest.raises(WeightsCardInvalid, match="no embedder"):
        Gallery.create(tmp_path / "other", settings=settings, master=MASTER, embedder="yunet")
    with pytest.raises(WeightsUnknown):
        Gallery.create(tmp_path / "other", settings=settings, master=MASTER, embedder="none")
    with pytest.raises(GalleryMissing):
        Gallery(tmp_path / "other", settings, master=MASTER)
    assert not (tmp_path / "other").exists()


def made_info(gallery: Gallery) -> object:
    return gallery.records.info


def test_the_setting_names_the_gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = new_gallery(tmp_path)
    made.close()
    monkeypatch.setenv("MIEN_GALLERY", made.place)
    monkeypatch.setenv("MIEN_GALLERY_KEY", MASTER.text)
    with Gallery() as again:
        assert again.info.id and Path(again.place) == Path(made.place)


def test_what_a_person_is_asked_for_is_all_kept(tmp_path: Path) -> None:
    gallery = new_gallery(tmp_path)
    told = Profile("Ånna", "17", ("staff",), ("a", "b"), "t", LONG_AGO, datetime(2199, 1, 1, tzinfo=UTC), CONSENT)
    gallery.enrol(told, studio_of(gallery).of(ANNA))
    assert gallery.person("Ånna").profile == told
