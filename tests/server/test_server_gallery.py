"""The gallery as a whole, over HTTP: its size, its dial, what the doctor finds; each tenant its own."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from mien.gallery.people import Consent, Profile, Template
from mien.gallery.search.labels import Filter
from mien.server.schema.gallery import Dial, Findings, GalleryInfo
from mien.server.service import Service

Headers = Mapping[str, str]


def consent(until: datetime | None = None) -> Consent:
    return Consent("Anna", datetime.now(UTC) - timedelta(days=1), "tests", "a form", until)


def enrol(service: Service, n: int, tenant: str = "", until: datetime | None = None) -> list[str]:
    """People with made-up vectors."""
    random = np.random.default_rng(len(tenant) + n)
    vectors = random.standard_normal((n, service.gallery.info.dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    now = datetime.now(UTC)
    return service.gallery.add_people(
        (Profile(f"{tenant} {i}", tenant=tenant, consent=consent(until)), [Template(row, 80.0, "made up", now)])
        for i, row in enumerate(vectors)
    )


def read(client: TestClient, headers: Headers, path: str, model: Any, **query: Any) -> Any:
    answer = client.get(f"/v1/gallery{path}", headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    return model.model_validate_json(answer.content)


def test_counts_are_the_tenants(client: TestClient, viewer: Headers, stranger: Headers, service: Service) -> None:
    enrol(service, 3)
    enrol(service, 2, "north")
    own, other = (read(client, headers, "", GalleryInfo) for headers in (viewer, stranger))
    assert (own.n_people, own.n_templates, other.n_people) == (3, 3, 2)
    assert own.model == service.analyzer.embedding_model and own.policy.keep_crops


def test_people_whose_consent_ran_out_are_counted(client: TestClient, viewer: Headers, service: Service) -> None:
    enrol(service, 2)
    enrol(service, 1, until=datetime.now(UTC) + timedelta(milliseconds=50))
    assert read(client, viewer, "", GalleryInfo).n_people == 3
    for _ in range(200):
        if read(client, viewer, "", GalleryInfo).n_expired:
            break
    assert read(client, viewer, "", GalleryInfo).n_expired == 1


def test_the_dial_turns_with_the_size_of_the_gallery(client: TestClient, viewer: Headers, service: Service) -> None:
    empty = read(client, viewer, "/dial", Dial)
    assert empty.n_people == 0 and empty.smallest_fpir is None
    assert not any(point.supported for point in empty.points) and "nobody" in empty.points[0].meaning
    enrol(service, 1)
    few = read(client, viewer, "/dial", Dial, fpir=[0.1, 0.01, 1e-13])
    enrol(service, 29)
    many = read(client, viewer, "/dial", Dial, fpir=[0.1, 0.01, 1e-13])
    assert [point.fpir for point in many.points] == [0.1, 0.01, 1e-13]
    assert [point.supported for point in many.points] == [True, True, False]
    for less, more in zip(few.points[:2], many.points[:2], strict=True):
        assert less.threshold is not None and more.threshold is not None and less.threshold < more.threshold
    assert many.points[1].per_1000 == 10 and "30 people" in many.points[1].meaning
    rates = service.gallery.rates(Filter(""))
    assert rates is not None and many.smallest_fpir == pytest.approx(rates.smallest_fpir)
    assert many.points[1].threshold == pytest.approx(rates.threshold(0.01), rel=1e-6)
    assert client.get("/v1/gallery/dial", headers=viewer, params={"fpir": 1}).status_code == 422


def test_the_dial_is_the_tenants(client: TestClient, viewer: Headers, stranger: Headers, service: Service) -> None:
    enrol(service, 30)
    enrol(service, 1, "north")
    own, other = (read(client, headers, "/dial", Dial, fpir=0.01) for headers in (viewer, stranger))
    assert (own.n_people, other.n_people) == (30, 1)
    assert other.points[0].threshold < own.points[0].threshold


def test_findings_are_the_tenants(
    client: TestClient, operator: Headers, viewer: Headers, stranger: Headers, service: Service
) -> None:
    enrol(service, 3)
    now = datetime.now(UTC)
    vector = np.eye(service.gallery.info.dim, dtype=np.float32)[0]
    twins = [(Profile(name, consent=consent()), [Template(vector, 80.0, "made up", now)]) for name in ("Anna", "Bea")]
    alien = (Profile("Cleo", tenant="north", consent=consent()), [Template(vector, 20.0, "made up", now)])
    one, two, other = service.gallery.add_people([*twins, alien])
    found = read(client, operator, "/findings", Findings)
    assert [finding.kind for finding in found.findings] == ["duplicate_person"]
    assert found.names == {one: "Anna", two: "Bea"} and "Anna" in found.findings[0].reason
    elsewhere = read(client, stranger, "/findings", Findings)
    assert [(finding.kind, finding.person_id) for finding in elsewhere.findings] == [("low_quality", other)]
    assert client.get("/v1/gallery/findings", headers=viewer).status_code == 403


def test_a_tenants_doctor_looks_once_at_a_time(
    client: TestClient,
    operator: Headers,
    administrator: Headers,
    stranger: Headers,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It takes a core for seconds: nobody keeps every worker with it."""
    begun, may_end = threading.Event(), threading.Event()

    def examine(keep: Filter) -> tuple[()]:
        if keep.tenant == "":
            begun.set()
            assert may_end.wait(60)
        return ()

    monkeypatch.setattr(service.gallery, "examine", examine)
    with ThreadPoolExecutor(1) as beside:
        first = beside.submit(client.get, "/v1/gallery/findings", headers=operator)
        assert begun.wait(60)
        refused = client.get("/v1/gallery/findings", headers=administrator)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert client.get("/v1/gallery/findings", headers=stranger).status_code == 200
        may_end.set()
        assert first.result().status_code == 200
    assert client.get("/v1/gallery/findings", headers=administrator).status_code == 200
