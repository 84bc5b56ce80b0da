"""Records in SQLite: what they promise to one process, to several, and when the disk does not help."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import numpy as np
import pytest
from tests.gallery.stored_people import CONSENT, DIM, NOW, enrol, names, new_gallery, profile, template, vector

from mien.gallery import database
from mien.gallery.errors import (
    ConsentMissing,
    GalleryBusy,
    GalleryDamaged,
    GalleryError,
    GalleryExists,
    GalleryFull,
    GalleryMissing,
    GalleryModel,
    GalleryNewer,
    GalleryReadOnly,
    PersonUnknown,
    WrongKey,
)
from mien.gallery.master import MasterKey
from mien.gallery.migrations import steps
from mien.gallery.people import Profile
from mien.gallery.records import Change, GalleryPolicy, Records
from mien.gallery.sqlite import SqliteRecords

MASTER = MasterKey(bytes(range(32)), "a test")


@pytest.fixture
def records(tmp_path: Path) -> Iterator[SqliteRecords]:
    with new_gallery(tmp_path / "g", MASTER) as opened:
        yield opened


def write_connection(records: SqliteRecords) -> apsw.Connection:
    with records.write() as writing:
        return writing.connection


def test_it_is_what_records_are(records: SqliteRecords) -> None:
    checked: Records = records
    assert checked.info.model == "made-up" and checked.info.dim == DIM and len(checked.info.id) == 26
    assert checked.info.format == steps()[-1][0]


def test_a_person_comes_back_after_reopening(records: SqliteRecords) -> None:
    full = profile("Anna Ä.", external_id="E-1", tags=("a", "b"), groups=("staff",), tenant="t", valid_until=NOW)
    with records.write() as writing:
        anna = writing.add_person(full, [template(1), template(2)])
    records.close()
    with SqliteRecords(records.folder, MASTER) as again:
        person = again.person(anna)
        assert person.profile == full and person.n_templates == 2 and person.seq == again.seq() == 1
        assert abs(person.created_at - datetime.now(UTC)) < timedelta(minutes=5)
        stored = again.templates(anna)
        assert [one.crop for one in stored] == [template(1).crop, template(2).crop]
        assert len({one.id for one in stored}) == 2 and all(one.id > 0 for one in stored)
        assert np.abs(stored[0].vector - vector(1)).max() < 1e-6
        assert (stored[0].quality, stored[0].source, stored[0].added_at) == (70.5, "photo 1.jpg", NOW)
        assert again.verify() == []


def test_crops_are_only_kept_where_the_policy_says_so(tmp_path: Path) -> None:
    with new_gallery(tmp_path / "g", MASTER, GalleryPolicy()) as records:
        anna = enrol(records, "Anna", 1)
        assert [one.crop for one in records.templates(anna)] == [None]
        assert records.verify() == []


def test_people_are_found_by_id_external_id_and_name(records: SqliteRecords) -> None:
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


def test_finding_uses_the_indexes(records: SqliteRecords) -> None:
    sql = "EXPLAIN QUERY PLAN SELECT * FROM people p WHERE p.id = ? OR p.external_tag = ? OR p.name_tag = ?"
    plan = " ".join(str(row) for row in write_connection(records).execute(sql, (b"", b"", b"")))
    assert "SCAN" not in plan and plan.count("SEARCH") == 3


def test_templates_are_added_and_dropped(records: SqliteRecords) -> None:
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


def test_a_merged_person_is_unknown_and_nothing_is_lost(records: SqliteRecords) -> None:
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


def test_history_says_what_happened(records: SqliteRecords) -> None:
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


def test_negatives_and_answers_come_back(records: SqliteRecords) -> None:
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


def test_answers_are_not_kept_without_leave(tmp_path: Path) -> None:
    with new_gallery(tmp_path / "g", MASTER, GalleryPolicy()) as records:
        with records.write() as writing:
            writing.add_answer(vector(5), None, 0.5)
        assert records.answers() == []


def test_old_answers_go(records: SqliteRecords) -> None:
    with records.write() as writing:
        writing.add_answer(vector(5), None, 0.5)
        month_ago = writing.vault.micros(datetime.now(UTC) - timedelta(days=31))
        writing.connection.execute("UPDATE answers SET at = ?", (month_ago,))
        writing.add_answer(vector(6), None, 0.25)
    assert [one.score for one in records.answers()] == [0.25]


def test_changes_name_each_person_once(records: SqliteRecords) -> None:
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


def test_scan_gives_every_vector_with_its_labels(records: SqliteRecords) -> None:
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


def test_scan_and_people_go_through_many_pages(records: SqliteRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.gallery.sqlite.PEOPLE_PAGE", 3)
    monkeypatch.setattr("mien.gallery.sqlite.SCAN_PAGE", 3)
    with records.write() as writing:
        ids = [writing.add_person(profile(f"P{number}"), [template(number)]) for number in range(10)]
    assert [one.id for one in records.people()] == ids
    assert [one for batch in records.scan() for one in batch.person_ids] == ids


def test_nothing_of_a_failed_block_stays(records: SqliteRecords) -> None:
    anna = enrol(records, "Anna", 1)
    with pytest.raises(RuntimeError), records.write() as writing:
        writing.add_person(profile("Bob"), [template(2)])
        writing.add_templates(anna, [template(3)])
        raise RuntimeError
    assert names(records) == ["Anna"] and records.person(anna).n_templates == 1 and records.seq() == 1
    enrol(records, "Carl", 4)
    assert records.verify() == []


def test_what_a_block_wrote_it_can_use(records: SqliteRecords) -> None:
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


def test_a_block_inside_of_a_block_is_refused(records: SqliteRecords) -> None:
    with records.write() as writing:
        with pytest.raises(GalleryError, match="inside of another"), records.write():
            pass
        writing.add_person(profile("Anna"), [])
    assert names(records) == ["Anna"]


def test_consent_is_asked_for(records: SqliteRecords) -> None:
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
    records: SqliteRecords, made: np.ndarray, expected: type[GalleryError]
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
def test_nobody_is_unknown(records: SqliteRecords, whom: str) -> None:
    for ask in (records.person, records.templates):
        with pytest.raises(PersonUnknown):
            ask(whom)
    with records.write() as writing, pytest.raises(PersonUnknown):
        writing.remove(whom)


def test_files_of_the_gallery_are_for_their_owner(records: SqliteRecords) -> None:
    if os.name == "posix":
        assert records.folder.stat().st_mode & 0o077 == 0
        assert (records.folder / "keys").stat().st_mode & 0o077 == 0


def test_the_records_are_encrypted_durable_and_erasing(records: SqliteRecords) -> None:
    enrol(records, "Anna", 1)
    connection = write_connection(records)
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2
    assert connection.pragma("secure_delete") == 1
    code = "import pathlib, sys; print([b'SQLite' in p.read_bytes() for p in pathlib.Path(sys.argv[1]).glob('*.db*')])"
    ask = [sys.executable, "-c", code, str(records.folder)]
    done = subprocess.run(ask, capture_output=True, text=True, check=True)
    assert "True" not in done.stdout and "False" in done.stdout


def test_opening_with_another_key(records: SqliteRecords) -> None:
    with pytest.raises(WrongKey) as caught:
        SqliteRecords(records.folder, MasterKey.new())
    assert caught.value.code == "gallery-wrong-key" and caught.value.cure


def test_opening_what_is_not_there(tmp_path: Path, records: SqliteRecords) -> None:
    for place in (tmp_path / "none", tmp_path):
        with pytest.raises(GalleryMissing):
            SqliteRecords(place, MASTER)
    with pytest.raises(GalleryExists):
        new_gallery(records.folder, MASTER)
    records.close()
    (records.folder / "records-1.db").unlink()
    with pytest.raises(GalleryDamaged, match="missing"):
        SqliteRecords(records.folder, MASTER)


def test_a_closed_gallery_says_so(tmp_path: Path) -> None:
    records = new_gallery(tmp_path / "g", MASTER)
    records.close()
    records.close()
    with pytest.raises(GalleryError, match="closed"):
        records.seq()
    with pytest.raises(GalleryError, match="closed"), records.write():
        pass


def test_a_newer_gallery_is_refused(records: SqliteRecords) -> None:
    write_connection(records).pragma("user_version", 99)
    records.close()
    with pytest.raises(GalleryNewer, match="format 99"):
        SqliteRecords(records.folder, MASTER)


def more_steps() -> list[tuple[int, str]]:
    return [
        *steps(),
        (2, "CREATE TABLE new (x) STRICT".replace("(x)", "(x TEXT)")),
        (3, "INSERT INTO new VALUES ('done')"),
    ]


def test_an_older_gallery_is_brought_forward(records: SqliteRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol(records, "Anna", 1)
    records.close()
    monkeypatch.setattr("mien.gallery.database.steps", more_steps)
    with SqliteRecords(records.folder, MASTER) as again:
        assert again.info.format == 3 and names(again) == ["Anna"]
        assert write_connection(again).execute("SELECT x FROM new").fetchall() == [("done",)]


def test_a_step_that_fails_leaves_the_format_before_it(records: SqliteRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol(records, "Anna", 1)
    records.close()
    broken = [*more_steps()[:2], (3, "INSERT INTO new VALUES ('half'); INSERT INTO nothing VALUES (1)")]
    with monkeypatch.context() as patched:
        patched.setattr("mien.gallery.database.steps", lambda: broken)
        with pytest.raises(GalleryError):
            SqliteRecords(records.folder, MASTER)
    monkeypatch.setattr("mien.gallery.database.steps", lambda: more_steps()[:2])
    with SqliteRecords(records.folder, MASTER) as again:
        assert again.info.format == 2 and names(again) == ["Anna"]
        assert write_connection(again).execute("SELECT count(*) FROM new").fetchall() == [(0,)]


def test_another_writer_is_waited_for_and_then_named(records: SqliteRecords) -> None:
    with SqliteRecords(records.folder, MASTER, wait_seconds=0.05) as other, records.write() as writing:
        writing.add_person(profile("Anna"), [])
        with pytest.raises(GalleryBusy, match="Another process"), other.write():
            pass
        assert names(other) == [], "readers do not wait"
    with SqliteRecords(records.folder, MASTER) as other:
        assert names(other) == ["Anna"]


def test_a_full_disk_undoes_what_was_begun(records: SqliteRecords) -> None:
    anna = enrol(records, "Anna", 1)
    connection = write_connection(records)
    connection.execute(f"PRAGMA max_page_count = {connection.pragma('page_count') + 2}")
    with pytest.raises(GalleryFull, match="disk") as caught, records.write() as writing:
        for number in range(1000):
            writing.add_person(profile("Bob"), [template(number)])
    assert caught.value.cure
    connection.execute("PRAGMA max_page_count = 1000000")
    assert names(records) == ["Anna"] and records.verify() == []
    with records.write() as writing:
        writing.remove(anna)
    assert names(records) == []


SMALL_FILES = """
import resource, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from mien.gallery.errors import GalleryFull
from mien.gallery.sqlite import SqliteRecords
from tests.gallery.stored_people import enrol, names
from tests.gallery.test_gallery_sqlite import MASTER
records = SqliteRecords(Path({folder!r}), MASTER)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
done = 0
try:
    for number in range(3000):
        enrol(records, f"P{{number}}", number)
        done += 1
