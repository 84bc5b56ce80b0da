"""Every route of the document, asked by everybody who must not get in, and by other tenants.

New routes are walked by themselves. One that is for viewers or operators must be named below; one whose address has a
part that is not known below cannot be called, and fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, APIWebSocketRoute
from fastapi.testclient import TestClient
from starlette.routing import Route
from starlette.websockets import WebSocketDisconnect
from tests.server.conftest import PASSWORD, Person, log_in

from mien.gallery.people import Consent, Profile, Template
from mien.image import encode_image
from mien.server.caller import Role
from mien.server.routes.listing import routers
from mien.server.service import Service
from mien.server.state.database import SECOND

People = dict[tuple[str, Role], Person]

OPEN: Final = {"get_live", "get_ready", "log_in", "open_link", "begin_oidc", "finish_oidc"}
"""For everybody; the two of OIDC and the two of logging in have secrets of their own."""
SESSION: Final = {"get_session", "log_out", "set_password"}
"""For whoever is logged in, also before a password is set."""
VIEWER: Final = {
    "get_metrics", "get_openapi", "list_keys", "add_key", "revoke_key", "get_preferences", "list_calibrations",
    "list_models", "list_people", "get_person", "get_history", "list_templates", "get_crop", "get_face",
    "list_corrections", "get_gallery", "get_dial", "list_videos", "get_video", "get_video_result", "get_video_report",
    "get_video_events", "get_video_table", "get_video_subtitles", "get_video_annotated", "get_live_terms",
    "list_cameras", "get_camera", "get_camera_picture", "list_events", "stream_events", "list_outputs",
}  # fmt: skip
OPERATOR: Final = {
    "analyze_photo", "compare_photos", "identify_photo", "enrol_person", "change_person", "remove_person",
    "merge_people", "add_photos", "remove_template", "add_correction", "remove_correction", "list_findings",
    "add_video", "cancel_video", "remove_video",
}  # fmt: skip
ENDLESS: Final = {"stream_events"}
SHARED: Final = {"get_camera", "get_camera_picture"}
"""Whose address names a thing of the configuration, not of a tenant; tests of cameras say whom they answer."""


@dataclass(frozen=True)
class Operation:
    """One of the document."""

    name: str
    method: str
    path: str
    body: dict[str, Any] | None


def operations(app: FastAPI) -> list[Operation]:
    """All of them; reading before changing, removing last, so that a walk finds what it walks over."""
    order = {"GET": 0, "POST": 1, "PUT": 2, "PATCH": 3, "DELETE": 4}
    document = app.openapi()
    found = [
        Operation(one["operationId"], method.upper(), path, one.get("requestBody"))
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    ]
    return sorted(found, key=lambda one: order[one.method])


@dataclass(frozen=True)
class Things:
    """One of each kind, of the tenant ""; by the name of the part of an address."""

    ids: dict[str, str]
    photo: bytes

    def url(self, operation: Operation) -> str:
        """Fails for a part that nobody has said anything about."""
        return re.sub(r"\{(\w+)\}", lambda part: self.ids[part[1]], operation.path)

    def call(self, client: TestClient, operation: Operation, headers: dict[str, str]) -> Any:
        """As somebody who knows how."""
        content, kind = self.content(client, operation)
        sent = headers | ({"Content-Type": kind} if kind else {})
        return client.request(operation.method, self.url(operation), headers=sent, content=content)

    def content(self, client: TestClient, operation: Operation) -> tuple[bytes, str]:
        """A body that the document allows."""
        kinds = operation.body["content"] if operation.body else {}
        if "application/json" in kinds:
            return json.dumps(self.example(client, kinds["application/json"]["schema"])).encode(), "application/json"
        if "multipart/form-data" in kinds:
            schema = kinds["multipart/form-data"]["schema"]
            person = json.dumps({"name": "Eve"}).encode()
            parts = [(name, person if name == "person" else self.photo) for name in schema["properties"]]
            return form(parts), "multipart/form-data; boundary=B"
        return (b"\0" * 1000, "application/octet-stream") if kinds else (b"", "")

    def example(self, client: TestClient, schema: dict[str, Any]) -> Any:
        """That of the document, with ids that there are."""
        assert isinstance(client.app, FastAPI)
        schemas = client.app.openapi()["components"]["schemas"]
        whole = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        if whole.get("examples"):
            return whole["examples"][0]
        fields = whole["properties"]
        return {
            name: self.ids["person_id"] if name in ("into", "person_id") else fields[name]["examples"][0]
            for name in whole.get("required", list(fields)[:1])
        }


def form(parts: list[tuple[str, bytes]]) -> bytes:
    """multipart/form-data with the boundary B."""
    head = b'--B\r\nContent-Disposition: form-data; name="%s"; filename="x"\r\n\r\n%s\r\n'
    return b"".join(head % (name.encode(), content) for name, content in parts) + b"--B--\r\n"


@pytest.fixture
def things(client: TestClient, service: Service, people: People, astronaut: np.ndarray) -> Things:
    photo = encode_image(astronaut, ".jpg")
    now = datetime.now(UTC)
    vector = np.zeros(service.gallery.info.dim, np.float32)
    vector[0] = 1
    profile = Profile("Zoe Quist", consent=Consent("Zoe Quist", now, "a test", "a form"))
    person_id = service.gallery.add_people([(profile, [Template(vector, 90.0, "z.jpg", now, photo)])])[0]
    with service.gallery.records.write() as writing:
        writing.add_negative(person_id, -vector, "a test")
    administrator = people["", Role.ADMINISTRATOR].headers
    video = client.post(
        "/v1/videos?name=zoe-quist-video",
        content=photo,
        headers=administrator | {"Content-Type": "application/octet-stream"},
    )
    assert video.status_code == 202, video.text
    service.events.publish("", "person_enrolled", {"person_id": person_id})
    ids = {
        "person_id": person_id,
        "template_id": str(service.gallery.templates(person_id)[0].id),
        "correction_id": str(service.gallery.records.negatives(person_id)[0].id),
        "account_id": people["", Role.OPERATOR].account.id,
        "key_id": people["", Role.VIEWER].key.split("_")[1],
        "job_id": video.json()["id"],
        "name": "door",
    }
    return Things(ids, photo)


def key_of(person: Person) -> str:
    return person.key.split("_")[1]


def unknown_secret(service: Service, person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer mien_{key_of(person)}_{'A' * 43}"}


def expired(service: Service, person: Person) -> dict[str, str]:
    with service.state.write() as writing:
        writing.execute("UPDATE keys SET expires_at = ? WHERE id = ?", (service.state.now() - SECOND, key_of(person)))
    return person.headers


def revoked(service: Service, person: Person) -> dict[str, str]:
    service.keys.revoke(person.caller, key_of(person))
    return person.headers


def disabled(service: Service, person: Person) -> dict[str, str]:
    service.accounts.make("another administrator", Role.ADMINISTRATOR)
    service.accounts.change(person.account.id, "", disabled=True)
    return person.headers


def removed(service: Service, person: Person) -> dict[str, str]:
    service.accounts.make("another administrator", Role.ADMINISTRATOR)
    service.accounts.remove(person.account.id, "")
    return person.headers


NOBODIES: Final[dict[str, Callable[[Service, Person], dict[str, str]]]] = {
    "nobody": lambda service, person: {},
    "garbage": lambda service, person: {"Authorization": "Bearer mien_nonsense"},
    "basic": lambda service, person: {"Authorization": "Basic YWRtaW46YWRtaW4="},
    "cookie": lambda service, person: {"Cookie": "mien_session=nonsense; __Host-mien_session=nonsense"},
    "wrong secret": unknown_secret,
    "expired": expired,
    "revoked": revoked,
    "disabled": disabled,
    "removed": removed,
}


@pytest.mark.parametrize("who", NOBODIES)
def test_nobody_gets_in(
    client: TestClient, app: FastAPI, service: Service, people: People, things: Things, who: str
) -> None:
    headers = NOBODIES[who](service, people["", Role.ADMINISTRATOR])
    wrong = {}
    for operation in operations(app):
        answer = things.call(client, operation, headers)
        right = (200, 401, 404, 422) if operation.name in OPEN else (401,)
        if answer.status_code not in right or (
            operation.name in OPEN - {"get_live", "get_ready"} and answer.is_success
        ):
            wrong[operation.name] = answer.status_code
    assert wrong == {}


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_a_role_is_not_enough(client: TestClient, app: FastAPI, people: People, things: Things, role: Role) -> None:
    may = OPEN | SESSION | VIEWER | (OPERATOR if role is Role.OPERATOR else set())
    asked = [one for one in operations(app) if one.name not in may]
    statuses = {one.name: things.call(client, one, people["", role].headers).status_code for one in asked}
    assert statuses == dict.fromkeys(statuses, 403) and len(statuses) > 5


def test_before_a_password_is_set_nothing_works(
    client: TestClient, app: FastAPI, service: Service, things: Things
) -> None:
    token = service.accounts.invite(service.accounts.make("fresh", Role.ADMINISTRATOR).id)
    csrf = client.post("/v1/session/welcome", json={"token": token}).json()["csrf"]
    asked = [one for one in operations(app) if one.name not in OPEN | SESSION]
    statuses = {one.name: things.call(client, one, {"X-CSRF-Token": csrf}).status_code for one in asked}
    assert statuses == dict.fromkeys(statuses, 403)


def test_no_change_without_the_sessions_token(client: TestClient, app: FastAPI, people: People, things: Things) -> None:
    log_in(client, "administrator@main")
    asked = [one for one in operations(app) if one.name not in OPEN and one.method != "GET"]
    statuses = {one.name: things.call(client, one, {}).status_code for one in asked}
    assert statuses == dict.fromkeys(statuses, 403) and len(statuses) > 15


def test_no_answer_to_another_sites_page(client: TestClient, app: FastAPI, people: People, things: Things) -> None:
    headers = log_in(client, "administrator@main") | {"Origin": "https://evil.example"}
    asked = [one for one in operations(app) if one.name not in OPEN - {"log_in", "open_link"}]
    statuses = {one.name: things.call(client, one, headers).status_code for one in asked}
    # Who one is says nothing to a page that may not read it.
    statuses.pop("get_session")
    assert statuses == dict.fromkeys(statuses, 403)


def test_another_tenants_things_are_not_there(
    client: TestClient, app: FastAPI, service: Service, people: People, things: Things
) -> None:
    asked = [one for one in operations(app) if "{" in one.path and one.name not in SHARED]
    stranger = people["north", Role.ADMINISTRATOR].headers
    answers = {one.name: things.call(client, one, stranger) for one in asked}
    statuses = {name: answer.status_code for name, answer in answers.items()}
    assert statuses == dict.fromkeys(statuses, 404) and len(statuses) > 20
    for answer in answers.values():
        assert "Zoe" not in answer.text and answer.headers["content-type"] == "application/problem+json"
    assert service.gallery.person(things.ids["person_id"]).n_templates == 1
    assert len(service.gallery.records.negatives(things.ids["person_id"])) == 1
    own = people["", Role.ADMINISTRATOR].headers
    # The same calls are right: their owner gets through.
    for operation in asked:
        if operation.method == "GET":
            assert things.call(client, operation, own).status_code in (200, 409), operation.name


def test_what_is_not_there_and_what_is_anothers_is_one_answer(
    client: TestClient, app: FastAPI, people: People, things: Things
) -> None:
    nowhere = Things(
        {name: "a" * 26 if len(value) == 26 else "999999" for name, value in things.ids.items()}, things.photo
    )
    stranger = people["north", Role.ADMINISTRATOR].headers
    for operation in operations(app):
        if "{" in operation.path and operation.name not in SHARED:
            theirs, none = (one.call(client, operation, stranger) for one in (things, nowhere))
            texts = {re.sub(r"[a-z2-7]{26}|\d+", "ID", answer.json()["detail"]) for answer in (theirs, none)}
            assert len(texts) == 1 and theirs.status_code == none.status_code, operation.name


def test_lists_have_nothing_of_other_tenants(
    client: TestClient, app: FastAPI, service: Service, people: People, things: Things
) -> None:
    service.audit.write(people["", Role.OPERATOR].caller, "identify", things.ids["person_id"], "Zoe Quist")
    stranger, own = people["north", Role.ADMINISTRATOR].headers, people["", Role.ADMINISTRATOR].headers
    secrets = ["zoe", *(value for value in things.ids.values() if len(value) == 26)]
    seen = ""
    for operation in operations(app):
        if operation.method == "GET" and "{" not in operation.path and operation.name not in OPEN | ENDLESS:
            text = things.call(client, operation, stranger).text.lower()
            assert [one for one in secrets if one in text] == [], operation.name
            seen += things.call(client, operation, own).text.lower()
    assert [one for one in secrets if one not in seen] == []


def test_nobody_is_merged_into_another_tenants_person(
    client: TestClient, service: Service, people: People, things: Things
) -> None:
    profile = Profile("Yan", tenant="north", consent=Consent("Yan", datetime.now(UTC), "a test", "a form"))
    vector = np.zeros(service.gallery.info.dim, np.float32)
    vector[1] = 1
    own = service.gallery.add_people([(profile, [Template(vector, 90.0, "y.jpg", datetime.now(UTC))])])[0]
    stranger = people["north", Role.ADMINISTRATOR].headers
    answer = client.post(f"/v1/people/{own}/merge", json={"into": things.ids["person_id"]}, headers=stranger)
    assert answer.status_code == 404
    assert service.gallery.person(own).profile.name == "Yan"


def test_the_document_hides_no_route(app: FastAPI) -> None:
    routes = [route for router in routers for route in router.routes]
    hidden = [route for route in routes if isinstance(route, APIRoute) and not route.include_in_schema]
    assert hidden == []
    known = {one.name for one in operations(app)}
    assert {route.operation_id or route.name for route in routes if isinstance(route, APIRoute)} == known
    assert known >= OPEN | SESSION | VIEWER | OPERATOR
    others = {route.path for route in app.routes if isinstance(route, Route) and not isinstance(route, APIRoute)}
    assert not [path for path in others if path.startswith(("/v1", "/health", "/metrics"))]


def sockets() -> list[str]:
    return [route.path for router in routers for route in router.routes if isinstance(route, APIWebSocketRoute)]


@pytest.fixture
def bare(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://127.0.0.1") as opened:
        yield opened


@pytest.mark.parametrize("path", sockets())
@pytest.mark.parametrize("who", ["nobody", "garbage", "first message", "other page", "stranger's page"])
def test_no_socket_talks_to_nobody(bare: TestClient, people: People, path: str, who: str) -> None:
    headers = {"garbage": {"Authorization": "Bearer mien_nonsense"}, "other page": {"Origin": "https://evil.example"}}
    if who == "stranger's page":
        log_in(bare, "operator@main", PASSWORD)
        headers[who] = {"Origin": "https://evil.example"}
    first = {"key": "mien_nonsense_nonsense"} if who == "first message" else {}
    with (
        pytest.raises(WebSocketDisconnect) as caught,
        bare.websocket_connect(path, headers=headers.get(who, {})) as socket,
    ):
        socket.send_text(json.dumps(first))
        socket.receive_json()
    assert caught.value.code == 1008
