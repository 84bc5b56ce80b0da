"""People as lines of JSON: out of one gallery, into another, and what is said of lines that are wrong."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_people import DIM, directions, near
from made_up_photos import CONSENT, MODEL, enrol, face, new_gallery, profile, studio_of

from mien.errors import DataError
from mien.gallery import gallery as facade
from mien.gallery.asking import Ask
from mien.gallery.errors import ConsentMissing, EnrolmentRefused, GalleryError, GalleryModel
from mien.gallery.gallery import Allow, Gallery

ANNA, BEN, CARL, DORA = directions(4)
AGREED = {"given_by": "Anna", "given_at": "2024-05-06T07:08:09+00:00", "purpose": "the door", "how": "form"}


def line(name: str, *vectors: np.ndarray, **more: Any) -> str:
    """One person as JSON."""
    said = {"name": name, "consent": AGREED, "model": MODEL, "templates": [{"vector": v.tolist()} for v in vectors]}
    return json.dumps({key: value for key, value in (said | more).items() if value is not None})


def load(gallery: Gallery, lines: Iterable[str], root: Path = Path("."), allow: Allow | None = None) -> list[str]:
    """Import; who was stored, by name."""
    return [one.name for one in gallery.import_people(lines, root, allow) if one.person_id]


def names(gallery: Gallery) -> list[str]:
    return [one.profile.name for one in gallery.people()]


def test_another_gallery_gives_the_same_answers(tmp_path: Path) -> None:
    one = new_gallery(tmp_path / "one", keep_crops=True)
    enrol(one, "Anna", ANNA, 3, external_id="17", tags=("staff",), groups=("night", "day"), tenant="a")
    enrol(one, "Ben Ünal", BEN, valid_until=CONSENT.until)
    with one.records.write() as writing:
        unknown = one.templates("Anna")[0]
        writing.add_templates(one.person("Ben Ünal").id, [facade.replace(unknown, quality=float("nan"))])
    lines = [json.dumps(person) for person in one.export()]
    two = new_gallery(tmp_path / "two", keep_crops=True)
    assert load(two, lines) == ["Anna", "Ben Ünal"]
    for name in ("Anna", "Ben Ünal"):
        old, new = one.person(name), two.person(name)
        assert old.profile == new.profile and old.id != new.id
        for was, now in zip(one.templates(name), two.templates(name), strict=True):
            assert was.vector @ now.vector == pytest.approx(1.0, abs=1e-6)
            assert (was.source, was.added_at, was.crop) == (now.source, now.added_at, now.crop)
            assert np.array_equal(was.quality, now.quality, equal_nan=True)
    probes = np.stack([near(person, 0.6, seed) for seed, person in enumerate((ANNA, BEN, CARL))])
    answers = [[(a.answer, a.score) for a in gallery.identify_vectors(probes, Ask())] for gallery in (one, two)]
    assert [a[0] for a in answers[0]] == [a[0] for a in answers[1]]
    assert [a[1] for a in answers[0]] == pytest.approx([a[1] for a in answers[1]], abs=1e-4)


def test_an_export_without_templates_holds_no_biometrics(tmp_path: Path) -> None:
    gallery = new_gallery(tmp_path, keep_crops=True)
    enrol(gallery, "Anna", ANNA)
    (person,) = gallery.export(with_templates=False)
    assert person["name"] == "Anna" and person["templates"] == [] and "vector" not in json.dumps(person)
    assert person["schema"] == "mien.people/1" and person["id"] == gallery.person("Anna").id


def test_crops_are_imported_only_where_the_policy_keeps_them(tmp_path: Path) -> None:
    made = {"vector": ANNA.tolist(), "crop": base64.b64encode(b"a picture").decode()}
    for keep in (True, False):
        gallery = new_gallery(tmp_path / str(keep), keep_crops=keep)
        load(gallery, [line("Anna", templates=[made])])
        assert gallery.templates("Anna")[0].crop == (b"a picture" if keep else None)
        assert gallery.verify() == []


def test_photos_of_a_list_are_judged(tmp_path: Path) -> None:
    gallery = new_gallery(tmp_path)
    studio = studio_of(gallery)
    shots = [studio.shoot(face(near(ANNA, 0.9, 1)), name="a/1.png"), studio.shoot(name="a/2.png")]
    lines = [
        line("Ben", BEN),
        line("Anna", model=None, templates=None, photos=[str(one.relative_to(studio.folder)) for one in shots]),
        line("Carl", CARL, photos=["b/1.png"]),
        line("Again", model=None, templates=None, photos=["a/1.png"]),
    ]
    studio.shoot(face(near(CARL, 0.9, 2)), name="b/1.png")
    done = list(gallery.import_people(lines, studio.folder))
    assert [(one.name, one.n_kept, bool(one.person_id)) for one in done] == [
        ("Ben", 1, True),
        ("Anna", 1, True),
        ("Carl", 1, True),
        ("Again", 0, False),
    ]
    assert done[1].photos[1].code == "no-single-face" and done[3].photos[0].code == "duplicate"
    assert gallery.person("Carl").n_templates == 2 and names(gallery) == ["Ben", "Anna", "Carl"]
    assert load(gallery, [line("Twin", model=None, templates=None, photos=["a/1.png"])], studio.folder, Allow(True))


def test_no_more_templates_than_the_policy_keeps(tmp_path: Path) -> None:
    gallery = new_gallery(tmp_path, max_templates=2)
    some = [{"vector": near(ANNA, 0.9, seed).tolist(), "quality": 50 + seed} for seed in range(4)]
    (done,) = gallery.import_people([line("Anna", templates=some)], tmp_path)
    assert done.n_kept == 2 == gallery.person("Anna").n_templates and len(done.photos) == 4


@pytest.mark.parametrize(
    ("bad", "error", "why"),
    [
        ("{", DataError, "Line 3, the line: "),
        ("[1]", DataError, "Line 3, the line: "),
        (line("", ANNA), DataError, "Line 3, name: "),
        ('{"templates": []}', DataError, "Line 3, name: Field required"),
        (line("Anna", ANNA, colour="blue"), DataError, "Line 3, colour: "),
        (line("Anna", ANNA, consent={"given_by": "Anna"}), DataError, "Line 3, consent.given_at: "),
        (line("Anna", ANNA, valid_until="2030-01-01T00:00:00"), DataError, "Line 3, valid_until: .*timezone"),
        (line("Anna", ANNA, schema="mien.people/9"), DataError, "Line 3, schema: "),
        (line("Anna", templates=[{"vector": ["a"]}]), DataError, "Line 3, templates.0.vector.0: "),
        (line("Anna", templates=[{"vector": ANNA.tolist(), "quality": 101}]), DataError, "Line 3, templates.0.quality"),
        (line("Anna", ANNA, model="other@2"), GalleryModel, "Line 3 has templates of other@2"),
        (line("Anna", ANNA, model=None), GalleryModel, "Line 3 has templates of no named model"),
        (line("Anna", ANNA[:5]), GalleryModel, "Line 3: .*shape"),
        (line("Anna", ANNA * 3), GalleryError, "Line 3: .*unit length"),
        (line("Anna", ANNA * np.float32(np.nan)), GalleryError, "Line 3: .*unit length"),
    ],
    ids=lambda one: one[:50] if isinstance(one, str) else "",
)
def test_a_line_that_is_wrong_is_named_and_nothing_of_its_batch_is_stored(
    tmp_path: Path, bad: str, error: type[Exception], why: str
) -> None:
    gallery = new_gallery(tmp_path)
    with pytest.raises(error, match=why):
        load(gallery, [line("Ben", BEN), "  ", bad, line("Carl", CARL)])
    assert names(gallery) == []


def test_consent_and_external_ids_hold_for_imports_too(tmp_path: Path) -> None:
    gallery = new_gallery(tmp_path)
    late = AGREED | {"until": "2025-01-01T00:00:00Z"}
    for consent in (None, late, AGREED | {"given_at": "2190-01-01T00:00:00Z"}, AGREED | {"how": " "}):
        with pytest.raises(ConsentMissing, match="Line 2: "):
            load(gallery, [line("Ben", BEN), line("Anna", ANNA, consent=consent)])
    with pytest.raises(EnrolmentRefused, match="'17' is named twice"):
        load(gallery, [line("Ben", BEN, external_id="17"), line("Anna", ANNA, external_id="17")])
    assert names(gallery) == []
    assert load(gallery, [line("Ben", BEN, external_id="17")]) == ["Ben"]
    with pytest.raises(EnrolmentRefused, match="'17' is Ben's"):
        load(gallery, [line("Anna", ANNA, external_id="17")])


def test_a_thousand_people_are_a_few_transactions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one for each person, which would be as many waits for the disk; whole batches before an error stay."""
    monkeypatch.setattr(facade, "AT_ONCE", 400)
    gallery = new_gallery(tmp_path)
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(1000, DIM)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    lines = [line(f"person {number}", vector, external_id=f"{number}") for number, vector in enumerate(vectors)]
    write, written = gallery.records.write, []
    monkeypatch.setattr(gallery.records, "write", lambda: (written.append(1), write())[1])
    stored = []
    with pytest.raises(DataError, match="Line 1001"):
        stored.extend(one.name for one in gallery.import_people([*lines, "{"], tmp_path, Allow(duplicate=True)))
    assert len(written) == 2 and stored == names(gallery) == [f"person {number}" for number in range(800)]
    assert load(gallery, lines[800:], allow=Allow(duplicate=True)) == [
        f"person {number}" for number in range(800, 1000)
    ]
    assert len(written) == 3 and len(names(gallery)) == 1000
    found = gallery.identify_vectors(vectors[::50])
    assert [gallery.person(one.candidates[0].person_id).profile.name for one in found] == [
        f"person {number}" for number in range(0, 1000, 50)
    ]


def test_somebody_removed_during_an_export_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = new_gallery(tmp_path)
    enrol(gallery, "Anna", ANNA)
    enrol(gallery, "Ben", BEN)
    everybody = list(gallery.people())
    gallery.remove("Anna")
    monkeypatch.setattr(gallery.records, "people", lambda: iter(everybody))
    assert [one["name"] for one in gallery.export()] == ["Ben"]
    assert gallery.examine() == ()


def test_what_is_exported_says_what_a_profile_says(tmp_path: Path) -> None:
    gallery = new_gallery(tmp_path)
    gallery.enrol(profile("Anna", tags=("a",)), studio_of(gallery).of(ANNA))
    (person,) = gallery.export(False)
    assert person["tags"] == ["a"] and "external_id" not in person and "valid_from" not in person
    assert person["consent"]["given_at"] == "2024-05-06T07:08:09+00:00"


def test_a_file_imported_twice_stores_nobody_twice(tmp_path: Path) -> None:
    gallery = new_gallery(tmp_path)
    lines = [line(name, vector) for name, vector in zip(("Anna", "Ben"), directions(2), strict=True)]
    assert load(gallery, lines) == ["Anna", "Ben"]
    again = list(gallery.import_people(lines, tmp_path))
    assert [(one.person_id, one.photos[0].code) for one in again] == [(None, "duplicate")] * 2
    assert "This looks like Anna" in again[0].photos[0].reasons[0]
    assert load(gallery, lines, allow=Allow(duplicate=True)) == ["Anna", "Ben"] and len(list(gallery.people())) == 4
