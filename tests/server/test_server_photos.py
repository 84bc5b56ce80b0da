"""Photos in, answers out: as documented, as the command line has them, and to whom they may go."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel

from mien.analyze import Analyzer
from mien.compare import Comparer
from mien.gallery.people import Consent, Profile
from mien.image import encode_image
from mien.record import plain
from mien.server.schema.analysis import Analysis
from mien.server.schema.calibrations import Calibrations
from mien.server.schema.comparison import Comparison
from mien.server.schema.identification import Identifications
from mien.server.schema.models import Models
from mien.server.service import Service
from mien.server.state.audit import Wanted
from mien.server.turns import Line

Headers = Mapping[str, str]


@pytest.fixture(scope="session")
def face(astronaut: np.ndarray) -> bytes:
    """One face, as PNG."""
    return encode_image(astronaut, ".png")


@pytest.fixture(scope="session")
def nobody(coffee: np.ndarray) -> bytes:
    """No face, as JPEG."""
    return encode_image(coffee, ".jpg")


def ask(client: TestClient, address: str, headers: Headers, query: Any = None, **photos: bytes) -> Any:
    return client.post(address, headers=headers, params=query, files=photos)


def checked(model: type[BaseModel], answer: Any, status: int = 200) -> Any:
    """The content of an answer that is as the document says."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    model.model_validate_json(answer.content, strict=False)
    return answer.json()


