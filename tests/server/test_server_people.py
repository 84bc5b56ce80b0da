"""People over HTTP: enrolled, listed, changed, merged and forgotten, each tenant by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel

from mien.gallery.people import Consent, Profile
from mien.gallery.store.receipt import parse_receipt
from mien.image import encode_image
from mien.server.schema import people as wire
from mien.server.service import Service
from mien.server.state.audit import Wanted

Headers = Mapping[str, str]
CONSENT: dict[str, Any] = {"given_by": "Anna", "purpose": "the door", "how": "a signed form"}
ANNA = {"name": "Anna Weber", "external_id": "17", "groups": ["night"], "tags": ["staff"], "consent": CONSENT}


@pytest.fixture(scope="session")
def nobody(coffee: np.ndarray) -> bytes:
    """No face, as PNG."""
    return encode_image(coffee, ".png")


def checked(model: type[BaseModel], answer: Any, status: int = 200) -> Any:
    """The content of an answer that is as the document says."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    model.model_validate_json(answer.content)
    return answer.json()


def refused(answer: Any, status: int, code: str) -> Any:
    """The problem of an answer."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code
    return answer.json()


def enrol(client: TestClient, headers: Headers, person: Mapping[str, Any], *photos: bytes, key: str = "") -> Any:
    files = [("person", (None, json.dumps(person), "application/json"))]
    sent: list[Any] = files + [("photos", ("a.png", photo)) for photo in photos]
    return client.post("/v1/people", headers={**headers, **({"Idempotency-Key": key} if key else {})}, files=sent)


def enrolled(client: TestClient, headers: Headers, name: str = "Anna Weber", *photos: bytes) -> Any:
    person = {"name": name, "consent": CONSENT}
    return checked(wire.Enrolment, enrol(client, headers, person, *photos), 201)["person"]


def test_an_oversized_photo_is_refused_in_the_words_of_the_service(
    client: TestClient, operator: Headers, service: Service, face: bytes
) -> None:
    """`max_pixels` is no setting of the service's."""
    huge = encode_image(np.zeros((5000, service.config.photo_pixels // 5000 + 1, 3), np.uint8), ".png")
    answers = [enrol(client, operator, ANNA, huge)]
    person = enrolled(client, operator, "Anna", face)["id"]
    answers.append(client.post(f"/v1/people/{person}/photos", headers=operator, files={"photos": ("a.png", huge)}))
    for answer in answers:
        (judged,) = refused(answer, 422, "enrolment-refused")["photos"]
        (reason,) = judged["reasons"]
        assert judged["code"] == "image-too-large" and f"{service.config.photo_pixels:,}" in reason
        assert "photo_pixels" in reason and "max_pixels" not in reason


def test_a_person_is_enrolled_and_found_again(
    client: TestClient, operator: Headers, viewer: Headers, service: Service, face: bytes, nobody: bytes
) -> None:
    answer = enrol(client, operator, ANNA, face, nobody, b"no photo")
    found = checked(wire.Enrolment, answer, 201)
    person, photos = found["person"], found["photos"]
    assert [(one["kept"], one["code"]) for one in photos] == [
        (True, "ok"),
        (False, "no-single-face"),
        (False, "image-format"),
    ]
    assert (person["name"], person["external_id"], person["groups"], person["n_templates"]) == (
        "Anna Weber",
        "17",
        ["night"],
        1,
    )
    assert answer.headers["location"] == f"/v1/people/{person['id']}"
    again = client.get(answer.headers["location"], headers=viewer)
    assert checked(wire.Person, again) == person and again.headers["etag"] == answer.headers["etag"]
    assert service.gallery.person(person["id"]).profile.tenant == ""
    assert [one.kind for one in service.events.page("", 10)] == ["person_enrolled"]


def test_what_is_said_of_a_person_is_checked(client: TestClient, operator: Headers, face: bytes) -> None:
    for wrong in (
        {"name": ""},
        {"name": "a\nb"},
        {"name": "x" * 201},
        {"name": "abcdefghijklmnopqrstuvwxyz"},
        {"name": "A", "tenant": "north"},
        {"name": "A", "external_id": "abcdefghijklmnopqrstuvwxyz"},
        {"name": "A", "consent": {"given_by": "A"}},
        {"name": "A", "valid_from": "2026-01-01T00:00:00"},
        {},
    ):
        problem = refused(enrol(client, operator, wrong, face), 422, "invalid")
        assert problem["reasons"][0].startswith("body.person")
    # Without a consent no photo is looked at.
    refused(enrol(client, operator, {"name": "Anna"}, face), 422, "consent-missing")
    missing = client.post("/v1/people", headers=operator, files=[("photos", face)])
    assert "person" in refused(missing, 422, "invalid")["detail"]


def test_where_nothing_is_fit_nothing_is_stored(
    client: TestClient, operator: Headers, service: Service, nobody: bytes
) -> None:
    answer = enrol(client, operator, ANNA, nobody, key="k" * 16)
    problem = refused(answer, 422, "enrolment-refused")
    wire.EnrolmentProblem.model_validate(problem)
    assert problem["photos"][0]["code"] == "no-single-face" and "photo 1" in problem["reasons"][0]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert list(service.gallery.people()) == []


def test_a_duplicate_is_named_and_may_be_let_pass(client: TestClient, operator: Headers, face: bytes) -> None:
    first = enrolled(client, operator, "Anna", face)
    problem = refused(enrol(client, operator, {"name": "Bea", "consent": CONSENT}, face), 422, "enrolment-refused")
    assert problem["photos"][0]["lookalikes"] == [first["id"]] and "Anna" in problem["reasons"][0]
    twin = {"name": "Bea", "consent": CONSENT, "allow_duplicate": True}
    assert checked(wire.Enrolment, enrol(client, operator, twin, face), 201)["photos"][0]["lookalikes"] == [first["id"]]


def test_nobody_learns_whom_another_tenant_has(
    client: TestClient, operator: Headers, stranger: Headers, face: bytes
) -> None:
    own = enrolled(client, operator, "Anna", face)
    # The same face is nobody's double there.
    other = enrolled(client, stranger, "Somebody", face)
    for headers, foreign in ((stranger, own["id"]), (operator, other["id"])):
        absent = client.get("/v1/people/" + "a" * 26, headers=headers).json()
        for method, path, how in (
            ("GET", "", {}),
            ("PATCH", "", {"json": {"name": "Mine"}}),
            ("DELETE", "", {}),
            ("GET", "/history", {}),
            ("POST", "/merge", {"json": {"into": foreign}}),
        ):
            answer = client.request(method, f"/v1/people/{foreign}{path}", headers=headers, **how)
            problem = refused(answer, 404, "not-found")
            assert problem["detail"].replace(foreign, "a" * 26) == absent["detail"]
        mine = own["id"] if headers is operator else other["id"]
        refused(client.post(f"/v1/people/{mine}/merge", headers=headers, json={"into": foreign}), 404, "not-found")
        items = checked(wire.People, client.get("/v1/people", headers=headers))["items"]
        assert [one["id"] for one in items] == [mine]


def test_an_external_id_belongs_to_one_person(client: TestClient, operator: Headers, stranger: Headers) -> None:
    checked(wire.Enrolment, enrol(client, operator, ANNA), 201)
    refused(enrol(client, operator, ANNA | {"name": "Other"}), 409, "conflict")
    checked(wire.Enrolment, enrol(client, stranger, ANNA), 201)


def test_the_same_request_is_done_once(client: TestClient, operator: Headers, service: Service, face: bytes) -> None:
    first = enrol(client, operator, ANNA, face, key="once-and-only-once")
    again = enrol(client, operator, ANNA, face, key="once-and-only-once")
    assert checked(wire.Enrolment, first, 201) == checked(wire.Enrolment, again, 201)
    refused(enrol(client, operator, ANNA | {"name": "Bea"}, face, key="once-and-only-once"), 409, "conflict")
    assert len(list(service.gallery.people())) == 1


def test_pages_are_stable_while_people_come_and_go(client: TestClient, operator: Headers, service: Service) -> None:
    names = [f"Person {number:02}" for number in range(12)]
    ids = {name: enrolled(client, operator, name)["id"] for name in names}

    def page(**query: Any) -> Any:
        return checked(wire.People, client.get("/v1/people", headers=operator, params={"limit": 5, **query}))

    first = page()
    assert [one["name"] for one in first["items"]] == names[:5] and first["total"] == 12
    # Whom the cursor names is removed, and somebody new comes.
    client.delete(f"/v1/people/{ids[names[4]]}", headers=operator)
    enrolled(client, operator, "Newest")
    second = page(cursor=first["next"])
    third = page(cursor=second["next"])
    assert [one["name"] for one in second["items"] + third["items"]] == [*names[5:], "Newest"]
    assert third["next"] is None
    refused(client.get("/v1/people", headers=operator, params={"cursor": "!"}), 422, "invalid")


def test_people_are_searched_by_name_number_group_and_tag(client: TestClient, operator: Headers) -> None:
    checked(wire.Enrolment, enrol(client, operator, ANNA), 201)
    enrolled(client, operator, "Bea Straße")

    def names(**query: Any) -> list[str]:
        found = checked(wire.People, client.get("/v1/people", headers=operator, params=query))
        return [one["name"] for one in found["items"]]

    assert names(q="ann") == names(q="17") == names(group="night") == names(tag="staff") == ["Anna Weber"]
    assert names(q="STRASSE") == ["Bea Straße"]
    assert names(q="nobody") == names(group="day") == []


def test_another_process_is_followed(client: TestClient, operator: Headers, service: Service) -> None:
    one = enrolled(client, operator, "Anna")
    from mien.gallery.gallery import Gallery

    with Gallery(None, service.settings, analyzer=service.analyzer) as other:
        other.change(one["id"], name="Anna Berg")
        other.add_people([(Profile("Bea", consent=_consent()), ())])
    found = checked(wire.People, client.get("/v1/people", headers=operator))
    assert [person["name"] for person in found["items"]] == ["Anna Berg", "Bea"]


def _consent() -> Consent:
    return wire.ConsentIn(**CONSENT).record()


def test_a_change_can_name_what_it_was_made_upon(client: TestClient, operator: Headers) -> None:
    person = checked(wire.Enrolment, enrol(client, operator, ANNA), 201)["person"]
    address = f"/v1/people/{person['id']}"
    seen = {"If-Match": f'"{person["seq"]}"'}
    changed = client.patch(address, headers={**operator, **seen}, json={"name": "Anna Berg", "external_id": None})
    now = checked(wire.Person, changed)
    assert (now["name"], now["external_id"], now["groups"]) == ("Anna Berg", None, ["night"])
    refused(client.patch(address, headers={**operator, **seen}, json={"name": "Lost"}), 412, "person-changed")
    refused(client.delete(address, headers={**operator, **seen}), 412, "person-changed")
    refused(client.delete(address, headers={**operator, "If-Match": "W/x"}), 412, "changed")
    assert checked(wire.Person, client.get(address, headers=operator))["name"] == "Anna Berg"
    refused(client.patch(address, headers=operator, json={"name": None}), 422, "invalid")
    refused(client.patch(address, headers=operator, json={"tenant": "north"}), 422, "invalid")
    checked(wire.Receipt, client.delete(address, headers={**operator, "If-Match": changed.headers["etag"]}))


def test_a_removed_person_leaves_a_receipt_and_nothing_else(
    client: TestClient, operator: Headers, service: Service, face: bytes
) -> None:
    person = enrolled(client, operator, "Anna Weber", face)
    answer = client.delete(f"/v1/people/{person['id']}", headers=operator)
    receipt = checked(wire.Receipt, answer)
    assert receipt["counts"]["templates"] == 1
    assert parse_receipt(answer.text, "the answer").gallery_id == service.gallery.info.id
    refused(client.get(f"/v1/people/{person['id']}", headers=operator), 404, "not-found")
    assert checked(wire.People, client.get("/v1/people", headers=operator))["total"] == 0
    refused(client.post("/v1/identify", headers=operator, files={"photo": face}), 422, "invalid")
    # What the service itself keeps names nobody.
    kept = [entry.to_json() for entry in service.audit.entries(most=1000)]
    kept += [json.dumps(dict(one.data)) for one in service.events.page("", 100)]
    assert kept and not any("Anna" in text for text in kept)


def test_two_records_become_one_person(client: TestClient, operator: Headers, face: bytes) -> None:
    first = enrolled(client, operator, "Anna", face)
    second = enrolled(client, operator, "Anna Weber")
    address = f"/v1/people/{first['id']}/merge"
    merged = checked(wire.Person, client.post(address, headers=operator, json={"into": second["id"]}))
    assert (merged["id"], merged["name"], merged["n_templates"]) == (second["id"], "Anna Weber", 1)
    refused(client.get(f"/v1/people/{first['id']}", headers=operator), 404, "not-found")
    same = client.post(f"/v1/people/{second['id']}/merge", headers=operator, json={"into": second["id"]})
    refused(same, 422, "invalid")
    history = checked(wire.History, client.get(f"/v1/people/{second['id']}/history", headers=operator))
    assert history["items"][0]["kind"] == "enrol"


def test_changes_are_noted_before_and_after(client: TestClient, operator: Headers, service: Service) -> None:
    person = enrolled(client, operator, "Anna")
    client.patch(f"/v1/people/{person['id']}", headers=operator, json={"name": "Bea"})
    refused(enrol(client, operator, {"name": "Nobody agreed"}), 422, "consent-missing")

    def outcomes(action: str) -> list[Any]:
        entries = service.audit.entries(Wanted(action=action))
        return [(one.detail["outcome"], one.subject) for one in reversed(entries)]

    assert outcomes("change_person") == [("begun", person["id"]), ("done", person["id"])]
    assert outcomes("enrol_person") == [("begun", None), ("done", person["id"]), ("begun", None), ("failed", None)]
    assert service.audit.verify().faults == ()


def test_viewers_look_and_change_nothing(client: TestClient, operator: Headers, viewer: Headers) -> None:
    person = enrolled(client, operator)
    address = f"/v1/people/{person['id']}"
    refused(enrol(client, viewer, ANNA), 403, "not-allowed")
    refused(client.patch(address, headers=viewer, json={"name": "Mine"}), 403, "not-allowed")
    refused(client.delete(address, headers=viewer), 403, "not-allowed")
    checked(wire.Person, client.get(address, headers=viewer))
    refused(client.get(address), 401, "not-logged-in")


def test_what_is_wrong_is_said_in_plain_words(client: TestClient, operator: Headers) -> None:
    person = json.dumps({"name": "", "consent": None})
    sent = client.post("/v1/people", headers=operator, files={"person": (None, person, "application/json")})
    assert (sent.status_code, sent.json()["detail"]) == (422, "person.name must not be empty.")
    assert sent.json()["reasons"] == ["body.person.name: String should have at least 1 character"]
