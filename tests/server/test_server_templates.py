"""The photos on record of a person, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from mien.gallery.people import Consent, Profile
from mien.image import encode_image, open_photo
from mien.server.schema import people as wire
from mien.server.service import Service

Headers = Mapping[str, str]


@pytest.fixture
def person(service: Service, astronaut: np.ndarray) -> str:
    """Somebody enrolled, of the tenant ""."""
    consent: Consent = wire.ConsentIn(given_by="Eileen", purpose="tests", how="a form").record()
    found = service.gallery.enrol(Profile("Eileen", consent=consent), [astronaut]).person_id
    assert found
    return found


@pytest.fixture(scope="session")
def other_photo(astronaut: np.ndarray) -> bytes:
    """The same person, in other light and in a mirror."""
    return encode_image(cv2.convertScaleAbs(astronaut[:, ::-1], alpha=0.8, beta=10), ".png")


def templates(client: TestClient, headers: Headers, person: str) -> list[Any]:
    answer = client.get(f"/v1/people/{person}/templates", headers=headers)
    assert answer.status_code == 200, answer.text
    return [one.model_dump() for one in wire.Templates.model_validate_json(answer.content).items]


def add(client: TestClient, headers: Headers, person: str, *photos: bytes, **query: Any) -> Any:
    sent: list[Any] = [("photos", ("a.png", photo)) for photo in photos]
    return client.post(f"/v1/people/{person}/photos", headers=headers, files=sent, params=query)


def test_a_face_on_record_is_shown_as_it_was_stored(
    client: TestClient, viewer: Headers, service: Service, person: str
) -> None:
    (one,) = templates(client, viewer, person)
    assert one["has_crop"] and one["quality"] > 50
    crop = client.get(f"/v1/people/{person}/templates/{one['id']}/crop", headers=viewer)
    assert crop.status_code == 200 and crop.headers["content-type"] == "image/jpeg"
    assert crop.headers["cache-control"] == "no-store"
    assert open_photo(crop.content).pixels().pixels.shape == (112, 112, 3)
    assert crop.content == service.gallery.templates(person)[0].crop
    assert client.get(f"/v1/people/{person}/face", headers=viewer).content == crop.content


def test_a_face_that_is_shown_again_is_in_the_audit_log_once(
    client: TestClient, viewer: Headers, person: str, service: Service
) -> None:
    for _ in range(3):
        assert client.get(f"/v1/people/{person}/face", headers=viewer).status_code == 200
        assert client.get(f"/v1/people/{person}/templates", headers=viewer).status_code == 200
    assert [one.action for one in service.audit.entries()].count("get_face") == 1
    assert [one.action for one in service.audit.entries()].count("list_templates") == 3


def test_photos_are_added_and_taken_away(
    client: TestClient, operator: Headers, service: Service, person: str, other_photo: bytes, coffee: np.ndarray
) -> None:
    answer = add(client, operator, person, other_photo)
    found = wire.Enrolment.model_validate_json(answer.content)
    assert answer.status_code == 200 and found.person.n_templates == 2 and found.photos[0].kept
    refused = add(client, operator, person, encode_image(coffee, ".png"))
    assert refused.status_code == 422
    assert wire.EnrolmentProblem.model_validate_json(refused.content).photos[0].code == "no-single-face"
    newest = templates(client, operator, person)[-1]["id"]
    assert client.delete(f"/v1/people/{person}/templates/{newest}", headers=operator).status_code == 204
    assert len(templates(client, operator, person)) == 1
    assert client.delete(f"/v1/people/{person}/templates/{newest}", headers=operator).status_code == 404
    assert client.get(f"/v1/people/{person}/templates/{newest}/crop", headers=operator).status_code == 404


def test_a_copy_is_not_stored_twice(client: TestClient, operator: Headers, person: str, astronaut: np.ndarray) -> None:
    answer = add(client, operator, person, encode_image(astronaut, ".png"))
    assert answer.status_code == 200, answer.text
    (photo,) = wire.Enrolment.model_validate_json(answer.content).photos
    assert not photo.kept
    assert len(templates(client, operator, person)) == 1


def test_photos_of_somebody_else_need_an_operator_who_looked(
    client: TestClient, operator: Headers, person: str
) -> None:
    assert add(client, operator, person).status_code in (415, 422)
    assert add(client, operator, "a" * 26, b"x").status_code == 404


def test_no_face_is_no_content(client: TestClient, viewer: Headers, service: Service) -> None:
    consent = wire.ConsentIn(given_by="Bea", purpose="tests", how="a form").record()
    (bare,) = service.gallery.add_people([(Profile("Bea", consent=consent), ())])
    assert templates(client, viewer, bare) == []
    assert client.get(f"/v1/people/{bare}/face", headers=viewer).status_code == 404


def test_faces_stay_with_their_tenant(
    client: TestClient, stranger: Headers, viewer: Headers, person: str, other_photo: bytes
) -> None:
    (one,) = templates(client, viewer, person)
    for method, path in (
        ("GET", "templates"),
        ("GET", f"templates/{one['id']}/crop"),
        ("GET", "face"),
        ("DELETE", f"templates/{one['id']}"),
    ):
        assert client.request(method, f"/v1/people/{person}/{path}", headers=stranger).status_code == 404
    assert add(client, stranger, person, other_photo).status_code == 404
    assert add(client, viewer, person, other_photo).status_code == 403
    assert client.delete(f"/v1/people/{person}/templates/{one['id']}", headers=viewer).status_code == 403
    assert len(templates(client, viewer, person)) == 1
