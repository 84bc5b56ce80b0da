"""Records in SQLite: what they promise to one process, to several, and when the disk does not help."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from tests.gallery.stored_people import enrol, names, new_gallery, profile, template

from mien.gallery.errors import (
    GalleryBusy,
    GalleryDamaged,
    GalleryError,
    GalleryExists,
    GalleryFull,
    GalleryMissing,
    GalleryNewer,
    GalleryReadOnly,
)
from mien.gallery.store import database, master
from mien.gallery.store.master import MasterKey
from mien.gallery.store.migrations import steps
from mien.gallery.store.sqlite import SqliteRecords

MASTER = MasterKey(bytes(range(32)), "a test")


@pytest.fixture
def records(tmp_path: Path) -> Iterator[SqliteRecords]:
    with new_gallery(tmp_path / "g", MASTER) as opened:
        yield opened


def write_connection(records: SqliteRecords) -> apsw.Connection:
    with records.write() as writing:
        return writing.connection


def test_finding_uses_the_indexes(records: SqliteRecords) -> None:
    sql = "EXPLAIN QUERY PLAN SELECT * FROM people p WHERE p.id = ? OR p.external_tag = ? OR p.name_tag = ?"
    plan = " ".join(str(row) for row in write_connection(records).execute(sql, (b"", b"", b"")))
    assert "SCAN" not in plan and plan.count("SEARCH") == 3


def test_a_gallery_is_made_with_the_key_that_will_be_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(master, "config_file", lambda: tmp_path / "config" / "mien.toml")
    monkeypatch.setenv(master.VARIABLE, MASTER.text)
    SqliteRecords.create(tmp_path / "g", "made-up", 32).close()
    with SqliteRecords(tmp_path / "g") as again:
        assert names(again) == []


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
    monkeypatch.setattr("mien.gallery.store.database.steps", more_steps)
    with SqliteRecords(records.folder, MASTER) as again:
        assert again.info.format == 3 and names(again) == ["Anna"]
        assert write_connection(again).execute("SELECT x FROM new").fetchall() == [("done",)]


def test_a_step_that_fails_leaves_the_format_before_it(records: SqliteRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol(records, "Anna", 1)
    records.close()
    broken = [*more_steps()[:2], (3, "INSERT INTO new VALUES ('half'); INSERT INTO nothing VALUES (1)")]
    with monkeypatch.context() as patched:
        patched.setattr("mien.gallery.store.database.steps", lambda: broken)
        with pytest.raises(GalleryError):
            SqliteRecords(records.folder, MASTER)
    monkeypatch.setattr("mien.gallery.store.database.steps", lambda: more_steps()[:2])
    with SqliteRecords(records.folder, MASTER) as again:
        assert again.info.format == 2 and names(again) == ["Anna"]
        assert write_connection(again).execute("SELECT count(*) FROM new").fetchall() == [(0,)]


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
from mien.gallery.store.sqlite import SqliteRecords
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
    forbid(monkeypatch)


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_who_may_only_read_is_not_told_what_was_before(records: SqliteRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user may write, remove people even, while this one may not."""
    enrol(records, "Anna", 1)
    records.close()
    with monkeypatch.context() as patched:
        forbid(patched)
        reader = SqliteRecords(records.folder, MASTER)
        assert names(reader) == ["Anna"]
    with SqliteRecords(records.folder, MASTER) as writer:
        enrol(writer, "Bob", 2)
        with monkeypatch.context() as patched, pytest.raises(GalleryReadOnly, match="log"):
            forbid(patched)
            names(reader)
    with monkeypatch.context() as patched:
        forbid(patched)
        assert names(reader) == ["Anna", "Bob"]
    reader.close()


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
