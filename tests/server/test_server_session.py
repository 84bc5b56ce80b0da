"""Logging in and out, as browsers and programs do."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from mien.server.caller import Role
from mien.server.service import Service
from tests.server.conftest import PASSWORD, Person, log_in

People = dict[tuple[str, Role], Person]


def test_a_session_says_who_one_is(client: TestClient, people: People) -> None:
    log_in(client, "operator@main")
    said = client.get("/v1/session").json()
    assert (said["name"], said["role"], said["tenant"], said["kind"]) == ("operator@main", "operator", "", "account")


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: TestClient, people: People) -> None:
    answer = client.post("/v1/session", json={"name": "viewer@main", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/" in cookie


def test_a_key_says_who_it_is(client: TestClient, people: People, viewer: dict[str, str]) -> None:
    said = client.get("/v1/session", headers=viewer).json()
    assert (said["kind"], said["role"], said["csrf"]) == ("key", "viewer", "")


@pytest.mark.parametrize(("name", "password"), [("viewer@main", "another password"), ("nobody", PASSWORD)])
def test_a_wrong_password_and_an_unknown_name_are_one_answer(
    client: TestClient, people: People, name: str, password: str
) -> None:
    answer = client.post("/v1/session", json={"name": name, "password": password})
    assert answer.status_code == 401 and answer.json()["code"] == "not-logged-in"
    assert answer.json()["detail"] == "The name or the password is wrong."
