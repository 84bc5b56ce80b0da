"""What stands around every route: errors, ids, limits, headers, log, figures, document."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.server.conftest import PASSWORD, Person

from mien.errors import SettingsError
from mien.gallery.errors import GalleryDamaged
from mien.image import encode_image
from mien.server import log as service_log
from mien.server.app import create_app
from mien.server.caller import Role
from mien.server.config import ServerConfig, load_config
from mien.server.problem import MEDIA_TYPE, Problem
from mien.server.retention import sweep
from mien.server.service import Service
from mien.server.state.database import SECOND
from mien.server.state.keys import Keys
from mien.settings import Settings, load_settings

People = dict[tuple[str, Role], Person]
Headers = dict[str, str]
DAY = 24 * 3600 * SECOND


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """The log, as JSON."""
    to = io.StringIO()
    names = ("mien.server", "uvicorn", "python_multipart")
    before = [(one, one.handlers, one.propagate, one.level) for one in map(logging.getLogger, names)]
    service_log.set_up("json", to)
    yield to
    for logger, handlers, propagate, level in before:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def problem(answer: Any, status: int, code: str) -> Problem:
    assert answer.status_code == status and answer.headers["content-type"] == MEDIA_TYPE, answer.text
    found = Problem(**answer.json())
    assert (found.code, found.status, found.type) == (code, status, f"about:blank#{code}")
    assert found.request_id == answer.headers["x-request-id"]
    return found


def test_an_address_that_is_not_there(client: TestClient) -> None:
    assert "openapi.json" in problem(client.get("/v1/nothing"), 404, "not-found").cure


def test_a_method_that_is_not_there(client: TestClient) -> None:
    answer = client.put("/v1/accounts")
    problem(answer, 405, "no-such-method")
    assert "GET" in answer.headers["allow"]


def test_values_that_cannot_be_are_named_and_not_repeated(client: TestClient, administrator: Headers) -> None:
    body = {"name": "anna", "role": "emperor", "secret": "of mine"}
    found = problem(client.post("/v1/accounts", json=body, headers=administrator), 422, "invalid")
    assert any(one.startswith("body.role:") for one in found.reasons)
    assert found.detail.startswith("role must be 'viewer'") and "secret is not known here" in found.detail
    assert "emperor" not in found.model_dump_json() and "of mine" not in found.model_dump_json()


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"a": ', b"[" * 100_000])
def test_json_that_is_none(client: TestClient, administrator: Headers, body: bytes) -> None:
    headers = administrator | {"Content-Type": "application/json"}
    answer = client.post("/v1/accounts", content=body, headers=headers)
    assert answer.status_code in (400, 422) and answer.json()["code"] in ("bad-request", "invalid")


def test_a_body_of_another_type(client: TestClient, administrator: Headers) -> None:
    answer = client.post(
        "/v1/accounts", content=b'{"name": "a"}', headers=administrator | {"Content-Type": "text/plain"}
    )
    problem(answer, 422, "invalid")


def test_a_fault_is_told_without_its_words(app: FastAPI, lines: io.StringIO) -> None:
    @app.get("/v1/fault")
    def fault() -> None:
        raise ValueError("anna@example.org")

    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/v1/fault")
    found = problem(answer, 500, "internal")
    said = lines.getvalue()
    assert "ValueError" in said and "test_server_app.py" in said and found.request_id in said
    assert "anna" not in said + answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_fault_of_a_dependency_is_told_alike(
    app: FastAPI, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(keys: Keys, text: str) -> None:
        raise GalleryDamaged("The records are damaged.", "Restore a backup.")

    monkeypatch.setattr(Keys, "find", damaged)
    with TestClient(app, raise_server_exceptions=False) as client:
        answer = client.get("/v1/preferences", headers={"Authorization": "Bearer mien_a_b"})
    assert problem(answer, 500, "gallery-damaged").cure == "Restore a backup."


def test_every_answer_has_an_id(client: TestClient) -> None:
    assert len(client.get("/health/live").headers["x-request-id"]) == 16
    own = client.get("/health/live", headers={"X-Request-Id": "order-1234-abcd"})
    assert own.headers["x-request-id"] == "order-1234-abcd"
    odd = client.get("/health/live", headers={"X-Request-Id": "x y\tz" * 40})
    assert len(odd.headers["x-request-id"]) == 16


@pytest.mark.parametrize("path", ["/health/live", "/v1/nothing", "/v1/preferences"])
def test_every_answer_has_safe_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store" and headers["referrer-policy"] == "no-referrer"
    assert "strict-transport-security" not in headers and "server" not in headers


def test_no_other_origin_is_allowed_to_read(client: TestClient) -> None:
    answer = client.options(
        "/v1/session", headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    )
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_the_log_says_what_was_asked_and_nothing_about_anybody(
    client: TestClient, people: People, viewer: Headers, lines: io.StringIO
) -> None:
    account = people["", Role.VIEWER].account.id
    client.post("/v1/session", json={"name": "viewer@main", "password": PASSWORD})
    client.delete(f"/v1/accounts/{account}?secret=x", headers=viewer)
    said = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [(one["method"], one["route"], one["status"]) for one in said] == [
        ("POST", "/v1/session", 200),
        ("DELETE", "/v1/accounts/{account_id}", 403),
    ]
    assert all(one["request_id"] and one["ms"] >= 0 and one["level"] == "info" for one in said)
    text = lines.getvalue()
    assert not [one for one in (account, "viewer@main", PASSWORD, "secret", "testclient") if one in text]


def test_live_is_open_and_ready_knows_the_service(client: TestClient) -> None:
    assert client.get("/health/live").json()["status"] == client.get("/health/ready").json()["status"] == "ok"


def test_before_it_is_loaded_it_lives_and_is_not_ready(config: ServerConfig, own_settings: Settings) -> None:
    client = TestClient(create_app(config, own_settings))
    assert client.get("/health/live").status_code == 200
    answer = client.get("/health/ready")
    problem(answer, 503, "busy")
    assert answer.headers["retry-after"] == "2"
    assert client.get("/v1/session").status_code == 503


def test_what_keeps_it_from_starting_is_told(config: ServerConfig, own_settings: Settings, lines: io.StringIO) -> None:
    app = create_app(config, own_settings.model_copy(update={"expression_model": "nothing"}))
    told: list[str] = []
    app.state.on_trouble = lambda: told.append("stop")
    with TestClient(app) as client:
        while not told:
            assert client.get("/health/live").status_code == 200
        problem(client.get("/health/ready"), 500, "internal")
    assert "cannot start" in lines.getvalue()


def test_the_log_has_what_was_asked_but_not_whether_it_is_well(client: TestClient, lines: io.StringIO) -> None:
    client.get("/health/live")
    client.get("/health/ready")
    client.get("/v1/preferences")
    assert [json.loads(line)["route"] for line in lines.getvalue().splitlines()] == ["/v1/preferences"]


def test_figures_are_for_those_who_are_logged_in(client: TestClient, viewer: Headers) -> None:
    assert client.get("/metrics").status_code == 401
    client.get("/v1/preferences", headers=viewer)
    said = client.get("/metrics", headers=viewer).text
    assert 'mien_requests_total{method="GET",route="/v1/preferences",status="200"} 1.0' in said
    assert 'mien_rejected_total{code="not-logged-in"} 1.0' in said
    for name in (
        "mien_request_seconds_bucket",
        "mien_queue_depth",
        "mien_live_sessions",
        "mien_faces_total",
        "mien_jobs",
    ):
        assert name in said
    assert 'mien_jobs{state="queued"} 0.0' in said and "viewer@" not in said


def test_faces_are_counted(client: TestClient, operator: Headers, astronaut: np.ndarray) -> None:
    photo = {"photo": ("a.jpg", encode_image(astronaut, ".jpg"))}
    assert client.post("/v1/analyze?stages=quality", files=photo, headers=operator).status_code == 200
    assert "mien_faces_total 1.0" in client.get("/metrics", headers=operator).text


def test_the_document_is_complete(client: TestClient, viewer: Headers) -> None:
    assert client.get("/v1/openapi.json").status_code == 401
    document = client.get("/v1/openapi.json", headers=viewer).json()
    assert document["openapi"].startswith("3.1")
    operations = [one for path in document["paths"].values() for one in path.values()]
    names = [one["operationId"] for one in operations]
    assert len(set(names)) == len(names) and all(name.isidentifier() and name.islower() for name in names)
    for one in operations:
        assert one["summary"] and one["description"], one["operationId"]
        assert {"422", "429", "503"} <= set(one["responses"]), one["operationId"]
        assert "500" not in one["responses"]
    assert document["components"]["securitySchemes"].keys() == {"session", "key"}


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_no_page_of_the_framework_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_nothing_is_kept_for_longer_than_the_preferences_say(service: Service, people: People) -> None:
    service.preferences.change("", None, {"audit_days": 10})
    service.preferences.change("north", None, {"audit_days": 20})
    service.audit.write(people["", Role.VIEWER].caller, "identify")
    sweep(service)
    assert len(service.audit.entries()) == 1
    later = service.state.now() + 15 * DAY
    service.state.now = lambda: later
    sweep(service)
    assert len(service.audit.entries()) == 1
    service.state.now = lambda: later + 10 * DAY
    sweep(service)
    assert service.audit.entries() == [] and service.audit.verify().faults == ()


def test_settings_come_from_file_environment_and_options(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mien.toml").write_text('threads = 3\n[server]\nport = 1\nhost = "a"\nqueue = 5\n')
    for module in ("mien.settings", "mien.server.config"):
        monkeypatch.setattr(f"{module}.config_file", lambda: tmp_path / "mien.toml")
    monkeypatch.setenv("MIEN_SERVER_PORT", "2")
    monkeypatch.setenv("MIEN_SERVER_OUTPUTS", "https://a.example, https://b.example")
    found = load_config(host="b")
    assert (found.queue, found.port, found.host) == (5, 2, "b")
    assert found.outputs == ("https://a.example", "https://b.example")
    assert load_settings().threads == 3


@pytest.mark.parametrize(
    ("over", "name"),
    [
        ({"port": 70_000}, "port"),
        ({"colour": "red"}, "colour"),
        ({"tls_key": "k.pem"}, "tls"),
        ({"workers": 0}, "workers"),
    ],
)
def test_a_wrong_setting_is_named(over: dict[str, Any], name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load_config(**over)


def test_secrets_are_not_shown(config: ServerConfig) -> None:
    assert "s3cret" not in repr(replace_config(config, oidc_client_secret="s3cret"))


def replace_config(config: ServerConfig, **over: Any) -> ServerConfig:
    return config.model_copy(update=over)


def test_the_services_state_is_where_the_data_is(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIEN_DATA_DIR", str(tmp_path))
    assert load_config().state_dir == tmp_path / "server"


def test_a_closed_service_can_be_replaced(service: Service) -> None:
    assert replace(service, rate=service.rate) is not service


def test_forms_that_are_none_do_not_fill_the_log(client: TestClient, operator: Headers, lines: io.StringIO) -> None:
    headers = operator | {"Content-Type": "multipart/form-data; boundary=x"}
    assert client.post("/v1/analyze", content=b"--x\r\nbad header\r\n\r\n", headers=headers).status_code == 422
    assert [line for line in lines.getvalue().splitlines() if "analyze" not in line] == []
