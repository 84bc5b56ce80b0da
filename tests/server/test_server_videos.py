"""Videos over HTTP: upload, progress, results, refusals."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from tests.server.videos_to_send import UPLOAD, ended, film, send, until

from mien.decide.calibration import CalibrationError
from mien.gallery.enrol import Allow
from mien.gallery.gallery import Consent, Profile
from mien.record import plain
from mien.server.config import ServerConfig
from mien.server.jobs import upload
from mien.server.retention import sweep
from mien.server.schema.videos import Job, VideoResult
from mien.server.service import Service
from mien.server.state.audit import Wanted
from mien.server.state.jobs import Asked

pytest.importorskip("av", reason="needs PyAV, which the extra `video` brings")

ANNA = json.dumps({"name": "Anna", "consent": {"given_by": "Anna", "purpose": "a test", "how": "a form"}})
KINDS = ("result", "report", "events", "table", "subtitles", "annotated")


@pytest.fixture
def clip(tmp_path: Path, astronaut: np.ndarray) -> bytes:
    return film(tmp_path / "clip.mp4", astronaut)


def test_a_video_is_worked_on_and_its_results_are_there(
    client: TestClient, operator: dict[str, str], viewer: dict[str, str], clip: bytes, service: Service
) -> None:
    job = send(client, operator, clip, name="../walk.mp4")
    assert (job["name"], job["bytes"], job["annotate"]) == ("walk.mp4", len(clip), True)
    done = ended(client, viewer, job["id"])
    assert (done["state"], done["progress"], done["frames"], done["tries"]) == ("done", 1.0, 25, 1)
    Job.model_validate(done)
    answers = {kind: client.get(f"/v1/videos/{job['id']}/{kind}", headers=viewer) for kind in KINDS}
    assert {answer.status_code for answer in answers.values()} == {200}
    result = answers["result"].json()
    VideoResult.model_validate(result)
    assert [track["track"] for track in result["summary"]["tracks"]] == [1]
    assert result["summary"]["source"]["name"] == "walk.mp4"
    assert "track_start" in {event["kind"] for event in result["events"]}
    assert max(value for value in result["people"]["values"]["people"] if value is not None) == 1
    assert "neutral" in result["timelines"][0]["values"]
    records = [json.loads(line) for line in answers["events"].text.splitlines()]
    assert (records[0]["kind"], records[-1]["kind"]) == ("run", "summary")
    assert answers["subtitles"].text.startswith("WEBVTT") and answers["table"].text.startswith("time_seconds,")
    assert str(service.config.state_dir) not in answers["report"].text + answers["events"].text
    until(lambda: not service.jobs.folders.upload(job["id"]).exists())


def test_the_report_is_shut_in_and_downloads_have_names(
    client: TestClient, operator: dict[str, str], clip: bytes
) -> None:
    job = send(client, operator, clip, name="Ä walk.mov", stages=["landmark"], annotate=False)
    ended(client, operator, job["id"])
    report = client.get(f"/v1/videos/{job['id']}/report", headers=operator)
    assert report.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert report.headers["x-frame-options"] == "SAMEORIGIN"
    assert "content-disposition" not in report.headers
    table = client.get(f"/v1/videos/{job['id']}/table", params={"download": True}, headers=operator)
    assert table.headers["content-disposition"] == "attachment; filename*=utf-8''%C3%84%20walk.csv"
    missing = client.get(f"/v1/videos/{job['id']}/annotated", headers=operator)
    assert (missing.status_code, missing.json()["code"]) == (404, "not-found")


def test_the_annotated_video_comes_in_parts(
    client: TestClient, operator: dict[str, str], viewer: dict[str, str], clip: bytes, service: Service
) -> None:
    job = send(client, operator, clip, stages=["landmark"])
    ended(client, operator, job["id"])
    address = f"/v1/videos/{job['id']}/annotated"
    whole = client.get(address, headers=operator)
    part = client.get(address, headers=operator | {"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole.content[10:20])

    def read() -> list[tuple[str, object]]:
        found = service.audit.entries(Wanted(action="read_video", subject=job["id"]))
        return [(one.actor, one.detail["kind"]) for one in reversed(found)]

    # Whoever watches asks for it piece by piece, and is on record once.
    me = client.get("/v1/session", headers=operator).json()["id"]
    assert read() == [(me, "annotated")]
    # Whoever leaves out the first byte has seen it all the same.
    client.get(f"/v1/videos/{job['id']}/table", headers=viewer)
    for _ in range(2):
        assert client.get(address, headers=viewer | {"Range": "bytes=1-"}).status_code == 206
    assert [kind for actor, kind in read() if actor != me] == ["table", "annotated"]
    beyond = client.get(address, headers=operator | {"Range": f"bytes={len(whole.content)}-"})
    assert (beyond.status_code, beyond.headers["content-type"]) == (416, "application/problem+json")


def test_what_is_no_video_fails_with_cause_and_cure_and_without_our_paths(
    client: TestClient, operator: dict[str, str], service: Service
) -> None:
    job = send(client, operator, b"no video at all" * 100, name="thing.mp4")
    failed = ended(client, operator, job["id"])
    assert (failed["state"], failed["trouble"]["code"]) == ("failed", "video-format")
    assert "thing.mp4" in failed["trouble"]["cause"] and failed["trouble"]["cure"]
    assert str(service.config.state_dir) not in json.dumps(failed)
    answer = client.get(f"/v1/videos/{job['id']}/result", headers=operator)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    until(lambda: not service.jobs.folders.upload(job["id"]).exists())


def test_a_reason_is_kept_and_demanded_where_the_preferences_say_so(
    client: TestClient, operator: dict[str, str], service: Service
) -> None:
    service.preferences.change("", None, {"why_required": True})
    answers = [
        client.post("/v1/videos", params=query, content=b"no video", headers=operator | UPLOAD)
        for query in ({"identify": True}, {"identify": True, "why": "Lost badge"}, {})
    ]
    assert [answer.status_code for answer in answers] == [422, 202, 202]
    assert "A reason is asked for" in answers[0].json()["detail"]
    found = [entry.why for entry in service.audit.entries(Wanted(action="add_video"))]
    assert found == ["", "Lost badge"]


def test_uploads_are_refused_before_and_while_they_are_read(
    client: TestClient, operator: dict[str, str], viewer: dict[str, str], service: Service
) -> None:
    cases = [
        (operator | {"Content-Type": "image/png"}, b"x", {}, 415, "wrong-kind"),
        (operator | UPLOAD, b"", {}, 422, "invalid"),
        (viewer | UPLOAD, b"x", {}, 403, "not-allowed"),
        (UPLOAD, b"x", {}, 401, "not-logged-in"),
        (operator | UPLOAD, b"x", {"stages": ["nose"]}, 422, "invalid"),
        (operator | UPLOAD, b"x", {"stages": ["landmark"], "identify": True}, 422, "invalid"),
    ]
    for headers, body, query, status, code in cases:
        answer = client.post("/v1/videos", params=query, content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert service.jobs.records.known() == set()
    assert list((service.state.folder / "jobs").iterdir()) == []


class TestSmall:
    @pytest.fixture
    def config(self, tmp_path: Path) -> ServerConfig:
        return ServerConfig(state_dir=tmp_path / "server", requests_per_minute=100_000, video_bytes=1000)

    @pytest.mark.parametrize("announced", [True, False])
    def test_too_many_bytes(
        self, client: TestClient, operator: dict[str, str], service: Service, announced: bool
    ) -> None:
        body: Any = b"x" * 1001 if announced else (b"x" * 100 for _ in range(11))
        answer = client.post("/v1/videos", content=body, headers=operator | UPLOAD)
        assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
        assert list((service.state.folder / "jobs").iterdir()) == []


def test_a_gallery_that_supports_no_rate_keeps_nobody_from_videos_without_people(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise CalibrationError("This rate is out of reach.")

    monkeypatch.setattr(service.gallery, "identify_vectors", unsupported)
    assert service.networks.analyzer(Asked(("landmark",)), "").gallery is None
    with pytest.raises(CalibrationError):
        service.networks.analyzer(Asked(identify=True), "")


def test_a_full_disk_refuses_uploads(
    client: TestClient, operator: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "SPARE_BYTES", 1 << 60)
    answer = client.post("/v1/videos", content=b"x", headers=operator | UPLOAD)
    assert (answer.status_code, answer.json()["code"]) == (507, "disk-full")


def test_the_same_request_twice_is_one_job(client: TestClient, operator: dict[str, str], service: Service) -> None:
    headers = operator | {"Idempotency-Key": "once-and-no-more-than-that"}
    first, again = (send(client, headers, b"not a video") for _ in range(2))
    assert first["id"] == again["id"]
    other = client.post("/v1/videos", content=b"another", headers=headers | UPLOAD)
    assert other.status_code == 409
    assert service.jobs.records.known() == {first["id"]}
    assert {path.name for path in (service.state.folder / "jobs").iterdir()} == {first["id"]}


def test_jobs_are_listed_by_pages_and_belong_to_their_tenant(
    client: TestClient, operator: dict[str, str], stranger: dict[str, str]
) -> None:
    sent = [send(client, operator, b"not a video %d" % number)["id"] for number in range(3)]
    first = client.get("/v1/videos", params={"limit": 2}, headers=operator).json()
    rest = client.get("/v1/videos", params={"limit": 2, "cursor": first["next"]}, headers=operator).json()
    assert [job["id"] for job in first["items"] + rest["items"]] == sent[::-1] and rest["next"] is None
    assert client.get("/v1/videos", headers=stranger).json()["items"] == []
    for method, end in [("GET", ""), ("POST", "/cancel"), ("DELETE", ""), *(("GET", f"/{kind}") for kind in KINDS)]:
        answer = client.request(method, f"/v1/videos/{sent[0]}{end}", headers=stranger)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), end


def test_a_job_that_runs_is_cancelled_or_removed(
    client: TestClient, operator: dict[str, str], tmp_path: Path, astronaut: np.ndarray, service: Service
) -> None:
    long = film(tmp_path / "long.mp4", astronaut, 1500)
    for way in ("cancel", "remove"):
        job = send(client, operator, long)["id"]
        until(lambda job=job: client.get(f"/v1/videos/{job}", headers=operator).json()["frames"] > 0)
        if way == "cancel":
            assert client.post(f"/v1/videos/{job}/cancel", headers=operator).json()["cancel_asked"]
            assert ended(client, operator, job)["state"] == "cancelled"
            until(lambda job=job: not service.jobs.folders.upload(job).exists())
        else:
            assert client.delete(f"/v1/videos/{job}", headers=operator).status_code == 204
            assert client.get(f"/v1/videos/{job}", headers=operator).status_code == 404
            until(lambda job=job: not (service.state.folder / "jobs" / job).exists())
            until(lambda job=job: job not in service.jobs.records.known())


def test_people_are_recognised_among_the_tenants_own_and_it_is_on_record(
    client: TestClient,
    operator: dict[str, str],
    stranger: dict[str, str],
    clip: bytes,
    astronaut: np.ndarray,
    service: Service,
) -> None:
    consent = Consent("Eileen", datetime.now(UTC), "a test", "a form")
    person = service.gallery.enrol(Profile("Eileen", consent=consent), [astronaut]).person_id
    assert person
    ours, theirs = (send(client, who, clip, identify=True, annotate=False)["id"] for who in (operator, stranger))
    found = []
    for who, job in ((operator, ours), (stranger, theirs)):
        assert ended(client, who, job)["state"] == "done"
        result = client.get(f"/v1/videos/{job}/result", headers=who).json()
        found.append(result["summary"]["tracks"][0]["identity"]["person_id"])
    assert found == [person, None]
    entries = [entry for entry in service.audit.entries() if entry.action == "identify"]
    assert [(entry.subject, entry.detail["job"], entry.detail["answer"]) for entry in entries] == [
        (person, ours, "person")
    ]
    assert "Eileen" not in json.dumps([plain(entry.detail) for entry in service.audit.entries()])


def enrolled(service: Service, photo: np.ndarray, name: str = "Eileen") -> str:
    consent = Consent(name, datetime.now(UTC), "a test", "a form")
    person = service.gallery.enrol(Profile(name, consent=consent), [photo], Allow(duplicate=True)).person_id
    assert person
    return person


def results_of(service: Service) -> list[Path]:
    return sorted((service.state.folder / "jobs").glob("*/result/*"))


def test_results_that_name_somebody_go_when_the_person_goes(
    client: TestClient, operator: dict[str, str], clip: bytes, astronaut: np.ndarray, service: Service
) -> None:
    person = enrolled(service, astronaut)
    named = send(client, operator, clip, identify=True)["id"]
    other = send(client, operator, clip, annotate=False)["id"]
    for job in (named, other):
        assert ended(client, operator, job)["state"] == "done"
    assert {path.stat().st_mode & 0o777 for path in results_of(service)} == {0o600}
    assert "Eileen" in client.get(f"/v1/videos/{named}/table", headers=operator).text
    answer = client.delete(f"/v1/people/{person}", headers=operator)
    assert (answer.status_code, answer.json()["videos"]) == (200, 1)
    assert {path.parent.parent.name for path in results_of(service)} == {other}
    after = client.get(f"/v1/videos/{named}", headers=operator).json()
    assert (after["state"], after["trouble"]["code"]) == ("failed", "result-removed")
    for kind in KINDS:
        refused = client.get(f"/v1/videos/{named}/{kind}", headers=operator)
        assert refused.status_code == 409 and "was removed" in refused.json()["detail"]
    assert client.get(f"/v1/videos/{other}/result", headers=operator).status_code == 200
    entries = service.audit.entries(Wanted(action="remove_result"))
    assert [(entry.subject, entry.detail) for entry in entries] == [(named, {"person": person})]
    assert service.audit.entries(Wanted(action="remove_person"))[0].detail["videos"] == 1


def test_so_do_results_whose_reasons_alone_name_somebody(
    client: TestClient, operator: dict[str, str], clip: bytes, astronaut: np.ndarray, service: Service
) -> None:
    """Two records of one face: whose it is cannot be said, but between whom it cannot."""
    people = {enrolled(service, astronaut), enrolled(service, astronaut, "Collins")}
    job = send(client, operator, clip, identify=True, annotate=False)["id"]
    assert ended(client, operator, job)["state"] == "done"
    assert "Collins" in client.get(f"/v1/videos/{job}/result", headers=operator).text
    entries = service.audit.entries(Wanted(action="identify"))
    assert {(entry.subject, entry.detail["answer"]) for entry in entries} == {(one, "candidate") for one in people}
    assert client.delete(f"/v1/people/{people.pop()}", headers=operator).json()["videos"] == 1
    assert results_of(service) == []


def test_a_removal_that_the_service_missed_is_made_good(
    client: TestClient, operator: dict[str, str], clip: bytes, astronaut: np.ndarray, service: Service
) -> None:
    """It was killed in between, or the person was removed by `mien gallery remove`."""
    person = enrolled(service, astronaut)
    job = send(client, operator, clip, identify=True, annotate=False)["id"]
    assert ended(client, operator, job)["state"] == "done"
    service.gallery.remove(person)
    assert client.get(f"/v1/videos/{job}/report", headers=operator).status_code == 409
    sweep(service)
    assert results_of(service) == []
    assert client.get(f"/v1/videos/{job}", headers=operator).json()["trouble"]["code"] == "result-removed"
    assert [entry.kind for entry in service.audit.entries(Wanted(action="remove_result"))] == ["machine"]


def test_somebody_removed_while_the_video_ran_is_not_named_afterwards(
    client: TestClient,
    operator: dict[str, str],
    clip: bytes,
    astronaut: np.ndarray,
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    person = enrolled(service, astronaut)
    publish = service.jobs.folders.publish

    def slowly(job_id: str, partial: Path) -> None:
        answer = client.delete(f"/v1/people/{person}", headers=operator)
        assert (answer.status_code, answer.json()["videos"]) == (200, 0)
        publish(job_id, partial)

    monkeypatch.setattr(service.jobs.folders, "publish", slowly)
    job = send(client, operator, clip, identify=True, annotate=False)["id"]
    until(lambda: client.get(f"/v1/videos/{job}", headers=operator).json()["state"] == "failed")
    until(lambda: results_of(service) == [])


def test_results_of_two_who_were_one_stay_until_the_one_goes(
    client: TestClient, operator: dict[str, str], clip: bytes, astronaut: np.ndarray, service: Service
) -> None:
    person = enrolled(service, astronaut)
    job = send(client, operator, clip, identify=True, annotate=False)["id"]
    assert ended(client, operator, job)["state"] == "done"
    into = client.post("/v1/people", headers=operator, files={"person": (None, ANNA, "application/json")}).json()
    into_id = into["person"]["id"]
    merged = client.post(f"/v1/people/{person}/merge", json={"into": into_id}, headers=operator)
    assert merged.status_code == 200, merged.text
    sweep(service)
    assert client.get(f"/v1/videos/{job}/result", headers=operator).status_code == 200
    assert client.delete(f"/v1/people/{into_id}", headers=operator).json()["videos"] == 1
    assert results_of(service) == []
