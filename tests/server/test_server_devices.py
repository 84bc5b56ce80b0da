"""Strangers who know a name lock nobody out of a browser that has logged in before."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from tests.server.conftest import PASSWORD, Person, log_in

from mien.server.app import create_app
from mien.server.caller import Role
from mien.server.service import Service

People = dict[tuple[str, Role], Person]
NAME, FRESH = "viewer@main", "quite another few words"


@pytest.fixture
def stranger_browser(app: FastAPI) -> TestClient:
    """At the same address, without a cookie."""
    return TestClient(app, base_url="http://127.0.0.1")


def attempt(browser: TestClient, name: str = NAME, password: str = "wrong words") -> Response:
    return browser.post("/v1/session", json={"name": name, "password": password})


def lock(browser: TestClient, name: str = NAME) -> None:
    """Be wrong until it is locked."""
    while attempt(browser, name).status_code != 429:
        pass


def device(browser: TestClient) -> tuple[str, str]:
    """Name and value of the one cookie of a device."""
    ((name, value),) = [pair for pair in browser.cookies.items() if "mien_device" in pair[0]]
    return name, value


def test_a_stranger_locks_browsers_out_that_never_logged_in_and_no_others(
    client: TestClient, stranger_browser: TestClient, people: People
) -> None:
    log_in(client, NAME)
    lock(stranger_browser)
    assert attempt(stranger_browser, password=PASSWORD).status_code == 429
    for _ in range(2):
        log_in(client, NAME)
    # The owner's success is no news to whoever guesses.
    assert attempt(stranger_browser, password=PASSWORD).status_code == 429


def test_an_address_that_strangers_had_locked_does_not_lock_the_device_out(
    client: TestClient, people: People, service: Service
) -> None:
    log_in(client, NAME)
    client._transport.client = ("192.0.2.1", 1)  # type: ignore[attr-defined]
    for number in range(10 * service.config.login_failures):
        service.lockout.begin(f"name {number}", "192.0.2.1")
    assert attempt(client, "operator@main", PASSWORD).status_code == 429
    log_in(client, NAME)


def test_a_device_that_guesses_locks_itself_and_nobody_else(
    client: TestClient, stranger_browser: TestClient, people: People, service: Service
) -> None:
    log_in(client, NAME)
    said = [attempt(client).status_code for _ in range(service.config.login_failures + 1)]
    assert said == [401] * service.config.login_failures + [429]
    assert attempt(client, password=PASSWORD).status_code == 429
    log_in(stranger_browser, NAME)
    log_in(client, "operator@main")


def test_changing_the_password_is_counted_for_the_device_too(
    client: TestClient, stranger_browser: TestClient, people: People
) -> None:
    token = log_in(client, NAME)
    lock(stranger_browser)
    answer = client.put("/v1/session/password", json={"old": PASSWORD, "new": FRESH}, headers=token)
    assert answer.status_code == 200


def test_a_new_password_ends_every_device_but_the_one_that_set_it(
    client: TestClient, stranger_browser: TestClient, app: FastAPI, people: People
) -> None:
    other = TestClient(app, base_url="http://127.0.0.1")
    log_in(other, NAME)
    token = log_in(client, NAME)
    client.put("/v1/session/password", json={"old": PASSWORD, "new": FRESH}, headers=token)
    lock(stranger_browser)
    assert attempt(other, password=FRESH).status_code == 429
    log_in(client, NAME, FRESH)


def test_no_device_is_made_up(client: TestClient, stranger_browser: TestClient, people: People) -> None:
    log_in(client, NAME)
    name, value = device(client)
    account = people["", Role.OPERATOR].account.id
    forged = {name: [value[:-1] + ("0" if value[-1] != "0" else "1"), value.partition(".")[0] + ".", "", "."]}
    # Of one account, a cookie is none of another.
    forged[f"mien_device_{account}"] = [value]
    lock(stranger_browser)
    lock(stranger_browser, "operator@main")
    for cookie, values in forged.items():
        for one in values:
            answer = stranger_browser.post(
                "/v1/session",
                json={"name": NAME if cookie == name else "operator@main", "password": PASSWORD},
                headers={"Cookie": f"{cookie}={one}"},
            )
            assert answer.status_code == 429, (cookie, one)


def test_a_browser_is_known_to_all_accounts_that_it_logged_in_to(
    client: TestClient, stranger_browser: TestClient, people: People
) -> None:
    for name in (NAME, "operator@main"):
        log_in(client, name)
        lock(stranger_browser, name)
    for name in (NAME, "operator@main"):
        log_in(client, name)


def test_a_device_keeps_its_number_and_so_its_tries(client: TestClient, people: People, service: Service) -> None:
    log_in(client, NAME)
    first = device(client)
    log_in(client, NAME)
    assert device(client) == first
    assert attempt(client).status_code == 401
    kept = repr(service.state.read("SELECT * FROM failures"))
    assert first[1].partition(".")[0] not in kept and people["", Role.VIEWER].account.id not in kept


def test_the_cookie_is_out_of_reach_and_lasts(client: TestClient, people: People) -> None:
    said = attempt(client, password=PASSWORD).headers.get_list("set-cookie")
    (cookie,) = [one.lower() for one in said if one.startswith("mien_device_")]
    assert "httponly" in cookie and "samesite=strict" in cookie and "max-age=31536000" in cookie
    assert "domain" not in cookie


def test_over_tls_the_cookie_is_bound_to_it(service: Service, people: People) -> None:
    from dataclasses import replace

    config = service.config.model_copy(update={"public_url": "https://faces.example.org"})
    secure = replace(service, config=config)
    with TestClient(create_app(config, service.settings, secure), base_url="https://faces.example.org") as client:
        said = attempt(client, password=PASSWORD).headers.get_list("set-cookie")
        (cookie,) = [one for one in said if "mien_device_" in one]
        assert cookie.startswith("__Host-") and "Secure" in cookie
        service.lockout.begin(NAME, "192.0.2.1")
        for _ in range(service.config.login_failures - 1):
            service.lockout.begin(NAME, "192.0.2.1")
        log_in(client, NAME)


def test_neither_a_wrong_password_nor_a_link_makes_a_device(
    client: TestClient, people: People, service: Service
) -> None:
    """By a link nobody has a password yet; the one that is set makes it."""
    assert "set-cookie" not in attempt(client).headers
    link = service.accounts.invite(people["", Role.VIEWER].account.id)
    said = client.post("/v1/session/welcome", json={"token": link})
    assert "mien_device" not in said.headers["set-cookie"]
    client.put("/v1/session/password", json={"new": FRESH}, headers={"X-CSRF-Token": said.json()["csrf"]})
    assert device(client)


def test_a_disabled_account_stays_out_of_its_devices(client: TestClient, people: People, service: Service) -> None:
    log_in(client, NAME)
    service.accounts.change(people["", Role.VIEWER].account.id, "", disabled=True)
    assert attempt(client, password=PASSWORD).status_code == 401
