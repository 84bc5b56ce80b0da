"""Records on a PostgreSQL server: what only a server can do, or do wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.gallery.stored_people import DIM, MASTER, MODEL, OPEN_POLICY, OnServer, enrol, names, profile, template

from mien.errors import ExtraMissing
from mien.gallery.errors import (
    GalleryBusy,
    GalleryDamaged,
    GalleryError,
    GalleryExists,
    GalleryFull,
    GalleryMissing,
    GalleryNewer,
    GalleryReadOnly,
    PersonUnknown,
)
from mien.gallery.store.address import read_url
from mien.gallery.store.migrations import postgres_steps, steps
from mien.gallery.store.postgres import PostgresRecords
from mien.gallery.store.receipt import verify_receipt
from mien.gallery.store.slots import SLOT_BYTES

psycopg = pytest.importorskip("psycopg", reason="needs psycopg, which the extra `postgres` brings")


@pytest.fixture
def galleries(server: str) -> OnServer:
    return OnServer(server)


@pytest.fixture
def records(galleries: OnServer) -> Iterator[PostgresRecords]:
    with galleries.new() as opened:
        assert isinstance(opened, PostgresRecords)
        yield opened


@pytest.fixture
def admin(server: str, records: PostgresRecords) -> Iterator[Any]:
    """A connection past mien, that sees the tables of the gallery and its keys."""
    with psycopg.connect(server, autocommit=True) as connection:
        name = records._server.address.gallery
        connection.execute(f'SET search_path = "{name}", "{name}_keys"')
        yield connection


def slot_of(records: PostgresRecords, person: str) -> int:
    with records.write() as writing:
        return writing.row_of(person).slot


def bytes_of_slot(admin: Any, slot: int) -> bytes:
    return bytes(admin.execute("SELECT content FROM slots WHERE slot = %s", (slot,)).fetchone()[0])


def everything(admin: Any, records: PostgresRecords) -> bytes:
    """All rows of all tables of both schemas."""
    name = records._server.address.gallery
    sql = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN (%s, %s)"
    tables = admin.execute(sql, (name, f"{name}_keys")).fetchall()
    assert len(tables) == 12
    cells = [
        cell
        for schema, table in tables
        for row in admin.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall()
        for cell in row
    ]
    return b"\n".join(bytes(cell) if isinstance(cell, bytes) else str(cell).encode() for cell in cells)


def on_disk(admin: Any) -> bytes:
    """Every file of the server's but its log of changes, which keeps what was there until it is recycled."""
    admin.execute("CHECKPOINT")
    folder = Path(admin.execute("SHOW data_directory").fetchone()[0])
    files = [path for path in (folder / "base").rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in files)


def test_nothing_of_a_removed_person_is_left(records: PostgresRecords, admin: Any) -> None:
    others = [enrol(records, f"Other {number}", 100 + number) for number in range(5)]
    anna = enrol(records, "Annabella Forgettable", 1, 2)
    with records.write() as writing:
        writing.add_negative(anna, template(3).vector, "me")
        writing.add_answer(template(4).vector, anna, 0.5)
        owner = writing.row_of(anna)
        rows = writing.rows(
            """SELECT profile FROM people WHERE number = ?1 UNION ALL SELECT templates FROM people WHERE number = ?1
            UNION ALL SELECT name_tag FROM people WHERE number = ?1 UNION ALL SELECT key_check FROM people
            WHERE number = ?1 UNION ALL SELECT content FROM crops WHERE person = ?1""",
            (owner.number,),
        )
    sealed = [row[0] for row in rows]
    key = bytes_of_slot(admin, owner.slot)
    assert len(sealed) == 6 and len(key) == SLOT_BYTES
    before = everything(admin, records)
    assert all(piece in before for piece in (*sealed, key)) and key[12:44] in on_disk(admin), "a search finds them"
    with records.write() as writing:
        writing.remove(anna)
    after = everything(admin, records)
    said = [b"Annabella", template(1).crop or b"", template(1).vector.tobytes()]
    assert not [piece for piece in (*sealed, *said, key, key[12:44]) if piece in after]
    assert key[12:44] not in on_disk(admin), "the table of keys is another file now"
    assert key[12:44] not in after and records.verify() == []
    assert names(records) == [f"Other {number}" for number in range(5)]
    assert all(records.templates(one) for one in others)


def test_keys_are_in_a_schema_of_their_own(records: PostgresRecords, admin: Any) -> None:
    anna = enrol(records, "Anna", 1)
    name = records._server.address.gallery
    key = bytes_of_slot(admin, slot_of(records, anna))
    tables = admin.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (name,)).fetchall()
    found = [cell for (table,) in tables for row in admin.execute(f"SELECT * FROM {table}").fetchall() for cell in row]
    assert len(tables) == 10 and key not in found
    admin.execute(f'DROP SCHEMA "{name}_keys" CASCADE')
    with pytest.raises(GalleryDamaged, match=f"{name}_keys") as caught:
        PostgresRecords(url_of(records), MASTER)
    assert "Bring that schema back" in caught.value.cure


def url_of(records: PostgresRecords) -> str:
    address = records._server.address
    return f"{address.conninfo}&gallery={address.gallery}"


def dump(records: PostgresRecords, to: Path) -> Path:
    """As an administrator makes one, without the keys."""
    pgserver = pytest.importorskip("pgserver")
    tool, address = Path(pgserver.__file__).parent / "pginstall" / "bin" / "pg_dump", records._server.address
    only = [f"--schema={address.gallery}", f"--exclude-schema={address.keys}", "--inserts"]
    subprocess.run([str(tool), *only, f"--file={to}", address.conninfo], check=True, capture_output=True)
    return to


def put_back(made: Path, records: PostgresRecords, admin: Any) -> None:
    """As an administrator does it with psql."""
    schema = records._server.address.gallery
    admin.execute(f'DROP SCHEMA "{schema}" CASCADE')
    lines = made.read_text().splitlines()
    admin.execute("\n".join(line for line in lines if not line.startswith("\\")))
    admin.execute(f'SET search_path = "{schema}", "{schema}_keys"')


def test_a_dump_from_before_a_rekey_is_refused_and_nothing_is_deleted(
    records: PostgresRecords, admin: Any, tmp_path: Path
) -> None:
    enrol(records, "Anna", 1)
    made, newer = dump(records, tmp_path / "old.sql"), tmp_path / "new.sql"
    records.rekey()
    dump(records, newer)
    bob = enrol(records, "Bob", 2)
    with records.write() as writing:
        writing.remove(bob)
    put_back(made, records, admin)
    with pytest.raises(GalleryDamaged):
        PostgresRecords(url_of(records), MASTER)
    with pytest.raises(GalleryDamaged), records.write():
        pass
    assert admin.execute("SELECT count(*) FROM people").fetchone() == (1,)
    put_back(newer, records, admin)
    with PostgresRecords(url_of(records), MASTER) as again:
        assert names(again) == ["Anna"] and again.verify() == []


def test_an_older_dump_does_not_bring_a_removed_person_back(
    records: PostgresRecords, admin: Any, tmp_path: Path
) -> None:
    anna, bob = enrol(records, "Anna", 1), enrol(records, "Bob", 2)
    made = dump(records, tmp_path / "dump.sql")
    with records.write() as writing:
        writing.remove(anna)
    put_back(made, records, admin)
    assert admin.execute("SELECT count(*) FROM people").fetchone() == (2,)
    with PostgresRecords(url_of(records), MASTER) as again:
        assert names(again) == ["Bob"] and again.verify() == []
        assert [event.kind for event in again.history(anna)][-1] == "remove"
        assert again.templates(bob)
        (text,) = admin.execute("SELECT content FROM receipts").fetchone()
        assert anna not in text
    assert admin.execute("SELECT count(*) FROM people").fetchone() == (1,), "finished off, not only passed over"


