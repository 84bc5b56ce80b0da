"""What every kind of records promises: the same tests for SQLite in a folder and for PostgreSQL on a server."""

from __future__ import annotations

import dataclasses
import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from tests.gallery.stored_people import (
    CONSENT,
    DIM,
    NOW,
    AnyRecords,
    Galleries,
    enrol,
    names,
    profile,
    template,
    vector,
)

from mien.gallery.errors import ConsentMissing, GalleryBusy, GalleryError, GalleryModel, PersonUnknown, WrongKey
from mien.gallery.people import Profile, Template
from mien.gallery.store.master import MasterKey
from mien.gallery.store.migrations import steps
from mien.gallery.store.records import Change, GalleryPolicy, Records


def test_it_is_what_records_are(records: AnyRecords) -> None:
    checked: Records = records
    assert checked.info.model == "made-up" and checked.info.dim == DIM and len(checked.info.id) == 26
    assert checked.info.format == steps()[-1][0]


def test_a_person_comes_back_after_reopening(galleries: Galleries, records: AnyRecords) -> None:
    full = profile("Anna Ä.", external_id="E-1", tags=("a", "b"), groups=("staff",), tenant="t", valid_until=NOW)
    with records.write() as writing:
        anna = writing.add_person(full, [template(1), template(2)])
    records.close()
    with galleries.again(records) as again:
        person = again.person(anna)
        assert person.profile == full and person.n_templates == 2 and person.seq == again.seq() == 1
        assert abs(person.created_at - datetime.now(UTC)) < timedelta(minutes=5)
        stored = again.templates(anna)
        assert [one.crop for one in stored] == [template(1).crop, template(2).crop]
        assert len({one.id for one in stored}) == 2 and all(one.id > 0 for one in stored)
        assert np.abs(stored[0].vector - vector(1)).max() < 1e-6
        assert (stored[0].quality, stored[0].source, stored[0].added_at) == (70.5, "photo 1.jpg", NOW)
        assert again.verify() == []


def test_crops_are_only_kept_where_the_policy_says_so(galleries: Galleries) -> None:
    with galleries.new(GalleryPolicy()) as records:
        anna = enrol(records, "Anna", 1)
        assert [one.crop for one in records.templates(anna)] == [None]
        assert records.verify() == []


def test_people_are_found_by_id_external_id_and_name(records: AnyRecords) -> None:
    with records.write() as writing:
        anna = writing.add_person(profile("Anna  Straße", external_id="7"), [])
        twin = writing.add_person(profile("anna strasse", external_id="Anna"), [])
    assert [one.id for one in records.find("ANNA STRASSE")] == [anna, twin]
    assert [one.id for one in records.find("7")] == [anna]
    assert [one.id for one in records.find(twin)] == [twin]
    assert records.find("Ann") == records.find("") == records.find("8") == []
    with records.write() as writing:
        writing.change_profile(anna, profile("Beate"), "rename")
    assert [one.id for one in records.find("anna strasse")] == [twin]
    assert records.find("7") == []


def test_templates_are_added_and_dropped(records: AnyRecords) -> None:
    anna = enrol(records, "Anna", 1, 2)
    first = records.templates(anna)[0].id
    with records.write() as writing:
        writing.add_templates(anna, [template(3)])
        writing.drop_templates(anna, [first, 999])
    assert [one.source for one in records.templates(anna)] == ["photo 2.jpg", "photo 3.jpg"]
    assert records.person(anna).n_templates == 2
    with records.write() as writing:
        writing.drop_templates(anna, [one.id for one in records.templates(anna)])
    assert records.templates(anna) == [] and records.verify() == []
    assert [sum(batch.counts) for batch in records.scan()] == [0]