except GalleryFull as error:
    print(done, error.code)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files as Linux does")
@pytest.mark.parametrize("limit", [120_000, 60_000])
def test_a_file_that_cannot_grow_is_a_full_disk(records: SqliteRecords, limit: int) -> None:
    """Stands in for a small disk: a process whose files may not grow over a limit."""
    root = str(Path(__file__).parents[2])
    code = SMALL_FILES.format(root=root, folder=str(records.folder), limit=limit)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    count, error = done.stdout.split()
    assert error == "gallery-full"
    assert names(records) == [f"P{number}" for number in range(int(count))]
    assert records.verify() == []


@pytest.fixture
def no_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes every folder look as a read-only disk does; a test that runs as root can write everywhere."""
    real = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode, **more: real(path, mode & ~os.W_OK, **more) and not mode & os.W_OK
    )


def test_a_read_only_gallery_is_read_and_not_written(records: SqliteRecords, no_writing: None) -> None:
    enrol(records, "Anna", 1)
    records.close()
    before = sorted(path.name for path in records.folder.iterdir())
    with SqliteRecords(records.folder, MASTER) as again:
        assert names(again) == ["Anna"] and again.verify() == []
        with pytest.raises(GalleryReadOnly, match="read-only"), again.write():
            pass
        with pytest.raises(GalleryReadOnly):
            again.rekey()
        assert sorted(path.name for path in records.folder.iterdir()) == before


def test_a_read_only_gallery_with_an_unfinished_log_is_refused(records: SqliteRecords, no_writing: None) -> None:
    enrol(records, "Anna", 1)
    with pytest.raises(GalleryReadOnly):
        SqliteRecords(records.folder, MASTER)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write to any folder")
def test_a_folder_without_write_permission_is_read_only(records: SqliteRecords) -> None:
    enrol(records, "Anna", 1)
    records.close()
    records.folder.chmod(0o500)
    try:
        with SqliteRecords(records.folder, MASTER) as again:
            assert names(again) == ["Anna"]
            with pytest.raises(GalleryReadOnly), again.write():
                pass
    finally:
        records.folder.chmod(0o700)


def test_what_sqlite_and_the_system_say_is_translated(tmp_path: Path) -> None:
    for error, expected in (
        (apsw.FullError(), GalleryFull),
        (OSError(28, "No space left on device"), GalleryFull),
        (OSError(30, "Read-only file system"), GalleryReadOnly),
        (apsw.ReadOnlyError(), GalleryReadOnly),
        (apsw.CorruptError(), GalleryDamaged),
        (apsw.BusyError(), GalleryBusy),
        (OSError(5, "Input/output error"), GalleryError),
    ):
        assert type(database.plain_error(error, tmp_path)) is expected


def test_threads_read_while_one_writes(records: SqliteRecords) -> None:
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


def test_another_process_is_followed(records: SqliteRecords) -> None:
    """Two objects stand for two processes: each has its own connections and keys."""
    with SqliteRecords(records.folder, MASTER) as other:
        anna = enrol(records, "Anna", 1)
        assert names(other) == ["Anna"] and other.seq() == 1
        enrol(other, "Bob", 2)
        records.rekey()
        assert names(other) == ["Anna", "Bob"]
        with other.write() as writing:
            writing.remove(anna)
        assert names(records) == ["Bob"] and records.verify() == []
