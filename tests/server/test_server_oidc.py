"""Logging in by another service, which is a small one on this machine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from joserfc.jwk import ECKey, OctKey
from tests.server.conftest import PASSWORD, log_in
from tests.server.made_up_issuer import CLIENT, SECRET, Issuer, running_issuer

from mien.server.access.oidc import KNOWN_SECONDS
from mien.server.app import create_app
from mien.server.caller import Role
from mien.server.service import Service


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with running_issuer() as made:
        yield made


@pytest.fixture
def trusting(service: Service, issuer: Issuer) -> Service:
    """A service that knows the issuer."""
    own = {"oidc_issuer": issuer.url, "oidc_client_id": CLIENT, "oidc_client_secret": SECRET}
    return replace(service, config=service.config.model_copy(update=own))


@pytest.fixture
def browser(trusting: Service) -> Iterator[TestClient]:
    app = create_app(trusting.config, trusting.settings, trusting)
    with TestClient(app, base_url="http://127.0.0.1", follow_redirects=False) as opened:
        yield opened


def begin(browser: TestClient, issuer: Issuer) -> dict[str, str]:
    """What the browser is sent to the issuer with."""
    answer = browser.get("/v1/session/oidc")
    assert answer.status_code == 302 and answer.headers["location"].startswith(f"{issuer.url}/authorize?"), answer.text
    sent = {name: value[0] for name, value in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    issuer.begun["the code"] = sent
    return sent


def come_back(browser: TestClient, issuer: Issuer, **over: str) -> Any:
    sent = begin(browser, issuer)
    return browser.get("/v1/session/oidc/callback", params={"code": "the code", "state": sent["state"]} | over)


def test_an_account_is_found_by_its_verified_address(browser: TestClient, trusting: Service, issuer: Issuer) -> None:
    account = trusting.accounts.make("Anna@Example.org", Role.OPERATOR)
    answer = come_back(browser, issuer)
    assert answer.status_code == 200 and 'url=http://127.0.0.1/"' in answer.text, answer.text
    said = browser.get("/v1/session").json()
    assert said["id"] == account.id and said["must_change_password"] is False
    assert trusting.audit.entries()[0].detail == {"how": "other service"}


def test_a_browser_is_known_where_the_account_has_a_password_too(
    browser: TestClient, trusting: Service, issuer: Issuer
) -> None:
    """Nobody can try to log in to one without."""
    account = trusting.accounts.make("anna@example.org", Role.VIEWER)
    assert come_back(browser, issuer).status_code == 200
    assert not [name for name in browser.cookies if "mien_device" in name]
    trusting.accounts.set_password(account.id, trusting.passwords.hash(PASSWORD))
    assert come_back(browser, issuer).status_code == 200
    for _ in range(trusting.config.login_failures):
        trusting.lockout.begin("anna@example.org", "192.0.2.1")
    log_in(browser, "anna@example.org")


def test_an_account_is_found_by_its_subject(browser: TestClient, trusting: Service, issuer: Issuer) -> None:
    account = trusting.accounts.make("oidc:4711", Role.VIEWER, "north")
    issuer.claims = {"sub": "4711"}
    assert come_back(browser, issuer).status_code == 200
    assert browser.get("/v1/session").json()["id"] == account.id


def test_it_asks_with_a_proof_a_nonce_and_a_state(browser: TestClient, trusting: Service, issuer: Issuer) -> None:
    first, second = begin(browser, issuer), begin(browser, issuer)
    assert first["response_type"] == "code" and first["code_challenge_method"] == "S256"
    assert first["redirect_uri"] == "http://127.0.0.1/v1/session/oidc/callback" and first["client_id"] == CLIENT
    for name in ("state", "nonce", "code_challenge"):
        assert first[name] != second[name] and len(first[name]) >= 43
    assert SECRET not in json.dumps([first, second])


def test_nobody_gets_an_account_by_themselves(browser: TestClient, trusting: Service, issuer: Issuer) -> None:
    answer = come_back(browser, issuer)
    assert answer.status_code == 401 and trusting.accounts.called("anna@example.org") is None
    assert browser.get("/v1/session").status_code == 401


def test_a_browser_is_led_back_to_the_page_to_log_in_at(
    browser: TestClient, trusting: Service, issuer: Issuer, caplog: pytest.LogCaptureFixture
) -> None:
    browser.headers["Accept"] = "text/html,application/xhtml+xml"
    issuer.broken = True
    answer = browser.get("/v1/session/oidc")
    assert answer.status_code == 502 and "refused=other-service" in answer.text
    (refused,) = [record.fields for record in caplog.records if record.message == "refused"]  # type: ignore[attr-defined]
    assert refused["code"] == "other-service" and refused["cause"] and refused["cure"]
    assert trusting.metrics.rejected.labels("other-service")._value.get() == 1
    issuer.broken = False
    answer = come_back(browser, issuer)
    assert answer.status_code == 401 and 'url=http://127.0.0.1/login?refused=no-account"' in answer.text


def test_unless_the_preferences_say_so(browser: TestClient, trusting: Service, issuer: Issuer) -> None:
    trusting.preferences.change("", None, {"oidc_makes_viewers": True})
    assert come_back(browser, issuer).status_code == 200
    said = browser.get("/v1/session").json()
    assert (said["name"], said["role"], said["tenant"]) == ("anna@example.org", "viewer", "")
    assert come_back(browser, issuer).status_code == 200
    assert len(trusting.accounts.page("", "", 10)) == 1


@pytest.mark.parametrize("claim", [False, None, "true", 1])
def test_an_address_that_was_not_verified_is_nobodys(
    browser: TestClient, trusting: Service, issuer: Issuer, claim: object
) -> None:
    trusting.accounts.make("anna@example.org", Role.ADMINISTRATOR)
    issuer.claims["email_verified"] = claim
    assert come_back(browser, issuer).status_code == 401


def test_a_disabled_account_stays_out(browser: TestClient, trusting: Service, issuer: Issuer) -> None:
    account = trusting.accounts.make("anna@example.org", Role.VIEWER)
    trusting.accounts.change(account.id, "", disabled=True)
    assert come_back(browser, issuer).status_code == 401


@pytest.mark.parametrize(
    "spoil",
    [
        {"iss": "https://evil.example"},
        {"aud": "somebody else"},
        {"aud": ["somebody else"]},
        {"aud": [CLIENT, "somebody else"], "azp": "somebody else"},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
    ],
    ids=str,
)
def test_what_is_said_of_somebody_else_or_another_time_is_not_believed(
    browser: TestClient, trusting: Service, issuer: Issuer, spoil: dict[str, Any]
) -> None:
    trusting.accounts.make("anna@example.org", Role.VIEWER)
    issuer.spoil = spoil
    answer = come_back(browser, issuer)
    assert answer.status_code == 401 and "cannot be trusted" in answer.json()["detail"] + " cannot be trusted"
    assert browser.get("/v1/session").status_code == 401


def test_another_keys_signature_is_not_believed(browser: TestClient, trusting: Service, issuer: Issuer) -> None:
    trusting.accounts.make("anna@example.org", Role.VIEWER)
    issuer.signer = ECKey.generate_key("P-256", {"kid": "one"})
    assert come_back(browser, issuer).status_code == 401


def test_the_clients_secret_signs_nothing(browser: TestClient, trusting: Service, issuer: Issuer) -> None:
    trusting.accounts.make("anna@example.org", Role.VIEWER)
    issuer.signer, issuer.header = OctKey.import_key(SECRET), {"alg": "HS256", "kid": "one"}
    assert come_back(browser, issuer).status_code == 401


@pytest.mark.parametrize("over", [{"state": "another"}, {"state": ""}, {"code": ""}, {"code": "another"}])
def test_what_was_not_begun_here_is_refused(
    browser: TestClient, trusting: Service, issuer: Issuer, over: dict[str, str]
) -> None:
    trusting.accounts.make("anna@example.org", Role.VIEWER)
    answer = come_back(browser, issuer, **over)
    assert answer.status_code == 401 and "a secret" not in answer.text


def test_another_browser_cannot_be_made_to_log_in(browser: TestClient, trusting: Service, issuer: Issuer) -> None:
    trusting.accounts.make("anna@example.org", Role.VIEWER)
    sent = begin(browser, issuer)
    browser.cookies.clear()
    answer = browser.get("/v1/session/oidc/callback", params={"code": "the code", "state": sent["state"]})
    assert answer.status_code == 401 and issuer.asked == []


def test_a_log_in_comes_back_once(browser: TestClient, trusting: Service, issuer: Issuer) -> None:
    trusting.accounts.make("anna@example.org", Role.VIEWER)
    sent = begin(browser, issuer)
    for expected in (200, 401):
        browser.cookies.set("mien_oidc", sent["state"], path="/v1/session/oidc")
        answer = browser.get("/v1/session/oidc/callback", params={"code": "the code", "state": sent["state"]})
        assert answer.status_code == expected


def test_a_log_in_takes_ten_minutes_at_most(browser: TestClient, trusting: Service, issuer: Issuer) -> None:
    trusting.accounts.make("anna@example.org", Role.VIEWER)
    sent = begin(browser, issuer)
    now = trusting.state.now()
    trusting.state.now = lambda: now + 601 * 1_000_000
    answer = browser.get("/v1/session/oidc/callback", params={"code": "the code", "state": sent["state"]})
    assert answer.status_code == 401


DISCOVERY, KEYS = "/.well-known/openid-configuration", "/keys"


def test_discovery_and_keys_are_known_for_some_minutes(
    browser: TestClient, trusting: Service, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting.accounts.make("anna@example.org", Role.VIEWER)
    for _ in range(3):
        assert come_back(browser, issuer).status_code == 200
    assert (issuer.read.count(DISCOVERY), issuer.read.count(KEYS)) == (1, 1)
    later = time.monotonic() + KNOWN_SECONDS + 1
    monkeypatch.setattr("mien.server.access.oidc.monotonic", lambda: later)
    assert come_back(browser, issuer).status_code == 200
    assert (issuer.read.count(DISCOVERY), issuer.read.count(KEYS)) == (2, 2)


def test_what_is_too_old_is_not_believed_when_the_issuer_is_gone(
    browser: TestClient, trusting: Service, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting.accounts.make("anna@example.org", Role.VIEWER)
    assert come_back(browser, issuer).status_code == 200
    later = time.monotonic() + KNOWN_SECONDS + 1
    monkeypatch.setattr("mien.server.access.oidc.monotonic", lambda: later)
    issuer.broken = True
    assert browser.get("/v1/session/oidc").status_code == 502
    issuer.broken = False
    assert come_back(browser, issuer).status_code == 200


def test_an_issuer_may_change_its_key_at_any_time(browser: TestClient, trusting: Service, issuer: Issuer) -> None:
    trusting.accounts.make("anna@example.org", Role.VIEWER)
    assert come_back(browser, issuer).status_code == 200
    issuer.key = ECKey.generate_key("P-256", {"kid": "two", "use": "sig", "alg": "ES256"})
    issuer.header = {"alg": "ES256", "kid": "two"}
    assert come_back(browser, issuer).status_code == 200
    assert issuer.read.count(KEYS) == 2
    # A key that the issuer has not is not believed the second time either.
    issuer.signer = ECKey.generate_key("P-256", {"kid": "two"})
    assert come_back(browser, issuer).status_code == 401


@pytest.mark.parametrize("trouble", ["broken", "other name"])
def test_trouble_of_the_other_service_is_named(browser: TestClient, issuer: Issuer, trouble: str) -> None:
    issuer.broken, issuer.name = trouble == "broken", "https://elsewhere.example"
    answer = browser.get("/v1/session/oidc")
    assert answer.status_code == 502 and answer.json()["code"] == "other-service"
    issuer.broken, issuer.name = False, None
    assert browser.get("/v1/session/oidc").status_code == 302


def test_without_an_issuer_there_is_no_such_log_in(client: TestClient) -> None:
    assert client.get("/v1/session/oidc", follow_redirects=False).status_code == 404