def test_a_merged_person_is_unknown_and_nothing_is_lost(records: AnyRecords) -> None:
    with records.write() as writing:
        anna = writing.add_person(profile("Anna"), [template(1)])
        twin = writing.add_person(profile("Anne"), [template(2)])
        for one in (anna, twin):
            writing.add_negative(one, vector(5), "me")
            writing.add_answer(vector(6), one, 0.5)
    before = records.seq()
    with records.write() as writing:
        writing.merge(twin, anna)
    with pytest.raises(PersonUnknown):
        records.person(twin)
    assert [one.crop for one in records.templates(anna)] == [template(1).crop, template(2).crop]
    assert [one.person_id for one in records.negatives()] == [anna, anna]
    assert [one.person_id for one in records.answers()] == [anna, anna]
    assert {change.person_id for change in records.changes(before)} == {anna, twin}
    assert records.history(anna)[-1].detail == {"from": twin}
    assert names(records) == ["Anna"] and records.verify() == []
    with records.write() as writing, pytest.raises(GalleryError, match="themselves"):
        writing.merge(anna, anna)


def test_history_says_what_happened(records: AnyRecords) -> None:
    anna = enrol(records, "Anna", 1)
    with records.write() as writing:
        writing.change_profile(anna, profile("Anna B.", tags=("vip",)), "rename")
        writing.add_negative(anna, vector(4), "the porter")
    kinds = [(event.kind, dict(event.detail)) for event in records.history(anna)]
    assert kinds == [
        ("enrol", {"templates": "1"}),
        ("rename", {"name": "Anna -> Anna B.", "tags": " -> vip"}),
        ("correct", {"by": "the porter"}),
    ]
    assert [event.seq for event in records.history()] == [1, 2, 3]
    assert records.person(anna).seq == 3


def test_negatives_and_answers_come_back(records: AnyRecords) -> None:
    anna = enrol(records, "Anna", 1)
    with records.write() as writing:
        writing.add_negative(anna, vector(4), "the porter")
        writing.add_answer(vector(5), anna, 0.625)
        writing.add_answer(vector(6), None, 0.125)
    (negative,) = records.negatives(anna)
    assert (negative.person_id, negative.by) == (anna, "the porter")
    assert np.abs(negative.vector - vector(4)).max() < 1e-6
    known, unknown = records.answers()
    assert (known.person_id, known.score, unknown.person_id, unknown.score) == (anna, 0.625, None, 0.125)
    assert np.abs(unknown.vector - vector(6)).max() < 1e-6


def test_answers_are_not_kept_without_leave(galleries: Galleries) -> None:
    with galleries.new(GalleryPolicy()) as records:
        with records.write() as writing:
            writing.add_answer(vector(5), None, 0.5)
        assert records.answers() == []


def test_old_answers_go_where_nobody_asks_any_more(records: AnyRecords) -> None:
    anna = enrol(records, "Anna", 1)
    with records.write() as writing:
        writing.add_answer(vector(2), anna, 0.5)
    with records.write() as writing:
        writing.connection.execute("UPDATE answers SET at = 0")
    enrol(records, "Bob", 3)
    assert records.answers() == []


def test_old_answers_go(records: AnyRecords) -> None:
    with records.write() as writing:
        writing.add_answer(vector(5), None, 0.5)
        month_ago = writing.vault.micros(datetime.now(UTC) - timedelta(days=31))
        writing.connection.execute("UPDATE answers SET at = ?", (month_ago,))
        writing.add_answer(vector(6), None, 0.25)
    assert [one.score for one in records.answers()] == [0.25]


def test_changes_name_each_person_once(records: AnyRecords) -> None:
    assert records.changes(0) == []
    anna, bob = enrol(records, "Anna", 1), enrol(records, "Bob", 2)
    with records.write() as writing:
        writing.add_templates(anna, [template(3)])
    assert records.changes(0) == [Change(2, bob), Change(3, anna)]
    assert records.changes(2) == [Change(3, anna)]
    with records.write() as writing:
        writing.remove(bob)
    assert records.changes(3) == [Change(4, bob)]
    assert records.changes(4) == []
    assert records.changes(999) == [Change(4, None)], "numbers from the future: another generation of records"


def test_scan_gives_every_vector_with_its_labels(records: AnyRecords) -> None:
    with records.write() as writing:
        anna = writing.add_person(
            profile("Anna", groups=("staff",), tenant="t", valid_from=NOW), [template(1), template(2)]
        )
        bob = writing.add_person(profile("Bob"), [template(3)])
    (batch,) = records.scan()
    assert batch.person_ids == (anna, bob) and batch.counts.tolist() == [2, 1]
    assert np.abs(batch.vectors - np.array([vector(1), vector(2), vector(3)])).max() < 1e-6
    assert batch.template_ids.tolist() == [one.id for who in (anna, bob) for one in records.templates(who)]
    assert batch.labels[0].tenant == "t" and batch.labels[0].valid_from == NOW.timestamp()
    assert batch.labels[1].groups == frozenset()


