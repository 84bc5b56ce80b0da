"""Accounts and keys, as administrators and everybody else manage them."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.server.conftest import PASSWORD, Person, log_in

from mien.server.caller import Role
from mien.server.service import Service
from mien.server.state.database import SECOND

People = dict[tuple[str, Role], Person]
Headers = dict[str, str]


def made(client: TestClient, headers: Headers, **fields: Any) -> dict[str, Any]:
    answer = client.post("/v1/accounts", json={"name": "anna"} | fields, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_new_account_gets_a_link(client: TestClient, administrator: Headers) -> None:
    said = made(client, administrator, role="operator")
    assert said["account"]["role"] == "operator" and said["account"]["must_change_password"]
    session = client.post("/v1/session/welcome", json={"token": said["token"]}).json()
    assert session["name"] == "anna" and session["tenant"] == ""


def test_a_name_is_taken_once(client: TestClient, administrator: Headers) -> None:
    made(client, administrator)
    answer = client.post("/v1/accounts", json={"name": "ANNA"}, headers=administrator)
    assert answer.status_code == 409 and answer.json()["code"] == "conflict"


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 101])
def test_odd_names_are_refused(client: TestClient, administrator: Headers, name: str) -> None:
    assert client.post("/v1/accounts", json={"name": name}, headers=administrator).status_code == 422


def test_only_the_first_tenant_names_another(client: TestClient, administrator: Headers, stranger: Headers) -> None:
    assert made(client, administrator, tenant="south")["account"]["tenant"] == "south"
    assert made(client, stranger, name="bert")["account"]["tenant"] == "north"
    for tenant in ("", "south"):
        answer = client.post("/v1/accounts", json={"name": "carl", "tenant": tenant}, headers=stranger)
        assert answer.status_code == 403


def test_accounts_are_listed_by_pages_and_tenants(client: TestClient, administrator: Headers, people: People) -> None:
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get("/v1/accounts", params={"limit": 2, "cursor": cursor}, headers=administrator).json()
        assert len(page["items"]) <= 2
        seen += [one["name"] for one in page["items"]]
        cursor = page["next"]
    assert sorted(seen) == ["administrator@main", "operator@main", "viewer@main"]


def test_a_disabled_account_is_out_with_all_its_keys(
    client: TestClient, administrator: Headers, operator: Headers, people: People
) -> None:
    log_in(client, "operator@main")
    account = people["", Role.OPERATOR].account.id
    answer = client.patch(f"/v1/accounts/{account}", json={"disabled": True}, headers=administrator)
    assert answer.json()["account"]["disabled"] is True
    assert client.get("/v1/session").status_code == 401
    assert client.get("/v1/preferences", headers=operator).status_code == 401
    assert client.post("/v1/session", json={"name": "operator@main", "password": PASSWORD}).status_code == 401
    client.patch(f"/v1/accounts/{account}", json={"disabled": False}, headers=administrator)
    assert client.get("/v1/preferences", headers=operator).status_code == 200


def test_a_link_of_a_disabled_account_opens_nothing(client: TestClient, administrator: Headers) -> None:
    said = made(client, administrator)
    client.patch(f"/v1/accounts/{said['account']['id']}", json={"disabled": True}, headers=administrator)
    assert client.post("/v1/session/welcome", json={"token": said["token"]}).status_code == 401
    body = {"name": "anna", "password": said["token"]}
    assert client.post("/v1/session", json=body).status_code == 401


def test_a_lower_role_takes_keys_along(
    client: TestClient, administrator: Headers, operator: Headers, people: People
) -> None:
    account = people["", Role.OPERATOR].account.id
    client.patch(f"/v1/accounts/{account}", json={"role": "viewer"}, headers=administrator)
    assert client.get("/v1/session", headers=operator).json()["role"] == "viewer"


def test_a_reset_ends_the_password(client: TestClient, administrator: Headers, people: People) -> None:
    log_in(client, "viewer@main")
    account = people["", Role.VIEWER].account.id
    said = client.patch(f"/v1/accounts/{account}", json={"reset": True}, headers=administrator).json()
    assert client.get("/v1/session").status_code == 401
    assert client.post("/v1/session", json={"name": "viewer@main", "password": PASSWORD}).status_code == 401
    assert client.post("/v1/session/welcome", json={"token": said["token"]}).json()["must_change_password"]


@pytest.mark.parametrize("change", [{"disabled": True}, {"role": "viewer"}, None])
def test_the_last_administrator_stays(
    client: TestClient, administrator: Headers, people: People, change: dict[str, Any] | None
) -> None:
    place = f"/v1/accounts/{people['', Role.ADMINISTRATOR].account.id}"
    answer = (
        client.delete(place, headers=administrator)
        if change is None
        else client.patch(place, json=change, headers=administrator)
    )
    assert answer.status_code == 409
    assert client.get("/v1/accounts", headers=administrator).status_code == 200
    made(client, administrator, role="administrator")
    if change is None:
        assert client.delete(place, headers=administrator).status_code == 204
        assert client.get("/v1/accounts", headers=administrator).status_code == 401


def test_a_removed_account_is_gone(client: TestClient, administrator: Headers, viewer: Headers, people: People) -> None:
    account = people["", Role.VIEWER].account.id
    assert client.delete(f"/v1/accounts/{account}", headers=administrator).status_code == 204
    assert client.get("/v1/session", headers=viewer).status_code == 401
    assert client.delete(f"/v1/accounts/{account}", headers=administrator).status_code == 404


def test_changes_are_in_the_audit_log(client: TestClient, administrator: Headers, service: Service) -> None:
    account = made(client, administrator)["account"]["id"]
    client.patch(f"/v1/accounts/{account}", json={"role": "operator"}, headers=administrator)
    client.delete(f"/v1/accounts/{account}", headers=administrator)
    said = [(one.action, one.subject) for one in reversed(service.audit.entries())]
    assert said == [(f"{what}_account", account) for what in ("add", "change", "remove")]
    assert service.audit.entries()[1].detail == {"reset": False, "role": "operator"}


def key(client: TestClient, headers: Headers, **fields: Any) -> dict[str, Any]:
    answer = client.post("/v1/keys", json={"name": "door"} | fields, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_key_opens_what_its_role_may(client: TestClient, operator: Headers) -> None:
    said = key(client, operator, role="viewer")
    assert said["text"].startswith(f"mien_{said['key']['id']}_")
    own = {"Authorization": f"Bearer {said['text']}"}
    assert client.get("/v1/session", headers=own).json()["role"] == "viewer"
    assert client.patch("/v1/preferences", json={}, headers=own).status_code == 403


@pytest.mark.parametrize(("role", "asked"), [("viewer", "operator"), ("operator", "administrator")])
def test_no_key_may_more_than_who_makes_it(client: TestClient, people: People, role: str, asked: str) -> None:
    answer = client.post("/v1/keys", json={"name": "door", "role": asked}, headers=people["", Role(role)].headers)
    assert answer.status_code == 403


def test_a_key_made_by_a_key_is_the_accounts(client: TestClient, operator: Headers, people: People) -> None:
    first = key(client, operator, role="operator")
    second = key(client, {"Authorization": f"Bearer {first['text']}"})
    assert second["key"]["account"] == people["", Role.OPERATOR].account.id


def test_a_key_made_by_a_key_ends_with_it(client: TestClient, operator: Headers) -> None:
    first = key(client, operator, role="operator", days=1)
    second = key(client, {"Authorization": f"Bearer {first['text']}"}, days=None)
    assert second["key"]["expires_at"] == first["key"]["expires_at"]
    third = key(client, {"Authorization": f"Bearer {second['text']}"}, days=0.5)
    assert third["key"]["expires_at"] < first["key"]["expires_at"]
    client.delete(f"/v1/keys/{first['key']['id']}", headers=operator)
    for one in (first, second, third):
        assert client.get("/v1/session", headers={"Authorization": f"Bearer {one['text']}"}).status_code == 401
    assert client.get("/v1/session", headers=operator).status_code == 200


def test_a_lesser_key_revokes_no_greater_one(client: TestClient, operator: Headers) -> None:
    lesser, greater = key(client, operator), key(client, operator, role="operator")
    own = {"Authorization": f"Bearer {lesser['text']}"}
    assert client.delete(f"/v1/keys/{greater['key']['id']}", headers=own).status_code == 403
    assert client.delete(f"/v1/keys/{lesser['key']['id']}", headers=own).status_code == 200


def test_a_key_runs_out(client: TestClient, service: Service, operator: Headers) -> None:
    said = key(client, operator, days=1)
    own = {"Authorization": f"Bearer {said['text']}"}
    assert client.get("/v1/session", headers=own).status_code == 200
    with service.state.write() as writing:
        writing.execute("UPDATE keys SET expires_at = ?", (service.state.now() - SECOND,))
    assert client.get("/v1/session", headers=own).status_code == 401


def test_a_revoked_key_opens_nothing_and_stays_listed(client: TestClient, operator: Headers) -> None:
    said = key(client, operator)
    own = {"Authorization": f"Bearer {said['text']}"}
    assert client.delete(f"/v1/keys/{said['key']['id']}", headers=operator).json()["revoked_at"]
    assert client.get("/v1/session", headers=own).status_code == 401
    listed = client.get("/v1/keys", headers=operator).json()["items"]
    assert said["key"]["id"] in [one["id"] for one in listed if one["revoked_at"]]


def test_everybody_sees_their_own_keys_and_administrators_the_tenants(
    client: TestClient, people: People, administrator: Headers, viewer: Headers, stranger: Headers
) -> None:
    count = {
        name: len(client.get("/v1/keys", headers=one).json()["items"])
        for name, one in {"administrator": administrator, "viewer": viewer, "stranger": stranger}.items()
    }
    assert count == {"administrator": 3, "viewer": 1, "stranger": 3}


def test_nobody_revokes_what_they_do_not_see(
    client: TestClient, operator: Headers, viewer: Headers, stranger: Headers, administrator: Headers
) -> None:
    place = f"/v1/keys/{key(client, operator)['key']['id']}"
    for other in (viewer, stranger):
        assert client.delete(place, headers=other).status_code == 404
    assert client.delete(place, headers=administrator).status_code == 200


def test_use_of_a_key_is_noted(client: TestClient, operator: Headers) -> None:
    said = key(client, operator)
    assert said["key"]["last_used_at"] is None
    client.get("/v1/session", headers={"Authorization": f"Bearer {said['text']}"})
    listed = {one["id"]: one for one in client.get("/v1/keys", headers=operator).json()["items"]}
    assert listed[said["key"]["id"]]["last_used_at"] is not None


@pytest.mark.parametrize("tail", ["", "x", "_x"])
def test_a_key_counts_whole(client: TestClient, operator: Headers, tail: str) -> None:
    text = key(client, operator)["text"]
    wrong = text + tail if tail else text[:-1]
    assert client.get("/v1/session", headers={"Authorization": f"Bearer {wrong}"}).status_code == 401


def test_preferences_have_a_version(client: TestClient, administrator: Headers, stranger: Headers) -> None:
    first = client.get("/v1/preferences", headers=administrator)
    tag = {"If-Match": first.headers["etag"]}
    changed = client.patch("/v1/preferences", json={"purpose": "Entry", "fmr": 0.001}, headers=administrator | tag)
    assert changed.json()["purpose"] == "Entry" and changed.headers["etag"] != first.headers["etag"]
    late = client.patch("/v1/preferences", json={"purpose": "Exit"}, headers=administrator | tag)
    assert late.status_code == 412 and late.json()["code"] == "changed"
    assert client.get("/v1/preferences", headers=administrator).json()["purpose"] == "Entry"
    assert client.get("/v1/preferences", headers=stranger).json()["purpose"] == ""


@pytest.mark.parametrize("body", [{"fmr": 0}, {"fmr": 2}, {"event_days": 0}, {"audit_days": 9999}, {"color": "red"}])
def test_preferences_have_limits(client: TestClient, administrator: Headers, body: dict[str, Any]) -> None:
    assert client.patch("/v1/preferences", json=body, headers=administrator).status_code == 422
