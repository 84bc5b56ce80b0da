"""Logging in and out, as browsers and programs do."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.server.conftest import PASSWORD, Person, log_in

from mien.server.app import create_app
from mien.server.caller import Role
from mien.server.service import Service

People = dict[tuple[str, Role], Person]
FRESH = "quite another few words"


@pytest.fixture
def link(service: Service) -> str:
    """The token of a one-time link for `admin`, as the first start prints it."""
    return service.accounts.make_first() or service.accounts.invite(
        service.accounts.make("admin", Role.ADMINISTRATOR).id
    )


def test_a_session_says_who_one_is(client: TestClient, people: People) -> None:
    log_in(client, "operator@main")
    said = client.get("/v1/session").json()
    assert (said["name"], said["role"], said["tenant"], said["kind"]) == ("operator@main", "operator", "", "account")
    assert said["must_change_password"] is False


def test_names_are_the_same_however_they_are_spelt(client: TestClient, people: People) -> None:
    assert log_in(client, "  OPERATOR@Main ")


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: TestClient, people: People) -> None:
    answer = client.post("/v1/session", json={"name": "viewer@main", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/" in cookie and "domain" not in cookie
    assert "secure" not in cookie


def test_over_tls_the_cookie_is_bound_to_it(service: Service, people: People) -> None:
    config = service.config.model_copy(update={"public_url": "https://faces.example.org"})
    secure = _with_config(service, config)
    with TestClient(create_app(config, service.settings, secure), base_url="https://faces.example.org") as client:
        answer = client.post("/v1/session", json={"name": "viewer@main", "password": PASSWORD})
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-mien_session=") and "Secure" in cookie
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert client.get("/v1/session").status_code == 200


def test_a_key_says_who_it_is(client: TestClient, people: People, viewer: dict[str, str]) -> None:
    said = client.get("/v1/session", headers=viewer).json()
    assert (said["kind"], said["role"], said["csrf"]) == ("key", "viewer", "")


@pytest.mark.parametrize(("name", "password"), [("viewer@main", "another password"), ("nobody", PASSWORD)])
def test_a_wrong_password_and_an_unknown_name_are_one_answer(
    client: TestClient, people: People, name: str, password: str
) -> None:
    answer = client.post("/v1/session", json={"name": name, "password": password})
    assert answer.status_code == 401 and answer.json()["code"] == "not-logged-in"
    assert answer.json()["detail"] == "The name or the password is wrong." and "set-cookie" not in answer.headers


def test_logging_out_ends_the_session_on_the_server(client: TestClient, people: People) -> None:
    token = log_in(client, "viewer@main")
    stolen = client.cookies["mien_session"]
    assert client.delete("/v1/session", headers=token).status_code == 204
    assert "mien_session" not in client.cookies
    client.cookies.set("mien_session", stolen)
    assert client.get("/v1/session").status_code == 401


def test_a_session_ends_by_itself(client: TestClient, service: Service, people: People) -> None:
    log_in(client, "viewer@main")
    with service.state.write() as writing:
        writing.execute("UPDATE sessions SET expires_at = ?", (service.state.now() - 1,))
    assert client.get("/v1/session").status_code == 401
    service.sessions.sweep()
    assert service.state.read("SELECT * FROM sessions") == []


def test_a_link_lets_in_once_and_asks_for_a_password(client: TestClient, link: str) -> None:
    said = client.post("/v1/session/welcome", json={"token": link}).json()
    assert said["name"] == "admin" and said["must_change_password"] is True
    refused = client.get("/v1/preferences")
    assert refused.status_code == 403 and "password must be set" in refused.json()["detail"]
    token = {"X-CSRF-Token": said["csrf"]}
    after = client.put("/v1/session/password", json={"new": FRESH}, headers=token).json()
    assert after["must_change_password"] is False and after["csrf"] != said["csrf"]
    assert client.get("/v1/preferences").status_code == 200
    assert client.post("/v1/session/welcome", json={"token": link}).status_code == 401
    assert client.post("/v1/session", json={"name": "admin", "password": link}).status_code == 401
    assert log_in(client, "admin", FRESH)


def test_the_same_token_is_a_one_time_password(client: TestClient, link: str) -> None:
    said = client.post("/v1/session", json={"name": "admin", "password": link}).json()
    assert said["must_change_password"] is True
    assert client.post("/v1/session", json={"name": "admin", "password": link}).status_code == 401


def test_a_token_is_one_accounts_own(client: TestClient, link: str, people: People) -> None:
    assert client.post("/v1/session", json={"name": "viewer@main", "password": link}).status_code == 401
    assert client.post("/v1/session/welcome", json={"token": link}).status_code == 200


def test_a_link_lasts_a_day(client: TestClient, service: Service, link: str) -> None:
    with service.state.write() as writing:
        writing.execute("UPDATE welcomes SET expires_at = ?", (service.state.now() - 1,))
    assert client.post("/v1/session/welcome", json={"token": link}).status_code == 401


def test_the_first_link_is_made_anew_until_somebody_has_followed_it(client: TestClient, service: Service) -> None:
    lost, link = service.accounts.make_first(), service.accounts.make_first()
    assert client.post("/v1/session/welcome", json={"token": lost}).status_code == 401
    said = client.post("/v1/session/welcome", json={"token": link}).json()
    client.put("/v1/session/password", json={"new": FRESH}, headers={"X-CSRF-Token": said["csrf"]})
    assert service.accounts.make_first() is None and len(service.accounts.page("", "", 10)) == 1


def test_a_new_password_needs_the_old_one_and_ends_other_sessions(
    client: TestClient, app: FastAPI, people: People
) -> None:
    other = TestClient(app, base_url="http://127.0.0.1")
    log_in(other, "viewer@main")
    token = log_in(client, "viewer@main")
    wrong = client.put("/v1/session/password", json={"old": "not the old one", "new": FRESH}, headers=token)
    assert wrong.status_code == 401
    assert client.put("/v1/session/password", json={"old": PASSWORD, "new": FRESH}, headers=token).status_code == 200
    assert client.get("/v1/session").status_code == 200 and other.get("/v1/session").status_code == 401
    assert other.post("/v1/session", json={"name": "viewer@main", "password": PASSWORD}).status_code == 401
    assert log_in(other, "viewer@main", FRESH)


@pytest.mark.parametrize("password", ["short", "x" * 201])
def test_a_password_has_a_decent_length(client: TestClient, people: People, password: str) -> None:
    token = log_in(client, "viewer@main")
    answer = client.put("/v1/session/password", json={"old": PASSWORD, "new": password}, headers=token)
    assert answer.status_code == 422


def test_a_key_cannot_change_a_password(client: TestClient, viewer: dict[str, str]) -> None:
    answer = client.put("/v1/session/password", json={"old": PASSWORD, "new": FRESH}, headers=viewer)
    assert answer.status_code == 401


def test_no_secret_is_kept(client: TestClient, service: Service, people: People, link: str) -> None:
    log_in(client, "viewer@main")
    cookie, key = client.cookies["mien_session"], people["", Role.VIEWER].key
    kept = ""
    for (table,) in service.state.read("SELECT name FROM sqlite_schema WHERE type = 'table'"):
        kept += repr(service.state.read(f"SELECT * FROM {table}"))
    assert "argon2id" in kept
    assert not [one for one in (cookie, key.split("_")[2], link, PASSWORD) if one in kept]


def test_passwords_are_hashed_anew_when_the_parameters_change(
    client: TestClient, service: Service, people: People
) -> None:
    account = people["", Role.VIEWER].account.id
    from argon2 import PasswordHasher

    old = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1).hash(PASSWORD)
    service.accounts.set_password(account, old)
    log_in(client, "viewer@main")
    assert service.accounts.password_of(account) != old
    log_in(client, "viewer@main")


def test_log_ins_are_in_the_audit_log(client: TestClient, service: Service, people: People) -> None:
    client.post("/v1/session", json={"name": "viewer@main", "password": "another password"})
    client.delete("/v1/session", headers=log_in(client, "viewer@main"))
    said = [(one.action, one.actor) for one in reversed(service.audit.entries())]
    account = people["", Role.VIEWER].account.id
    assert said == [("log_in_failed", account), ("log_in", account), ("log_out", account)]


def test_a_new_password_by_a_link_opens_a_locked_account(client: TestClient, service: Service, people: People) -> None:
    """Else whoever locks others out by wrong passwords would not be helped against."""
    name, body = "viewer@main", {"name": "viewer@main", "password": "another"}
    while client.post("/v1/session", json=body).status_code != 429:
        pass
    link = service.accounts.invite(people["", Role.VIEWER].account.id)
    said = client.post("/v1/session/welcome", json={"token": link}).json()
    client.put("/v1/session/password", json={"new": FRESH}, headers={"X-CSRF-Token": said["csrf"]})
    assert log_in(client, name, FRESH)


def test_a_name_that_nobody_has_leaves_the_same_trace(client: TestClient, service: Service, people: People) -> None:
    """As the trace takes time, which would tell names apart; the name itself is not kept."""
    service.accounts.change(people["", Role.VIEWER].account.id, "", disabled=True)
    for name in ("my secret", "viewer@main", "operator@main"):
        assert client.post("/v1/session", json={"name": name, "password": "another"}).status_code == 401
    entries = service.audit.entries()
    assert [one.action for one in entries] == ["log_in_failed"] * 3
    assert (entries[2].kind, entries[2].actor, entries[2].subject) == ("nobody", "", None)
    assert "secret" not in repr(entries)


def test_the_csrf_token_is_no_help_to_find_the_cookie(client: TestClient, people: People) -> None:
    token = log_in(client, "viewer@main")["X-CSRF-Token"]
    assert re.fullmatch("[0-9a-f]{64}", token) and token not in client.cookies["mien_session"]


def _with_config(service: Service, config: object) -> Service:
    from dataclasses import replace

    return replace(service, config=config)  # type: ignore[arg-type]