def test_scan_and_people_go_through_many_pages(records: AnyRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.gallery.store.sql_records.PEOPLE_PAGE", 3)
    monkeypatch.setattr("mien.gallery.store.sql_records.SCAN_PAGE", 3)
    with records.write() as writing:
        ids = [writing.add_person(profile(f"P{number}"), [template(number)]) for number in range(10)]
    assert [one.id for one in records.people()] == ids
    assert [one for batch in records.scan() for one in batch.person_ids] == ids


def test_nothing_of_a_failed_block_stays(records: AnyRecords) -> None:
    anna = enrol(records, "Anna", 1)
    with pytest.raises(RuntimeError), records.write() as writing:
        writing.add_person(profile("Bob"), [template(2)])
        writing.add_templates(anna, [template(3)])
        raise RuntimeError
    assert names(records) == ["Anna"] and records.person(anna).n_templates == 1 and records.seq() == 1
    enrol(records, "Carl", 4)
    assert records.verify() == []


def test_what_a_block_wrote_it_can_use(records: AnyRecords) -> None:
    with records.write() as writing:
        anna = writing.add_person(profile("Anna"), [template(1)])
        writing.add_templates(anna, [template(2)])
        bob = writing.add_person(profile("Bob"), [template(3)])
        writing.merge(bob, anna)
        carl = writing.add_person(profile("Carl"), [])
        writing.remove(carl)
        with pytest.raises(PersonUnknown):
            writing.add_templates(carl, [template(4)])
        dora = writing.add_person(profile("Dora"), [template(5)])
    assert names(records) == ["Anna", "Dora"] and records.person(anna).n_templates == 3
    assert len(records.templates(dora)) == 1 and records.verify() == []


def test_a_batch_is_what_one_by_one_would_be(records: AnyRecords) -> None:
    people = [(profile(f"P{number}", external_id=str(number)), made) for number, made in enumerate(batch())]
    with records.write() as writing:
        together = writing.add_people(people)
        assert writing.add_people([]) == []
        apart = [writing.add_person(*one) for one in people]
    assert len({*together, *apart}) == 2 * len(people)
    assert [person.id for person in records.people()] == [*together, *apart]
    for (said, templates), first, second in zip(people, together, apart, strict=True):
        for person in (first, second):
            assert records.person(person).profile == said
            assert [event.detail for event in records.history(person)] == [{"templates": str(len(templates))}]
            stored = records.templates(person)
            assert [one.crop for one in stored] == [one.crop for one in templates]
            assert [one.added_at for one in stored] == [one.added_at for one in templates]
            for one, given in zip(stored, templates, strict=True):
                np.testing.assert_allclose(one.vector, given.vector, atol=1e-6)
    numbers = [one.id for person in (*together, *apart) for one in records.templates(person)]
    assert numbers == sorted(set(numbers))
    assert records.verify() == []


def batch() -> list[list[Template]]:
    """Templates of four people: 0 to 3 of them."""
    return [[template(10 * number + one) for one in range(number)] for number in range(4)]


@pytest.mark.parametrize("wrong", [Profile("No consent"), profile("No zone", valid_from=datetime(2020, 1, 1))])
def test_where_one_of_a_batch_is_refused_nobody_is_enrolled(records: AnyRecords, wrong: Profile) -> None:
    anna = enrol(records, "Anna", 1)
    with records.write() as writing:
        with pytest.raises(GalleryError):
            writing.add_people([(profile("Bob"), [template(2)]), (wrong, [template(3)])])
        carl = writing.add_person(profile("Carl"), [template(4)])
    assert [person.id for person in records.people()] == [anna, carl]
    assert records.templates(carl)[0].crop == template(4).crop
    assert records.verify() == []


def test_a_block_inside_of_a_block_is_refused(records: AnyRecords) -> None:
    with records.write() as writing:
        with pytest.raises(GalleryError, match="inside of another"), records.write():
            pass
        writing.add_person(profile("Anna"), [])
    assert names(records) == ["Anna"]


def test_consent_is_asked_for(records: AnyRecords) -> None:
    anna = enrol(records, "Anna", 1)
    late = dataclasses.replace(CONSENT, until=datetime.now(UTC) - timedelta(days=1))
    for refused in (Profile("Bob"), Profile("Bob", consent=late)):
        with records.write() as writing:
            with pytest.raises(ConsentMissing):
                writing.add_person(refused, [])
            with pytest.raises(ConsentMissing):
                writing.change_profile(anna, refused)
    assert names(records) == ["Anna"]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (vector(1, 16), GalleryModel),
        (vector(1)[None], GalleryModel),
        (2 * vector(1), GalleryError),
        (0 * vector(1), GalleryError),
        (np.nan * vector(1), GalleryError),
    ],
)
def test_vectors_of_another_embedder_are_refused(
    records: AnyRecords, made: np.ndarray, expected: type[GalleryError]
) -> None:
    bad = dataclasses.replace(template(1), vector=made.astype(np.float32))
    anna = enrol(records, "Anna", 1)
    with records.write() as writing:
        for attempt in (
            lambda: writing.add_person(profile("Bob"), [bad]),
            lambda: writing.add_templates(anna, [bad]),
            lambda: writing.add_negative(anna, bad.vector, "me"),
            lambda: writing.add_answer(bad.vector, anna, 0.5),
        ):
            with pytest.raises(expected):
                attempt()
    assert records.person(anna).n_templates == 1 and names(records) == ["Anna"]