def test_services_follow_each_other(records: PostgresRecords, galleries: OnServer) -> None:
    """A process of its own changes the gallery; who waits hears of each change, in order and at once."""
    code = """
import sys
sys.path.insert(0, sys.argv[2])
from tests.gallery.stored_people import MASTER, enrol
from mien.gallery.store.postgres import PostgresRecords
with PostgresRecords(sys.argv[1], MASTER) as records:
    for number in range(5):
        print(enrol(records, f"P{number}", number), flush=True)
"""
    other = subprocess.Popen(
        [sys.executable, "-c", code, galleries.url_of(records), str(Path(__file__).parents[2])],
        stdout=subprocess.PIPE,
        text=True,
    )
    seen: list[str | None] = []
    seq = 0
    while len(seen) < 5:
        assert records.wait(seq, 60) > seq, "nothing heard within a minute"
        changes = records.changes(seq)
        seen += [change.person_id for change in changes]
        seq = changes[-1].seq
    said, _ = other.communicate()
    assert other.returncode == 0 and seen == said.split()
    assert names(records) == [f"P{number}" for number in range(5)]
    assert records.wait(seq, 0.05) == seq, "nobody changes anything any more"


def test_a_wait_is_ended_by_a_change_in_another_thread(records: PostgresRecords, galleries: OnServer) -> None:
    answers: list[int] = []
    with galleries.again(records) as other:
        assert isinstance(other, PostgresRecords)
        waiting = threading.Thread(target=lambda: answers.append(other.wait(0, 60)))
        waiting.start()
        enrol(records, "Anna", 1)
        waiting.join()
        assert answers == [1]
        assert other.wait(0, 0) == 1, "what happened before is not waited for"


KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
from tests.gallery.stored_people import MASTER, enrol, profile, template
from mien.gallery.store.postgres import PostgresRecords
from mien.gallery.store.server import Server, ServerConnection
records = PostgresRecords(sys.argv[1], MASTER)
at, count = int(sys.argv[3]), 0
print(enrol(records, "Kept", 1), flush=True)
real = {name: getattr(ServerConnection, name) for name in ("execute", "executemany", "script")}
def counted(name):
    def step(self, *given):
        global count
        count += 1
        if count > at:
            os.kill(os.getpid(), signal.SIGKILL)
        return real[name](self, *given)
    return step
for name in real:
    setattr(ServerConnection, name, counted(name))
with records.write() as writing:
    for number in range(3):
        writing.add_person(profile(f"New {number}"), [template(number)])
print("enrolled", flush=True)
with records.write() as writing:
    writing.remove(records.find("New 1")[0].id)
print("removed", flush=True)
with records.write() as writing:
    writing.merge(records.find("New 2")[0].id, records.find("New 0")[0].id)