def refused(answer: Any, status: int, code: str) -> Any:
    """The problem of an answer, which names a cure."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["status"]) == (code, status)
    return problem


def enrol(service: Service, name: str, photo: np.ndarray, tenant: str = "", groups: tuple[str, ...] = ()) -> str:
    consent = Consent(name, datetime.now(UTC), "tests", "a form")
    enrolled = service.gallery.enrol(Profile(name, tenant=tenant, groups=groups, consent=consent), [photo])
    assert enrolled.person_id, enrolled
    return enrolled.person_id


def test_an_analysis_is_what_the_library_says_without_the_large_arrays(
    client: TestClient, operator: Headers, analyzer: Analyzer, face: bytes
) -> None:
    found = checked(Analysis, ask(client, "/v1/analyze", operator, photo=face))
    expected = analyzer.analyze(face).to_dict()
    for one in expected["faces"]:
        del one["landmark"]["points"], one["landmark"]["irises"], one["embedding"]["vector"]
    assert found == expected and len(found["faces"]) == 1


def test_all_of_an_analysis_is_what_the_command_line_writes(
    client: TestClient, operator: Headers, analyzer: Analyzer, face: bytes
) -> None:
    answer = ask(client, "/v1/analyze", operator, {"points": "true", "vectors": "true"}, photo=face)
    assert checked(Analysis, answer) == analyzer.analyze(face).to_dict()
    # The command's own schema and the document's agree on what there is.
    schema = json.loads((Path(__file__).parents[2] / "docs" / "analysis.schema.json").read_text(encoding="utf-8"))
    jsonschema = pytest.importorskip("jsonschema", reason="needs jsonschema")
    part = {"$ref": "#/$defs/analysis", "$defs": schema["$defs"]}
    jsonschema.validate(answer.json(), part)


def test_stages_are_what_was_asked_for(client: TestClient, operator: Headers, face: bytes) -> None:
    one = checked(Analysis, ask(client, "/v1/analyze", operator, {"stages": ["quality", "embed"]}, photo=face))
    assert {name: value.get("status") for name, value in one["faces"][0].items() if name != "detection"} == {
        "landmark": "ok",
        "quality": "ok",
        "embedding": "ok",
        "expression": "not_asked",
    }
    refused(ask(client, "/v1/analyze", operator, {"stages": "mind"}, photo=face), 422, "invalid")


def test_no_face_is_an_empty_list(client: TestClient, operator: Headers, nobody: bytes) -> None:
    found = checked(Analysis, ask(client, "/v1/analyze", operator, photo=nobody))
    assert found == {"width": 600, "height": 400, "faces": []}


@pytest.mark.parametrize("address", ["/v1/analyze", "/v1/identify"])
def test_what_is_no_photo_is_refused_with_a_cure(
    client: TestClient, operator: Headers, service: Service, astronaut: np.ndarray, face: bytes, address: str
) -> None:
    enrol(service, "Eileen", astronaut)
    for content, code in (
        (b"", "image-empty"),
        (b"GET / HTTP/1.1", "image-format"),
        (face[: len(face) // 2], "image-truncated"),
        (face[:100] + b"\0" * 100 + face[200:], "image-corrupt"),
    ):
        assert refused(ask(client, address, operator, photo=content), 422, code)["detail"]


def test_a_bomb_is_refused_by_its_header(client: TestClient, operator: Headers, service: Service) -> None:
    # A PNG that says that it is 20,000 x 20,000 pixels.
    def chunk(name: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")

    head = chunk(b"IHDR", (20_000).to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0")
    photo = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    problem = refused(ask(client, "/v1/analyze", operator, photo=photo), 413, "image-too-large")
    assert "photo_pixels" in problem["cure"]
    assert f"{service.config.photo_pixels:,}" in problem["detail"]


def test_forms_are_checked(client: TestClient, operator: Headers, face: bytes) -> None:
    problem = refused(ask(client, "/v1/analyze", operator, image=face), 422, "invalid")
    assert "photo" in problem["cure"]
    refused(client.post("/v1/analyze", headers=operator, content=face), 415, "wrong-kind")
    refused(client.post("/v1/analyze", headers=operator, json={"photo": "x"}), 415, "wrong-kind")
    refused(ask(client, "/v1/compare", operator, first=face), 422, "invalid")
    large = b"\0" * 20_000_001
    refused(ask(client, "/v1/analyze", operator, photo=large), 413, "too-large")


def test_a_full_queue_is_said_at_once_and_stops_nobody_from_reading(
    client: TestClient, operator: Headers, service: Service, face: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.inference, "_line", Line(0))
    for address, fields in (("analyze", ("photo",)), ("compare", ("first", "second"))):
        answer = ask(client, f"/v1/{address}", operator, **dict.fromkeys(fields, face))
        assert refused(answer, 503, "busy")["cure"] and int(answer.headers["retry-after"]) >= 1
    assert client.get("/v1/people", headers=operator).status_code == 200
    assert service.inference.room.taken == 0


def test_viewers_and_strangers_may_not(client: TestClient, viewer: Headers, face: bytes) -> None:
    for address, fields in (("analyze", ("photo",)), ("identify", ("photo",)), ("compare", ("first", "second"))):
        photos = dict.fromkeys(fields, face)
        refused(ask(client, f"/v1/{address}", viewer, **photos), 403, "not-allowed")
        refused(ask(client, f"/v1/{address}", {}, **photos), 401, "not-logged-in")


def test_a_comparison_is_what_the_library_says(
    client: TestClient, operator: Headers, analyzer: Analyzer, face: bytes, nobody: bytes
) -> None:
    found = checked(Comparison, ask(client, "/v1/compare", operator, first=face, second=face))
    assert found["decision"] == plain(Comparer(analyzer)(face, face).decision)
    assert found["decision"]["answer"] == "match" and found["first_face"] == 0
    assert found["first"]["faces"][0]["detection"]["box"]["width"] > 0
    none = checked(Comparison, ask(client, "/v1/compare", operator, first=face, second=nobody))
    assert (none["decision"]["answer"], none["second_face"]) == ("inconclusive", None)


def test_a_comparison_is_at_the_rate_asked_for_or_preferred(
    client: TestClient, operator: Headers, service: Service, face: bytes
) -> None:
    def rate(query: Any = None) -> float:
        found = checked(Comparison, ask(client, "/v1/compare", operator, query, first=face, second=face))
        return float(found["decision"]["asked_fmr"])

    assert rate() == 1e-4
    service.preferences.change("", None, {"fmr": 0.01})
    assert rate() == 0.01
    assert rate({"fmr": 0.001}) == 0.001
    small = ask(client, "/v1/compare", operator, {"fmr": 1e-13}, first=face, second=face)
    assert "even extrapolated" in refused(small, 422, "calibration")["detail"]
    refused(ask(client, "/v1/compare", operator, {"fmr": 2}, first=face, second=face), 422, "invalid")


def test_the_curve_holds_every_score(client: TestClient, viewer: Headers, operator: Headers, face: bytes) -> None:
    curves = checked(Calibrations, client.get("/v1/calibrations", headers=viewer))["items"]
    found = checked(Comparison, ask(client, "/v1/compare", operator, first=face, second=face))["decision"]
    (own,) = [one for one in curves if one["id"] == found["calibration_id"]]
    scores = [point["score"] for point in own["curve"]]
    assert scores == sorted(scores) and scores[0] == -1 and own["n_pairs"] > 1_000_000


def test_models_are_those_in_use(client: TestClient, viewer: Headers, analyzer: Analyzer) -> None:
    items = checked(Models, client.get("/v1/models", headers=viewer))["items"]
    assert {one["task"] for one in items} >= {"detect", "landmark", "embed", "expression"}
    assert analyzer.embedding_model in {one["used_as"] for one in items}
    assert all(one["license"] and len(one["sha256"]) == 64 for one in items)


def test_whom_a_photo_shows_is_said_and_noted(
    client: TestClient, operator: Headers, service: Service, astronaut: np.ndarray, face: bytes, nobody: bytes
) -> None:
    known = enrol(service, "Eileen", astronaut)
    query = {"why": "a visitor at the door", "fpir": 0.05}
    (found,) = checked(Identifications, ask(client, "/v1/identify", operator, query, photo=face))["faces"]
    assert found["person"] == {"id": known, "name": "Eileen"} and found["answer"] == "person"
    assert found["identification"]["asked_fpir"] == 0.05
    entry = service.audit.entries(Wanted(action="identify_photo"))[0]
    assert (entry.subject, entry.why) == (known, "a visitor at the door")
    assert "Eileen" not in entry.to_json()
    assert checked(Identifications, ask(client, "/v1/identify", operator, photo=nobody)) == {"faces": []}
    assert service.audit.entries(Wanted(action="identify_photo"))[0].subject is None


def test_nobody_of_another_tenant_is_found(
    client: TestClient, operator: Headers, stranger: Headers, service: Service, astronaut: np.ndarray, face: bytes
) -> None:
    refused(ask(client, "/v1/identify", operator, photo=face), 422, "invalid")
    enrol(service, "Eileen", astronaut)
    # The other tenant has nobody, whatever this one has.
    problem = refused(ask(client, "/v1/identify", stranger, photo=face), 422, "invalid")
    assert "nobody" in problem["detail"]
    refused(ask(client, "/v1/identify", operator, {"groups": "night"}, photo=face), 422, "invalid")


def test_a_reason_is_demanded_where_the_preferences_say_so(
    client: TestClient, operator: Headers, service: Service, astronaut: np.ndarray, face: bytes
) -> None:
    enrol(service, "Eileen", astronaut)
    service.preferences.change("", None, {"why_required": True})
    assert "why" in refused(ask(client, "/v1/identify", operator, {"why": " "}, photo=face), 422, "invalid")["detail"]
    checked(Identifications, ask(client, "/v1/identify", operator, {"why": "a delivery"}, photo=face))


def test_a_rate_out_of_reach_is_named_with_the_smallest_in_reach(
    client: TestClient, operator: Headers, service: Service, astronaut: np.ndarray, face: bytes
) -> None:
    enrol(service, "Eileen", astronaut)
    small = refused(ask(client, "/v1/identify", operator, {"fpir": 1e-13}, photo=face), 422, "calibration")
    assert small["cure"].startswith("Ask for ")