@pytest.mark.parametrize("whom", ["", "anna", "a" * 26])
def test_nobody_is_unknown(records: AnyRecords, whom: str) -> None:
    for ask in (records.person, records.templates):
        with pytest.raises(PersonUnknown):
            ask(whom)
    with records.write() as writing, pytest.raises(PersonUnknown):
        writing.remove(whom)


def test_opening_with_another_key(galleries: Galleries, records: AnyRecords) -> None:
    with pytest.raises(WrongKey) as caught:
        galleries.again(records, MasterKey.new())
    assert caught.value.code == "gallery-wrong-key" and caught.value.cure


def test_a_closed_gallery_says_so(galleries: Galleries) -> None:
    records = galleries.new()
    records.close()
    records.close()
    with pytest.raises(GalleryError, match="closed"):
        records.seq()
    with pytest.raises(GalleryError, match="closed"), records.write():
        pass


def test_another_writer_is_waited_for_and_then_named(galleries: Galleries, records: AnyRecords) -> None:
    with galleries.again(records, wait_seconds=0.05) as other, records.write() as writing:
        writing.add_person(profile("Anna"), [])
        with pytest.raises(GalleryBusy, match="Another process"), other.write():
            pass
        assert names(other) == [], "readers do not wait"
    with galleries.again(records) as other:
        assert names(other) == ["Anna"]


def test_threads_read_while_one_writes(records: AnyRecords) -> None:
    """Every reader sees each enrolment whole: as many templates as its person says."""
    stop, wrong = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            try:
                wrong.extend(
                    one for one in records.people() if one.n_templates != 2 or len(records.templates(one.id)) != 2
                )
                for batch in records.scan():
                    wrong.extend(count for count in batch.counts if count != 2)
            except PersonUnknown:
                continue
            except Exception as error:  # noqa: BLE001
                wrong.append(error)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for number in range(12):
        who = enrol(records, f"P{number}", number, number + 100)
        if number % 3 == 2:
            with records.write() as writing:
                writing.remove(who)
        if number == 6:
            records.rekey()
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(names(records)) == 8 and records.verify() == []


def test_another_process_is_followed(galleries: Galleries, records: AnyRecords) -> None:
    """Two objects stand for two processes: each has its own connections and keys."""
    with galleries.again(records) as other:
        anna = enrol(records, "Anna", 1)
        assert names(other) == ["Anna"] and other.seq() == 1
        enrol(other, "Bob", 2)
        records.rekey()
        assert names(other) == ["Anna", "Bob"]
        with other.write() as writing:
            writing.remove(anna)
        assert names(records) == ["Bob"] and records.verify() == []
