""" "Not this person", over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from mien.gallery.gallery import Gallery, GalleryPolicy
from mien.gallery.people import Consent, Profile, Template
from mien.image import encode_image
from mien.server.schema import people as wire
from mien.server.service import Service
from mien.settings import Settings

Headers = Mapping[str, str]


@pytest.fixture
def own_settings(own_settings: Settings, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """On a gallery that keeps answers."""
    settings = own_settings.model_copy(update={"gallery": str(tmp_path / "remembering")})
    Gallery.create(None, GalleryPolicy(keep_answers_days=7), settings).close()
    return settings


@pytest.fixture
def double(service: Service, face: bytes) -> str:
    """Somebody who looks like the photo and is not the one it shows: a template close to it."""
    vector = service.analyzer.analyze(face).faces[0].embedding.vector  # type: ignore[union-attr]
    turned = vector + 0.5 * np.roll(vector, 1)
    turned = np.asarray(turned / np.linalg.norm(turned), np.float32)
    consent: Consent = wire.ConsentIn(given_by="D", purpose="tests", how="a form").record()
    template = Template(turned, 80.0, "made up", consent.given_at)
    return service.gallery.add_people([(Profile("Double", consent=consent), [template])])[0]


def correct(client: TestClient, headers: Headers, person: str, photo: bytes, **query: Any) -> Any:
    return client.post(f"/v1/people/{person}/corrections", headers=headers, files={"photo": photo}, params=query)


def identified(client: TestClient, headers: Headers, photo: bytes) -> str | None:
    answer = client.post("/v1/identify", headers=headers, files={"photo": photo}, params={"fpir": 0.1})
    assert answer.status_code == 200, answer.text
    person = answer.json()["faces"][0]["person"]
    return person["id"] if person else None


def test_a_correction_is_tried_stored_and_taken_back(
    client: TestClient, operator: Headers, service: Service, double: str, face: bytes
) -> None:
    assert identified(client, operator, face) == double
    tried = correct(client, operator, double, face, dry_run=True)
    found = wire.CorrectionAnswer.model_validate_json(tried.content)
    assert tried.status_code == 200 and not found.stored and found.answers_kept_days == 7
    assert [(one.was, one.person_id) for one in found.changes] == [(double, None)]
    assert identified(client, operator, face) == double

    stored = wire.CorrectionAnswer.model_validate_json(correct(client, operator, double, face).content)
    assert stored.stored and stored.correction and stored.correction.by
    assert identified(client, operator, face) is None
    listed = client.get(f"/v1/people/{double}/corrections", headers=operator)
    assert [one.id for one in wire.Corrections.model_validate_json(listed.content).items] == [stored.correction.id]

    address = f"/v1/people/{double}/corrections/{stored.correction.id}"
    assert client.delete(address, headers=operator).status_code == 204
    assert identified(client, operator, face) == double
    assert client.delete(address, headers=operator).status_code == 404


def test_a_photo_that_is_the_persons_own_or_shows_nobody_is_refused(
    client: TestClient, operator: Headers, service: Service, astronaut: np.ndarray, face: bytes, coffee: np.ndarray
) -> None:
    consent = wire.ConsentIn(given_by="E", purpose="tests", how="a form").record()
    person = service.gallery.enrol(Profile("Eileen", consent=consent), [astronaut]).person_id
    assert person
    for photo in (face, encode_image(coffee, ".png")):
        answer = correct(client, operator, person, photo)
        assert (answer.status_code, answer.json()["code"]) == (422, "enrolment-refused")


def test_corrections_stay_with_their_tenant(
    client: TestClient,
    operator: Headers,
    stranger: Headers,
    viewer: Headers,
    service: Service,
    double: str,
    face: bytes,
) -> None:
    assert correct(client, stranger, double, face).status_code == 404
    assert correct(client, stranger, double, face, dry_run=True).status_code == 404
    assert client.get(f"/v1/people/{double}/corrections", headers=stranger).status_code == 404
    assert client.delete(f"/v1/people/{double}/corrections/1", headers=stranger).status_code == 404
    assert correct(client, viewer, double, face).status_code == 403