print("merged", flush=True)
os._exit(0)
"""


@pytest.mark.slow
def test_a_killed_client_loses_nothing_and_leaves_nothing_half_done(galleries: OnServer) -> None:
    """SIGKILL before every fifth statement: what was acknowledged is there, and each change wholly or not at all."""
    steps = [["Kept"], ["Kept", "New 0", "New 1", "New 2"], ["Kept", "New 0", "New 2"], ["Kept", "New 0"]]
    told: set[int] = set()
    for at in range(0, 300, 5):
        with galleries.new() as records:
            ask = [sys.executable, "-c", KILLED, galleries.url_of(records), str(Path(__file__).parents[2]), str(at)]
            done = subprocess.run(ask, capture_output=True, text=True)
            assert done.returncode == (0 if "merged" in done.stdout else -signal.SIGKILL), done.stderr
            acknowledged = len(done.stdout.split()) - 1
            with galleries.again(records) as again:
                assert names(again) in steps[acknowledged : acknowledged + 2]
                assert again.verify() == []
                for person in again.people():
                    assert len(again.templates(person.id)) == person.n_templates
        told.add(acknowledged)
        if done.returncode == 0:
            break
    assert told == {0, 1, 2, 3}, "there are statements to be killed at in each of the changes"


def test_a_removal_that_a_kill_interrupted_is_finished_by_the_next_change(
    records: PostgresRecords, galleries: OnServer
) -> None:
    anna = enrol(records, "Anna", 1)
    with galleries.again(records) as other:
        with other.write() as writing:
            # What is there when a process is killed after it destroyed a key.
            writing.keys.destroy(writing.row_of(anna).slot)
        assert names(records) == []
        assert [line for line in records.verify() if "have not seen every removal" in line]
        enrol(records, "Bob", 2)
        assert records.verify() == [] and names(records) == names(other) == ["Bob"]
        assert [event.kind for event in records.history(anna)] == ["enrol", "remove"]


def test_a_reader_in_the_way_delays_only_the_erasing(records: PostgresRecords, admin: Any, server: str) -> None:
    anna = enrol(records, "Anna", 1)
    with psycopg.connect(server) as reader:
        reader.execute(f'SELECT count(*) FROM "{records._server.address.keys}".slots')
        with records.write() as writing:
            writing.remove(anna)
        assert names(records) == []
        assert [line for line in records.verify() if "the next change erases them" in line]
    enrol(records, "Bob", 2)
    assert records.verify() == []


@pytest.mark.parametrize("name", ["", "a b", "1a", "pg_x", 'x"', "a.b", "é", "a" * 41, "x;y", "a%20b"])
def test_names_that_could_be_more_than_a_name_are_refused(server: str, name: str) -> None:
    with pytest.raises(GalleryError, match="not a name") as caught:
        PostgresRecords(f"{server}&gallery={name}", MASTER)
    assert caught.value.cure


SECRET = "dont-show-me"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://anna:{SECRET}@127.0.0.1:1/faces",
        f"postgresql://anna@127.0.0.1:1/faces?password={SECRET}&connect_timeout=2",
        f"postgresql://anna:p@{SECRET}@127.0.0.1:1/faces",
        f"postgresql://anna:p/{SECRET}@127.0.0.1:1/faces",
        f"postgresql://anna:p#/{SECRET}@127.0.0.1/faces",
        f"postgresql://anna:{SECRET}@[::1/faces",
        f"postgresql://anna:{SECRET}@127.0.0.1:x/faces",
        f"postgresql://anna:{SECRET}@127.0.0.1/faces?nothing=1",
        f"postgresql://anna:{SECRET}%zz@127.0.0.1/faces",
        f"postgresql://anna:{SECRET}@127.0.0.1/faces?connect_timeout=soon",
    ],
)
def test_a_password_is_never_shown(url: str) -> None:
    with pytest.raises(GalleryError) as caught:
        PostgresRecords(url, MASTER)
    assert caught.value.cure
    error: BaseException | None = caught.value
    while error is not None:
        assert SECRET not in str(error) and SECRET not in repr(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_what_is_shown_of_an_address() -> None:
    address = read_url(f"postgresql://anna:{SECRET}@example.org:5433/faces?sslmode=require&gallery=Doors")
    assert address.shown == "example.org:5433/faces, gallery 'Doors'" and SECRET not in repr(address)
    assert address.conninfo == f"postgresql://anna:{SECRET}@example.org:5433/faces?sslmode=require"
    assert (address.gallery, address.keys) == ("Doors", "Doors_keys")
    assert read_url("postgresql:///faces?gallery=a").conninfo == "postgresql:///faces"
    assert read_url("postgresql:///faces").gallery == "mien"


def test_what_is_not_there_is_missing(server: str, galleries: OnServer) -> None:
    with pytest.raises(GalleryMissing, match="There is no gallery") as caught:
        PostgresRecords(galleries.url(), MASTER)
    assert "mien gallery init" in caught.value.cure
    for url in (server.replace("/postgres?", "/nothing?"), server.replace("postgres:@", "stranger:@")):
        with pytest.raises(GalleryMissing, match=r"does not let us in: .*does not exist") as caught:
            PostgresRecords(url, MASTER)
        assert "password" in caught.value.cure


def test_nothing_is_made_over_another_thing(records: PostgresRecords, server: str, admin: Any) -> None:
    with pytest.raises(GalleryExists, match="not empty"):
        PostgresRecords.create(url_of(records), MODEL, DIM, OPEN_POLICY, MASTER)
    name = "given_" + os.urandom(4).hex()
    admin.execute(f"CREATE SCHEMA {name}; CREATE SCHEMA {name}_keys")
    with PostgresRecords.create(f"{server}&gallery={name}", MODEL, DIM, OPEN_POLICY, MASTER) as made:
        assert enrol(made, "Anna", 1) and made.verify() == []
    with pytest.raises(GalleryExists):
        PostgresRecords.create(f"{server}&gallery={name}_keys", MODEL, DIM, OPEN_POLICY, MASTER)


def test_without_psycopg_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ExtraMissing, match=r"pip install 'mien\[postgres\]'"):
        PostgresRecords("postgresql://example.org/faces", MASTER)


def more_steps() -> list[tuple[int, str]]:
    return [*postgres_steps(), (2, "CREATE TABLE new (x text)"), (3, "INSERT INTO new VALUES ('done')")]


def test_both_kinds_have_the_same_formats() -> None:
    assert [number for number, _ in steps()] == [number for number, _ in postgres_steps()]


def test_a_newer_gallery_is_refused(records: PostgresRecords, admin: Any) -> None:
    admin.execute("UPDATE counters SET value = 99 WHERE name = 'format'")
    with pytest.raises(GalleryNewer, match="format 99"):
        PostgresRecords(url_of(records), MASTER)


def test_an_older_gallery_is_brought_forward(
    records: PostgresRecords, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(records, "Anna", 1)
    broken = [*more_steps()[:2], (3, "INSERT INTO new VALUES ('half'); INSERT INTO nothing VALUES (1)")]
    with monkeypatch.context() as patched:
        patched.setattr("mien.gallery.store.server_opening.postgres_steps", lambda: broken)
        with pytest.raises(GalleryError):
            PostgresRecords(url_of(records), MASTER)
    assert admin.execute("SELECT count(*) FROM new").fetchone() == (0,), "the second step stands, the third is undone"
    monkeypatch.setattr("mien.gallery.store.server_opening.postgres_steps", more_steps)
    with PostgresRecords(url_of(records), MASTER) as again:
        assert again.info.format == 3 and names(again) == ["Anna"]
    assert admin.execute("SELECT x FROM new").fetchall() == [("done",)]


def test_a_user_who_may_only_read(records: PostgresRecords, admin: Any) -> None:
    enrol(records, "Anna", 1)
    name, reader = records._server.address.gallery, f"reader_{os.urandom(4).hex()}"
    admin.execute(f"CREATE ROLE {reader} LOGIN")
    for schema in (name, f"{name}_keys"):
        admin.execute(
            f"GRANT USAGE ON SCHEMA {schema} TO {reader}; GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {reader}"
        )
    with PostgresRecords(url_of(records).replace("postgres:@", f"{reader}:@"), MASTER) as again:
        assert names(again) == ["Anna"] and again.verify() == []
        for attempt in (again.write().__enter__, again.rekey):
            with pytest.raises(GalleryReadOnly, match="read-only") as caught:
                attempt()
        assert caught.value.cure
    admin.execute(f"REVOKE SELECT ON people FROM {reader}")
    again = PostgresRecords(url_of(records).replace("postgres:@", f"{reader}:@"), MASTER)
    with again, pytest.raises(GalleryError, match="permission denied"):
        names(again)


def test_a_server_that_may_not_be_written(records: PostgresRecords) -> None:
    enrol(records, "Anna", 1)
    url = url_of(records) + "&options=-c%20default_transaction_read_only%3Don"
    with PostgresRecords(url, MASTER) as again:
        assert names(again) == ["Anna"]
        with pytest.raises(GalleryReadOnly), again.write():
            pass


def test_acknowledged_means_durable_whatever_the_default_is(records: PostgresRecords) -> None:
    url = url_of(records) + "&options=-c%20synchronous_commit%3Doff"
    with PostgresRecords(url, MASTER) as again, again.write() as writing:
        assert writing.rows("SELECT current_setting('synchronous_commit')") == [("on",)]


def cut_off(admin: Any) -> None:
    """End every other connection, as a server does that restarts."""
    sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
    admin.execute(sql)
    while admin.execute("SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL").fetchone() != (1,):
        time.sleep(0.01)


def test_lost_connections_are_made_again(records: PostgresRecords, admin: Any) -> None:
    anna = enrol(records, "Anna", 1)
    cut_off(admin)
    assert names(records) == ["Anna"]
    cut_off(admin)
    assert records.seq() == 1
    cut_off(admin)
    enrol(records, "Bob", 2)
    with pytest.raises(GalleryError, match=r"connection .* was lost"), records.write() as writing:
        writing.add_person(profile("Carl"), [])
        cut_off(admin)
        writing.add_person(profile("Dora"), [])
    with pytest.raises(GalleryError, match=r"lost while a change was being kept|was lost"), records.write() as writing:
        writing.add_person(profile("Carl"), [])
        writing.remove(anna)
        cut_off(admin)
    enrol(records, "Ed", 3)
    assert names(records) == ["Bob", "Ed"] and records.verify() == [], "the removal stands"
    with pytest.raises(PersonUnknown):
        records.person(anna)


def test_an_unanswered_commit_says_that_it_is_not_known(
    records: PostgresRecords, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.gallery.store.server import ServerConnection

    real = ServerConnection.execute

    def cut(self: ServerConnection, sql: str, *given: Any) -> Any:
        if sql == "COMMIT":
            cut_off(admin)
        return real(self, sql, *given)

    monkeypatch.setattr(ServerConnection, "execute", cut)
    with pytest.raises(GalleryError, match="while a change was being kept") as caught, records.write() as writing:
        writing.add_person(profile("Anna"), [])
    assert "Look whether" in caught.value.cure
    monkeypatch.undo()
    assert names(records) == []


def test_what_the_server_says_is_translated(records: PostgresRecords) -> None:
    errors = psycopg.errors
    for error, expected in (
        (errors.LockNotAvailable(), GalleryBusy),
        (errors.DiskFull(), GalleryFull),
        (errors.ReadOnlySqlTransaction(), GalleryReadOnly),
        (errors.DataCorrupted(), GalleryDamaged),
        (errors.IndexCorrupted(), GalleryDamaged),
        (errors.UndefinedTable(), GalleryDamaged),
        (errors.AdminShutdown(), GalleryError),
        (errors.DivisionByZero(), GalleryError),
    ):
        with pytest.raises(GalleryError) as caught, records._server.translated():
            raise error
        assert type(caught.value) is expected and caught.value.cure
    assert records._server.plain(ValueError()) is None


def test_many_threads_need_few_connections(records: PostgresRecords, admin: Any) -> None:
    enrol(records, "Anna", 1)
    threads = [threading.Thread(target=lambda: [records.seq() for _ in range(3)]) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL AND pid <> pg_backend_pid()"
    assert admin.execute(sql).fetchone()[0] <= 10


def test_receipts_are_kept_on_the_server(records: PostgresRecords, admin: Any) -> None:
    anna = enrol(records, "Anna", 1)
    with records.write() as writing:
        receipt = writing.remove(anna)
    assert verify_receipt(receipt, records.public_key)
    assert admin.execute("SELECT content FROM receipts").fetchall() == [(receipt.to_json(),)]
    admin.execute("UPDATE receipts SET content = replace(content, '\"crops\": 1', '\"crops\": 2')")
    assert records.verify() == [f"receipt {receipt.person_sha256}: the signature is wrong"]
    admin.execute("UPDATE receipts SET content = '{}'")
    assert "not a receipt" in records.verify()[0]


def test_a_server_that_does_not_sync_is_named(records: PostgresRecords, monkeypatch: pytest.MonkeyPatch) -> None:
    class Connection:
        def execute(self, sql: str) -> Any:
            return self

        def fetchall(self) -> list[tuple[str]]:
            return [("fsync",)]

        def fetchone(self) -> tuple[bool]:
            return (True,)

    (line,) = records._server.check(Connection())  # type: ignore[arg-type]
    assert "fsync is off" in line


def test_exchanged_or_changed_keys_are_damage(records: PostgresRecords, admin: Any) -> None:
    anna, bob = (slot_of(records, enrol(records, name, number)) for number, name in enumerate(("Anna", "Bob")))
    admin.execute(f"UPDATE slots SET slot = CASE slot WHEN {anna} THEN {bob} ELSE {anna} END + 100")
    admin.execute("UPDATE slots SET slot = slot - 100")
    with pytest.raises(GalleryDamaged, match=f"Slot {anna} of the table"):
        names(records)
    assert len([line for line in records.verify() if "Slot" in line]) == 2
    admin.execute("DELETE FROM slots")
    assert len([line for line in records.verify() if "Slot" in line]) == 2, "a key that is not there is no removal"
    admin.execute("UPDATE header SET content = set_byte(content, 60, get_byte(content, 60) # 1)")
    with pytest.raises(GalleryDamaged):
        PostgresRecords(url_of(records), MASTER)
