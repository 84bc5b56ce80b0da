"""Whose request it is, where it came from, and how often it may come."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from tests.server.conftest import PASSWORD, Clock, Person, log_in

from mien.server.access.limits import Lockout, Rate
from mien.server.access.passwords import IN_LINE, Passwords, default_hasher
from mien.server.caller import Role
from mien.server.errors import Busy, TooMany
from mien.server.service import Service
from mien.server.state.database import SECOND, State

People = dict[tuple[str, Role], Person]
CHANGE = {"event_days": 3}


@pytest.fixture
def lockout(state: State) -> Lockout:
    return Lockout(state, 3)


def fail(lockout: Lockout, times: int, name: str = "anna", address: str = "192.0.2.1") -> None:
    for _ in range(times):
        lockout.begin(name, address)


def test_an_account_is_locked_after_so_many_wrong_passwords(lockout: Lockout, clock: Clock) -> None:
    fail(lockout, 3)
    with pytest.raises(TooMany) as caught:
        lockout.begin("Anna", "192.0.2.2")
    assert caught.value.retry_after == 15 * 60
    clock.now += 15 * 60 * SECOND
    lockout.begin("anna", "192.0.2.2")


def test_each_lock_lasts_twice_as_long(lockout: Lockout, clock: Clock) -> None:
    waits = []
    for _ in range(9):
        fail(lockout, 3)
        with pytest.raises(TooMany) as caught:
            lockout.begin("anna", "192.0.2.9")
        waits.append(caught.value.retry_after)
        clock.now += int(caught.value.retry_after or 0) * SECOND
    assert waits[:4] == [900, 1800, 3600, 7200] and waits[-1] == 24 * 3600


def test_a_right_password_begins_anew(lockout: Lockout) -> None:
    for _ in range(5):
        fail(lockout, 3)
        lockout.succeeded("anna", "192.0.2.1")


def test_an_address_is_locked_whatever_names_it_tries(lockout: Lockout) -> None:
    for number in range(30):
        lockout.begin(f"name {number}", "192.0.2.1")
    with pytest.raises(TooMany):
        lockout.begin("somebody else", "192.0.2.1")
    lockout.begin("somebody else", "192.0.2.2")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"])
def test_this_machines_own_address_is_not_locked_but_accounts_are(lockout: Lockout, address: str) -> None:
    """All who come through a proxy that no setting names come from there."""
    for number in range(60):
        lockout.begin(f"name {number}", address)
    lockout.succeeded("name 1", address)
    fail(lockout, 3, "anna", address)
    with pytest.raises(TooMany):
        lockout.begin("anna", address)


def test_an_own_account_does_not_free_the_address(lockout: Lockout) -> None:
    for number in range(29):
        lockout.begin(f"name {number}", "192.0.2.1")
        lockout.begin("mine", "192.0.2.1")
        lockout.succeeded("mine", "192.0.2.1")
    lockout.begin("last", "192.0.2.1")
    with pytest.raises(TooMany):
        lockout.begin("mine", "192.0.2.1")


def test_a_right_password_at_the_last_try_does_not_lock_the_address(lockout: Lockout) -> None:
    for number in range(29):
        lockout.begin(f"name {number}", "192.0.2.1")
    for _ in range(3):
        lockout.begin("mine", "192.0.2.1")
        lockout.succeeded("mine", "192.0.2.1")


def test_tries_at_once_are_counted_like_tries_in_turn(lockout: Lockout) -> None:
    def attempt(_: int) -> bool:
        try:
            lockout.begin("anna", "192.0.2.1")
        except TooMany:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(40))) == 3


def test_a_restart_forgets_no_lock(lockout: Lockout, state: State) -> None:
    fail(lockout, 3)
    with State(state.folder, bytes(range(32)), state.now) as again, pytest.raises(TooMany):
        Lockout(again, 3).begin("anna", "192.0.2.1")


def test_neither_names_nor_addresses_are_kept(lockout: Lockout, state: State) -> None:
    fail(lockout, 1)
    kept = repr(state.read("SELECT * FROM failures"))
    assert "anna" not in kept and "192.0.2.1" not in kept


def test_what_is_old_is_forgotten(lockout: Lockout, state: State, clock: Clock) -> None:
    fail(lockout, 2)
    clock.now += 25 * 3600 * SECOND
    fail(lockout, 2)
    clock.now += 25 * 3600 * SECOND
    lockout.sweep()
    assert state.read("SELECT * FROM failures") == []


def test_a_lock_holds_over_the_api_and_names_the_wait(client: TestClient, people: People, service: Service) -> None:
    for name in ("viewer@main", "nobody at all"):
        for _ in range(service.config.login_failures):
            assert client.post("/v1/session", json={"name": name, "password": "wrong words"}).status_code == 401
        locked = client.post("/v1/session", json={"name": name, "password": PASSWORD})
        assert locked.status_code == 429 and locked.headers["retry-after"] == "900"
        assert locked.json()["code"] == "too-many"


def test_a_bucket_empties_and_fills(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("mien.server.access.limits.monotonic", lambda: now[0])
    rate = Rate(60)
    for _ in range(60):
        rate.take("anna")
    with pytest.raises(TooMany) as caught:
        rate.take("anna")
    assert caught.value.retry_after == 1
    rate.take("bert")
    now[0] += 2
    rate.take("anna")
    rate.take("anna")
    with pytest.raises(TooMany):
        rate.take("anna")


def test_buckets_do_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.server.access.limits.MOST_CALLERS", 10)
    rate = Rate(1)
    for number in range(100):
        rate.take(str(number))
    assert len(rate._buckets) == 10


def test_a_change_by_a_browser_needs_its_token(client: TestClient, people: People) -> None:
    token = log_in(client, "administrator@main")
    assert client.patch("/v1/preferences", json=CHANGE).status_code == 403
    wrong = client.patch("/v1/preferences", json=CHANGE, headers={"X-CSRF-Token": "0" * 64})
    assert wrong.status_code == 403 and "X-CSRF-Token" in wrong.json()["detail"]
    assert client.patch("/v1/preferences", json=CHANGE, headers=token).status_code == 200


def test_a_token_is_one_sessions_own(client: TestClient, people: People) -> None:
    old = log_in(client, "administrator@main")
    log_in(client, "administrator@main")
    assert client.patch("/v1/preferences", json=CHANGE, headers=old).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1"},
        {"Origin": "http://127.0.0.1:81"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
def test_other_pages_are_refused(client: TestClient, people: People, headers: dict[str, str]) -> None:
    token = log_in(client, "administrator@main")
    assert client.patch("/v1/preferences", json=CHANGE, headers=token | headers).status_code == 403
    assert client.get("/v1/preferences", headers=headers).status_code == 403
    body = {"name": "viewer@main", "password": PASSWORD}
    assert client.post("/v1/session", json=body, headers=headers).status_code == 403


def test_the_own_page_is_let_in(client: TestClient, people: People) -> None:
    token = log_in(client, "administrator@main")
    own = token | {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}
    assert client.patch("/v1/preferences", json=CHANGE, headers=own).status_code == 200


def test_a_key_needs_no_token_and_hides_no_cookie(client: TestClient, people: People) -> None:
    log_in(client, "administrator@main")
    admin, viewer = people["", Role.ADMINISTRATOR].headers, people["", Role.VIEWER].headers
    assert client.patch("/v1/preferences", json=CHANGE, headers=admin).status_code == 200
    assert client.patch("/v1/preferences", json=CHANGE, headers=viewer).status_code == 403


@pytest.mark.parametrize("text", ["", "Bearer", "Bearer ", "Bearer mien_", "Basic YTpi", "Bearer mien__", "Bearer x"])
def test_odd_authorizations_are_nobody(client: TestClient, text: str) -> None:
    assert client.get("/v1/preferences", headers={"Authorization": text}).status_code == 401


def test_the_default_is_the_rfcs_argon2id() -> None:
    hasher = default_hasher()
    assert (hasher.type.name, hasher.memory_cost, hasher.time_cost) == ("ID", 65536, 3)


def test_a_flood_of_log_ins_leaves_threads_to_others() -> None:
    let_go, begun = threading.Event(), threading.Barrier(3)

    class Slow(PasswordHasher):
        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            begun.wait(30)
            let_go.wait(30)
            return "hashed"

    passwords = Passwords(Slow())
    with ThreadPoolExecutor(IN_LINE) as pool:
        waiting = [pool.submit(passwords.hash, PASSWORD) for _ in range(2)]
        begun.wait(30)
        begun.reset()
        line = [passwords._line.acquire(blocking=False) for _ in range(IN_LINE)]
        assert line.count(True) == IN_LINE - 2
        with pytest.raises(Busy):
            passwords.hash(PASSWORD)
        let_go.set()
        assert [one.result() for one in waiting] == ["hashed", "hashed"]


def test_a_missing_account_is_checked_like_any_other() -> None:
    class Counting(PasswordHasher):
        checks = 0

        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            Counting.checks += 1
            return super().verify(hash, password)

    passwords = Passwords(Counting(time_cost=1, memory_cost=8, parallelism=1))
    hashed = passwords.hash(PASSWORD)
    assert passwords.check(hashed, PASSWORD) and not passwords.check(hashed, "another one")
    assert not passwords.check(None, "nobody's password") and Counting.checks == 3
