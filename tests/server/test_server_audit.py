"""The audit log: append-only, chained, and found out wherever somebody laid hands on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import apsw
import numpy as np
import pytest
from fastapi.testclient import TestClient
from tests.server.conftest import Clock

from mien.gallery.gallery import Consent, Profile
from mien.server.caller import Caller, Role
from mien.server.service import Service
from mien.server.state.audit import HEAD_FILE, AuditLog, Head, Wanted
from mien.server.state.database import SECOND, State

WHO = Caller("account", "a", "anna", Role.OPERATOR, "")
DAY = 24 * 3600 * SECOND


@pytest.fixture
def log(state: State) -> AuditLog:
    """Ten entries."""
    made = AuditLog(state)
    for number in range(10):
        made.write(WHO, "identify", f"person {number}", "because", {"faces": number})
    return made


def test_what_is_seen_again_within_a_minute_is_written_once(state: State, clock: Clock) -> None:
    log = AuditLog(state)

    def look(caller: Caller = WHO, action: str = "get_face", subject: str | None = "p") -> int:
        log.write_once(caller, action, subject, {"template": 1})
        return log.head().seq

    assert (look(), look()) == (1, 1)
    assert (look(action="list_cameras", subject=None), look(action="list_cameras", subject=None)) == (2, 2)
    assert look(subject="q") == 3
    assert [look(replace(WHO, **{field: "other"})) for field in ("kind", "id", "tenant")] == [4, 5, 6]
    clock.now += 59 * SECOND
    assert look() == 6
    clock.now += SECOND
    assert (look(), look()) == (7, 7)
    clock.now -= DAY  # somebody put the clock back
    assert (look(), look()) == (8, 8)
    assert log.verify().faults == () and log.entries(most=1)[0].detail == {"template": 1}


def test_many_who_look_at_once_leave_one_entry(state: State) -> None:
    log = AuditLog(state)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: log.write_once(WHO, "get_face", "p"), range(40)))
    assert log.head().seq == 1


def tamper(state: State, *statements: str) -> None:
    """As somebody with the key and no scruples."""
    with state.write() as writing:
        for name in [row[0] for row in writing.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")]:
            writing.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            writing.execute(statement)


def test_what_was_written_is_read(log: AuditLog) -> None:
    newest = log.entries(most=3)
    assert [one.seq for one in newest] == [10, 9, 8]
    assert (newest[0].action, newest[0].subject, newest[0].why) == ("identify", "person 9", "because")
    assert (newest[0].actor, newest[0].name, newest[0].detail) == ("a", "anna", {"faces": 9})


def test_entries_are_found_by_what_they_are_about(log: AuditLog) -> None:
    log.write(replace(WHO, id="b", tenant="north"), "remove_person", "person 1")
    assert [one.seq for one in log.entries(Wanted(subject="person 1"))] == [11, 2]
    assert [one.seq for one in log.entries(Wanted(tenant="north"))] == [11]
    assert [one.seq for one in log.entries(Wanted(actor="a", before=3))] == [2, 1]
    assert log.entries(Wanted(action="nothing")) == []


def test_the_beginning_of_an_action_or_an_id_is_enough(log: AuditLog) -> None:
    log.write(WHO, "enrol_person", "mfrggzdfmztwq2lknnwg23tpoa")
    log.write(WHO, "identify_enrol", "aamfrggzdfmztwq2lknnwg23tp")
    for wanted in (Wanted(action="enrol"), Wanted(subject="mfrggzdf"), Wanted(subject="mfrggzdfmztwq2lknnwg23tpoa")):
        assert [one.seq for one in log.entries(wanted)] == [11]
    # Nothing of a pattern means more than itself.
    assert log.entries(Wanted(action="enrol%")) == log.entries(Wanted(subject="mfrg_zdf")) == []


def test_a_second_file_that_somebody_wrote_over_is_found(state: State, log: AuditLog) -> None:
    assert log._head_file
    log._head_file.close()
    (state.folder / HEAD_FILE).write_bytes(b"nothing" * 1000)
    assert AuditLog(state).verify().faults == (f"{HEAD_FILE} is gone, or is not as it was written.",)


def test_an_untouched_log_is_whole(log: AuditLog) -> None:
    verdict = log.verify()
    assert verdict.faults == () and verdict.entries == 10 and verdict.head == log.head()
    assert verdict.head.seq == 10


def test_an_empty_log_is_whole(state: State) -> None:
    assert AuditLog(state).verify().faults == ()


@pytest.mark.parametrize("statement", ["UPDATE audit SET why = ''", "DELETE FROM audit", "DELETE FROM audit_cuts"])
def test_the_database_refuses_changes(state: State, log: AuditLog, clock: Clock, statement: str) -> None:
    clock.now += DAY
    log.write(WHO, "later")
    log.cut(clock.now)
    with pytest.raises(Exception, match="audit log"), state.write() as writing:
        writing.execute(statement)
    assert log.verify().faults == ()


CHANGES = {
    "at": "1",
    "tenant": "'north'",
    "kind": "'key'",
    "actor": "'b'",
    "name": "'bert'",
    "action": "'nothing'",
    "subject": "NULL",
    "why": "'no reason'",
    "detail": "'{}'",
    "mac": "zeroblob(32)",
}


@pytest.mark.parametrize("column", CHANGES)
def test_a_changed_column_is_found(state: State, log: AuditLog, column: str) -> None:
    tamper(state, f"UPDATE audit SET {column} = {CHANGES[column]} WHERE seq = 5")
    assert any("Entry 5 is not as it was written" in one for one in log.verify().faults)


def test_every_row_counts(state: State, log: AuditLog) -> None:
    for seq in range(1, 11):
        tamper(state, f"UPDATE audit SET why = 'x' WHERE seq = {seq}")
        assert any(f"Entry {seq} " in one for one in log.verify().faults)
        tamper(state, f"UPDATE audit SET why = 'because' WHERE seq = {seq}")
        assert log.verify().faults == ()


def test_rows_taken_out_of_the_middle_are_missed(state: State, log: AuditLog) -> None:
    tamper(state, "DELETE FROM audit WHERE seq IN (4, 5)")
    faults = log.verify().faults
    assert faults[0] == "Entries 4 to 5 are missing." and "Entry 6 " in faults[1]


def test_rows_taken_from_the_beginning_are_missed(state: State, log: AuditLog) -> None:
    tamper(state, "DELETE FROM audit WHERE seq = 1")
    assert log.verify().faults[0] == "Entries 1 to 1 are missing."


@pytest.mark.parametrize("seq", [10, 1])
def test_rows_taken_from_the_end_are_missed(state: State, log: AuditLog, seq: int) -> None:
    tamper(state, f"DELETE FROM audit WHERE seq >= {seq}")
    assert log.verify().faults == (f"Entries {seq} to 10 are missing from the end.",)


def test_rows_that_changed_places_are_found(state: State, log: AuditLog) -> None:
    tamper(
        state,
        "UPDATE audit SET seq = 100 WHERE seq = 3",
        "UPDATE audit SET seq = 3 WHERE seq = 4",
        "UPDATE audit SET seq = 4 WHERE seq = 100",
    )
    assert any("Entry 3 " in one for one in log.verify().faults)


def test_a_second_file_that_is_gone_is_missed(state: State, log: AuditLog) -> None:
    (state.folder / HEAD_FILE).unlink()
    assert log.verify().faults == (f"{HEAD_FILE} is gone, or is not as it was written.",)


def test_a_log_put_back_as_a_whole_is_found_by_a_noted_head(state: State, log: AuditLog, tmp_path: Path) -> None:
    """Both files of an older day: nothing in them says so."""
    older = AuditLog(State(_new(tmp_path / "older"), bytes(range(32)), state.now))
    for number in range(5):
        older.write(WHO, "identify", f"person {number}", "because", {"faces": number})
    assert older.verify().faults == ()
    assert older.verify(log.head()).faults == ("Entries 6 to 10 are missing from the end.",)


def test_another_log_is_found_by_a_noted_head(state: State, log: AuditLog, tmp_path: Path) -> None:
    other = AuditLog(State(_new(tmp_path / "other"), bytes(range(32)), state.now))
    for _ in range(10):
        other.write(WHO, "nothing")
    assert other.verify(log.head()).faults == ("Entry 10 is not the one that was noted down.",)
    assert other.verify(Head(3, "0" * 64)).faults == ("Entry 3 is not the one that was noted down.",)


def test_a_noted_head_of_a_log_that_went_on_is_right(log: AuditLog) -> None:
    noted = log.head()
    log.write(WHO, "later")
    assert log.verify(noted).faults == ()


def test_without_the_key_nothing_can_be_read(state: State, log: AuditLog) -> None:
    state.close()
    for name in ("state.db", HEAD_FILE):
        assert b"identify" not in (state.folder / name).read_bytes()
        with pytest.raises(apsw.NotADBError):
            apsw.Connection(str(state.folder / name)).execute("SELECT * FROM sqlite_schema").fetchall()


def test_the_retention_cuts_behind_a_marker(state: State, log: AuditLog, clock: Clock) -> None:
    clock.now += DAY
    log.write(WHO, "later")
    assert log.cut(clock.now) == 10
    assert [one.seq for one in log.entries()] == [11] and log.verify().faults == ()
    log.write(WHO, "later still")
    assert log.verify().entries == 2


def test_a_log_that_was_cut_to_nothing_goes_on(state: State, log: AuditLog, clock: Clock) -> None:
    clock.now += DAY
    assert log.cut(clock.now) == 10 and log.cut(clock.now) == 0
    assert log.verify().faults == () and log.head().seq == 10
    log.write(WHO, "later")
    assert log.head().seq == 11 and log.verify().faults == ()


def test_a_cut_without_the_key_is_found(state: State, log: AuditLog) -> None:
    tamper(
        state,
        "INSERT INTO audit_cuts SELECT seq, at, mac, zeroblob(32) FROM audit WHERE seq = 4",
        "DELETE FROM audit WHERE seq <= 4",
    )
    assert log.verify().faults == ("The marker of the cut at entry 4 is forged.",)


def test_what_still_exists_has_its_name_beside_the_id(
    client: TestClient,
    administrator: Mapping[str, str],
    stranger: Mapping[str, str],
    service: Service,
    astronaut: np.ndarray,
) -> None:
    consent = Consent("Eileen", datetime.now(UTC), "a test", "a form")
    person = service.gallery.enrol(Profile("Eileen", consent=consent), [astronaut]).person_id
    account = service.accounts.make("vera", Role.VIEWER, "")
    for subject in (person, account.id, "a" * 26, None):
        service.audit.write(WHO, "look", subject)
        service.audit.write(replace(WHO, tenant="north"), "look", subject)

    def names(headers: Mapping[str, str]) -> list[str | None]:
        found = client.get("/v1/audit", params={"action": "look"}, headers=headers).json()["items"]
        return [one["subject_name"] for one in reversed(found)]

    assert names(administrator) == ["Eileen", "vera", None, None]
    assert names(stranger) == [None] * 4
    assert person
    service.gallery.remove(person)
    assert names(administrator)[0] is None
    assert "Eileen" not in json.dumps([one.to_dict() for one in service.audit.entries()])


def test_an_entry_goes_with_its_transaction(state: State, log: AuditLog) -> None:
    with pytest.raises(RuntimeError), state.write():
        log.write(WHO, "never")
        raise RuntimeError
    assert log.head().seq == 10 and log.verify().faults == ()


def test_threads_and_processes_make_one_chain(state: State, log: AuditLog) -> None:
    beside = AuditLog(State(state.folder, bytes(range(32)), state.now))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: (log if n % 2 else beside).write(WHO, "at once", str(n)), range(60)))
    verdict = log.verify()
    assert verdict.entries == 70 and verdict.faults == ()


def test_an_administrator_reads_the_tenants_own_entries(
    client: TestClient, service: Service, administrator: dict[str, str], stranger: dict[str, str]
) -> None:
    service.audit.write(WHO, "identify", "somebody", "a test")
    found = client.get("/v1/audit", params={"action": "identify"}, headers=administrator).json()["items"]
    assert [(one["subject"], one["why"], one["name"]) for one in found] == [("somebody", "a test", "anna")]
    assert client.get("/v1/audit", params={"action": "identify"}, headers=stranger).json()["items"] == []


def test_pages_follow_one_another(client: TestClient, service: Service, administrator: dict[str, str]) -> None:
    for number in range(5):
        service.audit.write(WHO, "count", str(number))
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(
            "/v1/audit", params={"action": "count", "limit": 2, "cursor": cursor}, headers=administrator
        ).json()
        seen += [one["subject"] for one in page["items"]]
        cursor = page["next"]
    assert seen == ["4", "3", "2", "1", "0"]


def test_whoever_reads_the_log_is_in_it_once_a_minute(
    client: TestClient, service: Service, administrator: dict[str, str], stranger: dict[str, str]
) -> None:
    """It has names beside the ids. Leafing adds nothing, and beginning in the middle is no way around."""
    for number in range(5):
        service.audit.write(WHO, "count", str(number))
    first = client.get("/v1/audit", params={"limit": 2}, headers=administrator).json()
    assert first["items"][0]["action"] == "count"
    for _ in range(3):
        client.get("/v1/audit", params={"limit": 2, "cursor": first["next"]}, headers=administrator)
    client.get("/v1/audit", params={"cursor": first["next"]}, headers=stranger)
    found = service.audit.entries(Wanted(action="list_audit"))
    assert [one.tenant for one in found] == ["north", ""]


def test_the_service_says_whether_the_log_is_whole(
    client: TestClient, service: Service, administrator: dict[str, str]
) -> None:
    service.audit.write(WHO, "identify")
    said = client.get("/v1/audit/verify", headers=administrator).json()
    assert said["whole"] and said["faults"] == [] and said["head"].startswith(f"{said['entries']}:")
    tamper(service.state, "UPDATE audit SET why = 'x' WHERE seq = 1")
    said = client.get("/v1/audit/verify", headers=administrator).json()
    assert not said["whole"] and "Entry 1 " in said["faults"][0]


def test_what_is_written_has_no_names_of_accounts_passwords(client: TestClient, service: Service) -> None:
    client.post("/v1/session", json={"name": "nobody", "password": "a secret of mine"})
    assert "secret" not in json.dumps([one.to_dict() for one in service.audit.entries()])


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder
