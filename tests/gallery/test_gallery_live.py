"""The index follows the records: at once, in every thread, and where another process changes them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from made_up_people import DIM, calibration, directions, near, template
from made_up_photos import MASTER, enrol, face, new_gallery, opened, profile, studio_of

from mien.gallery.asking import Ask
from mien.gallery.errors import EnrolmentRefused, PersonUnknown
from mien.gallery.fpir import FEWEST_PEOPLE, OpenSet
from mien.gallery.gallery import Allow, Gallery
from mien.gallery.identify import IdentifyPolicy, Who
from mien.gallery.live import LiveIndex
from mien.gallery.place import restore_records
from mien.gallery.search.labels import Filter

PEOPLE = directions(64)
ANNA, BEN, CARL, DORA = PEOPLE[:4]


@pytest.fixture
def gallery(tmp_path: Path, place: str) -> Iterator[Gallery]:
    with new_gallery(tmp_path, place) as made:
        enrol(made, "Anna", ANNA)
        yield made


def names(gallery: Gallery, *vectors: np.ndarray, keep: Filter | None = None) -> list[str | None]:
    """Who each is, by name."""
    found = gallery.identify_vectors(np.stack(vectors), Ask(keep=keep or Filter()))
    return [one.person_id and gallery.person(one.person_id).profile.name for one in found]


def test_another_opening_sees_each_change_at_once(gallery: Gallery) -> None:
    with opened(gallery.place, studio_of(gallery)) as other:
        assert names(other, ANNA, BEN) == ["Anna", None]
        enrol(gallery, "Ben", BEN)
        assert names(other, ANNA, BEN) == ["Anna", "Ben"]
        gallery.change("Ben", tenant="b")
        assert names(other, BEN, keep=Filter("b")) == ["Ben"] and names(other, BEN, keep=Filter("")) == [None]
        gallery.add_photos("Ben", studio_of(gallery).of(CARL), Allow(duplicate=True, unlike=True))
        assert names(other, CARL) == ["Ben"]
        gallery.drop_templates("Ben", [gallery.templates("Ben")[0].id])
        assert names(other, CARL, BEN) == ["Ben", None]
        other.correct("Ben", studio_of(gallery).shoot(face(near(CARL, 0.5, 1))))
        assert names(gallery, near(CARL, 0.5, 1)) == [None] == names(other, near(CARL, 0.5, 1))
        gallery.merge("Ben", "Anna")
        assert names(other, CARL, ANNA) == ["Anna", "Anna"]
        assert names(other, near(CARL, 0.5, 1)) == [None], "corrections come along"
        other.remove("Anna")
        assert names(gallery, CARL, ANNA) == [None, None]


def test_new_keys_and_a_restored_backup_are_followed(gallery: Gallery, tmp_path: Path) -> None:
    with opened(gallery.place, studio_of(gallery)) as other:
        assert names(other, ANNA) == ["Anna"]
        gallery.rekey()
        gallery.backup(tmp_path / "backup")
        enrol(gallery, "Ben", BEN)
        assert names(other, ANNA, BEN) == ["Anna", "Ben"]
        restore_records(gallery.place, tmp_path / "backup", master=MASTER)
        assert names(other, ANNA, BEN) == ["Anna", None] == names(gallery, ANNA, BEN)
        enrol(other, "Ben again", BEN)
        assert names(gallery, BEN) == ["Ben again"]


PROCESS = """
import sys
import numpy as np
from mien.gallery.gallery import Consent, Gallery, Profile
from mien.gallery.store.master import MasterKey
from mien.gallery.people import Template
from datetime import UTC, datetime

with Gallery(sys.argv[1], master=MasterKey(bytes(range(32)), "a test")) as gallery:
    for line in sys.stdin:
        act, name, *numbers = line.split()
        if act == "enrol":
            consent = Consent("herself", datetime(2024, 1, 1, tzinfo=UTC), "the door", "form")
            vector = np.array(numbers, np.float32)
            gallery.add_people([(Profile(name, consent=consent), [Template(vector, 80.0, "", datetime.now(UTC))])])
        elif act == "remove":
            gallery.remove(name)
        else:
            (found,) = gallery.identify_vectors(np.array([numbers], np.float32))
            name = gallery.person(found.candidates[0].person_id).profile.name if found.score > 0.5 else "nobody"
        print(name, flush=True)
"""


def test_another_process_changes_it_and_sees_changes(gallery: Gallery) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROCESS, gallery.place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdin and other.stdout

        def tell(line: str, vector: np.ndarray) -> str:
            assert other.stdin and other.stdout
            print(line, *vector.tolist(), file=other.stdin, flush=True)
            return other.stdout.readline().strip()

        assert names(gallery, BEN) == [None]
        assert tell("identify -", BEN) == "nobody"
        assert tell("enrol Ben", BEN) == "Ben" == tell("identify -", BEN)
        assert names(gallery, BEN) == ["Ben"]
        enrol(gallery, "Carl", CARL)
        assert tell("identify -", CARL) == "Carl"
        gallery.remove("Carl")
        assert tell("identify -", CARL) == "nobody"
        assert tell("remove Ben", BEN) == "Ben"
        assert names(gallery, BEN) == [None]
        with pytest.raises(PersonUnknown):
            gallery.person("Ben")
        other.stdin.close()
        assert other.wait(30) == 0


def test_what_was_read_at_the_start_equals_what_was_followed(gallery: Gallery) -> None:
    """An index that saw every change has the answers of one that is built now."""
    rng = np.random.default_rng(4)
    people = ["Anna"]
    for step in range(60):
        kind = rng.integers(4) if len(people) > 3 else 0
        if kind == 0:
            people.append(f"person {step}")
            made = [template(near(PEOPLE[rng.integers(64)], 0.8, seed)) for seed in (step, step + 100)]
            gallery.add_people([(profile(people[-1], tenant="ab"[step % 2]), made)])
        elif kind == 1:
            gallery.remove(people.pop(rng.integers(len(people))))
        elif kind == 2:
            gallery.change(people[rng.integers(len(people))], tenant="ab"[rng.integers(2)])
        else:
            gallery.merge(people.pop(rng.integers(len(people))), people[0])
        gallery.identify_vectors(PEOPLE[:1])
    fresh = opened(gallery.place, studio_of(gallery))
    probes = np.stack([near(one, 0.7, 500) for one in PEOPLE])
    for keep in (Filter(), Filter("a"), Filter("c")):
        ask = Ask(IdentifyPolicy(fpir=0.1), top=3, keep=keep)
        for one, two in zip(gallery.identify_vectors(probes, ask), fresh.identify_vectors(probes, ask), strict=True):
            assert one.person_id == two.person_id
            assert [item.person_id for item in one.candidates] == [item.person_id for item in two.candidates]
            assert one.score == pytest.approx(two.score, abs=1e-3)
    fresh.close()


def test_the_gallerys_own_people_tell_how_alike_they_are(tmp_path: Path) -> None:
    """People who all look alike need a higher score than the calibration alone would ask for."""
    gallery = new_gallery(tmp_path)
    faces = [near(ANNA, 0.6, seed) for seed in range(300)]
    few = FEWEST_PEOPLE - 1
    gallery.add_people([(profile(f"few {number}"), [template(one)]) for number, one in enumerate(faces[:few])])
    (alone,) = gallery.identify_vectors(near(BEN, 0.5, 7)[None])
    assert "too few of them" in alone.based_on and alone.threshold == pytest.approx(by_calibration(few, 0.01))
    gallery.add_people([(profile(f"more {number}"), [template(one)]) for number, one in enumerate(faces[few:])])
    (found,) = gallery.identify_vectors(near(BEN, 0.5, 7)[None], Ask(IdentifyPolicy(fpir=0.3)))
    assert "300 of them, each left out in turn" in found.based_on
    gallery.change(next(iter(gallery.people())).id, tenant="b")
    (narrow,) = gallery.identify_vectors(near(BEN, 0.5, 7)[None], Ask(IdentifyPolicy(fpir=0.3), keep=Filter("b")))
    assert "each left out in turn" in narrow.based_on
    assert "300" not in narrow.based_on and "299" not in narrow.based_on
    assert found.threshold > by_calibration(300, 0.3) + 0.05
    live = LiveIndex(gallery.records, calibration())()
    assert live.n_people == 300 == len(live.index)


def by_calibration(n_people: int, fpir: float) -> float:
    return OpenSet(calibration(), n_people).threshold(fpir)


def test_corrections_are_read_at_the_start(gallery: Gallery) -> None:
    gallery.correct("Anna", studio_of(gallery).shoot(face(near(ANNA, 0.5, 1))))
    again = opened(gallery.place, studio_of(gallery))
    assert names(again, near(ANNA, 0.5, 1), ANNA) == [None, "Anna"]
    again.close()


class Crowd:
    """People who come and go in order, and what is sure about who was there while a question was asked."""

    def __init__(self, gallery: Gallery, count: int) -> None:
        drawn = np.random.default_rng(3).normal(size=(count, DIM))
        self.faces = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
        self.gallery, self.ids, self.n_gone = gallery, list[str](), 0

    def come(self) -> None:
        number = len(self.ids)
        made = [template(self.faces[number])]
        self.ids += self.gallery.add_people([(profile(f"person {number}"), made)])

    def go(self) -> None:
        self.gallery.remove(self.ids[self.n_gone])
        self.n_gone += 1

    def ask(self, some: np.ndarray, top: int = 3) -> None:
        """Hold what is answered against a search by brute force."""
        gone, here = self.n_gone, len(self.ids)
        found = self.gallery.identify_vectors(self.faces[some], Ask(top=top))
        # Who goes at this moment is number n_gone, and nobody can say whether they are gone.
        staying, known = self.n_gone + 1, {person: number for number, person in enumerate(self.ids)}
        for number, one in zip(some.tolist(), found, strict=True):
            scores = self.faces @ self.faces[number]
            listed = [known.get(item.person_id, -1) for item in one.candidates]
            for place, item in zip(listed, one.candidates, strict=True):
                assert place >= gone or place == -1
                assert place == -1 or item.score == pytest.approx(float(scores[place]), abs=2e-3)
            assert set(np.flatnonzero(scores[staying:here] > one.candidates[-1].score + 4e-3) + staying) <= set(listed)
            if staying <= number < here:
                assert listed[0] == number


def test_corrections_of_somebody_removed_are_forgotten_in_memory_too(gallery: Gallery) -> None:
    gallery.correct("Anna", studio_of(gallery).shoot(face(near(ANNA, 0.5, 1))))
    live = LiveIndex(gallery.records, calibration())
    assert len(live().negatives) == 1 == live().n_people
    gallery.remove("Anna")
    assert live().negatives == {} and live().n_people == 0 == len(live().index)


def test_vectors_of_somebody_removed_leave_the_memory_at_once(gallery: Gallery) -> None:
    """Not with the next question, which may come tomorrow."""
    enrol(gallery, "Ben", BEN)
    assert names(gallery, ANNA, BEN) == ["Anna", "Ben"]
    index = gallery._live().index
    gallery.remove("Anna")
    assert index.n_people == len(index) == 1
    assert sum(np.any(chunk.high[: chunk.size], axis=1).sum() for chunk in index._view.chunks) == 1


def test_many_threads_ask_while_one_enrols_and_removes(tmp_path: Path, place: str) -> None:
    """Whoever was acknowledged before a question is found, whoever was removed before it is not; scores are true."""
    crowd, stop = Crowd(new_gallery(tmp_path, place), 120), Event()
    for _ in range(20):
        crowd.come()

    def ask(seed: int) -> int:
        draw, asked = np.random.default_rng(seed), 0
        while not stop.is_set():
            crowd.ask(draw.integers(0, len(crowd.ids), 4))
            asked += 1
        return asked

    with ThreadPoolExecutor(8) as pool:
        asking = [pool.submit(ask, seed) for seed in range(8)]
        try:
            for number in range(20, 120):
                crowd.come()
                if number % 4 == 0:
                    crowd.go()
        finally:
            stop.set()
        assert all(one.result() > 0 for one in asking)
    assert len(list(crowd.gallery.people())) == 120 - 25 and crowd.gallery.verify() == []
    crowd.gallery.close()


def test_a_photo_is_asked_by_many_threads_at_once(gallery: Gallery) -> None:
    photo = studio_of(gallery).shoot(face(ANNA))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: gallery.identify(photo), range(64)))
    assert {one[0].name for one in found} == {"Anna"} and found[0][0].identification.answer is Who.PERSON


def test_two_openings_enrol_the_same_number_only_once(gallery: Gallery) -> None:
    """The check and the writing are one step, also over two openings."""
    with opened(gallery.place, studio_of(gallery)) as other, ThreadPoolExecutor(2) as pool:

        def enrol_some(where: Gallery) -> int:
            stored = 0
            for number in range(20):
                try:
                    where.add_people([(profile("Twin", external_id=str(number)), [template(BEN)])])
                    stored += 1
                except EnrolmentRefused as error:
                    assert str(number) in str(error)
            return stored

        assert sum(pool.map(enrol_some, (gallery, other))) == 20
    assert len({one.profile.external_id for one in gallery.people()} - {None}) == 20
