"""Idempotency keys: one answer for one request, however often it is sent."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from fastapi import Response
from fastapi.testclient import TestClient

from mien.server.caller import Caller, Role
from mien.server.errors import Conflict, StillWorking
from mien.server.service import Service
from mien.server.state.database import SECOND
from mien.server.state.idempotency import _Entry, idempotent, sweep

ONCE = {"Idempotency-Key": "0123456789abcdef-once"}
WHO = Caller("account", "a", "anna", Role.OPERATOR, "")
SAME = "00" * 32
Headers = dict[str, str]


class Work:
    """Counts how often it is done; raises where it is told to."""

    def __init__(self, error: Exception | None = None) -> None:
        self.done, self.error = 0, error
        self.ids: list[str] = []

    async def __call__(self, new: str) -> Response:
        self.done += 1
        self.ids.append(new)
        if self.error:
            raise self.error
        return Response(b"%d" % self.done, 201, {"ETag": '"1"', "X-Other": "x"}, "text/plain")


def ask(service: Service, work: Work, key: str | None = "k" * 16, same: str = SAME, who: Caller = WHO) -> Response:
    return asyncio.run(idempotent(service, who, key, same, work))


def test_the_same_request_is_done_once(service: Service) -> None:
    work = Work()
    first, second = ask(service, work), ask(service, work)
    assert work.done == 1 and first.body == second.body == b"1"
    assert (second.status_code, second.headers["etag"], second.headers["content-type"]) == (
        201, '"1"', "text/plain; charset=utf-8",
    )  # fmt: skip
    assert second.headers["idempotent-replayed"] == "true"


def test_without_a_key_it_is_done_each_time(service: Service) -> None:
    work = Work()
    ask(service, work, None)
    assert ask(service, work, None).body == b"2"


def test_another_request_with_the_key_is_refused(service: Service) -> None:
    work = Work()
    ask(service, work)
    with pytest.raises(Conflict):
        ask(service, work, same="11" * 32)


def test_a_key_is_one_callers_own(service: Service) -> None:
    work = Work()
    ask(service, work)
    ask(service, work, who=Caller("account", "b", "bert", Role.OPERATOR, ""))
    assert work.done == 2


def test_what_raised_is_tried_anew(service: Service) -> None:
    with pytest.raises(RuntimeError):
        ask(service, Work(RuntimeError()))
    assert ask(service, Work()).body == b"1"


def test_what_is_being_worked_on_is_not_done_twice(service: Service) -> None:
    begun = asyncio.Event()

    async def both() -> tuple[Response, type[Exception]]:
        async def slow(_: str) -> Response:
            begun.set()
            await asyncio.sleep(0.2)
            return Response(b"slow")

        first = asyncio.create_task(idempotent(service, WHO, "k" * 16, SAME, slow))
        await begun.wait()
        try:
            await idempotent(service, WHO, "k" * 16, SAME, Work())
        except Conflict as error:
            return await first, type(error)
        raise AssertionError

    answer, error = asyncio.run(both())
    assert answer.body == b"slow" and error is StillWorking


def cut_off(service: Service) -> None:
    """As if the process had been killed before the answer was kept."""
    with service.state.write() as writing:
        writing.execute("UPDATE answers SET runner = 'gone', status = NULL, headers = NULL, body = NULL")


def test_what_a_killed_process_left_is_done_anew_under_the_same_id(service: Service) -> None:
    work = Work()
    ask(service, work)
    cut_off(service)
    assert ask(service, work).body == b"2"
    ask(service, work, "other" * 4)
    assert work.ids[0] == work.ids[1] != work.ids[2]


def test_an_enrolment_that_was_cut_off_makes_nobody_twice(
    client: TestClient, service: Service, operator: Headers, face: bytes
) -> None:
    def enrol() -> Any:
        consent = {"given_by": "Anna", "purpose": "tests", "how": "a form"}
        person = {"person": json.dumps({"name": "Anna", "consent": consent})}
        said = client.post("/v1/people", headers=operator | ONCE, files={"photos": face}, data=person)
        assert said.status_code == 201, said.text
        return said.json()

    first = enrol()
    cut_off(service)
    again = enrol()
    assert again["person"]["id"] == first["person"]["id"] and again["person"]["n_templates"] == 1
    assert again["photos"][0]["code"] == "copy" and len(service.roll("")) == 1


def test_work_is_not_undone_by_being_cancelled(service: Service) -> None:
    """Work that has begun goes on: whoever sends it again meanwhile must not have it done twice."""

    async def cancelled() -> None:
        async def slow(_: str) -> Response:
            await asyncio.sleep(60)
            raise AssertionError

        task = asyncio.create_task(idempotent(service, WHO, "k" * 16, SAME, slow))
        await asyncio.sleep(0.2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(cancelled())
    with pytest.raises(StillWorking):
        ask(service, Work())


@pytest.mark.parametrize("path", ["/v1/keys", "/v1/accounts", "/v1/videos"])
def test_a_change_and_its_answer_are_kept_together(
    client: TestClient, service: Service, administrator: Headers, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """So that a kill between the two leaves neither."""

    def post() -> int:
        if path == "/v1/videos":
            kind = {"Content-Type": "video/mp4"}
            return client.post(path, content=b"video", headers=administrator | ONCE | kind).status_code
        return client.post(path, json={"name": "door"}, headers=administrator | ONCE).status_code

    def made() -> list[int]:
        tables = ("keys", "accounts", "jobs", "audit", "answers", "events")
        return [service.state.read(f"SELECT count(*) FROM {table}")[0][0] for table in tables]

    before = made()
    with monkeypatch.context() as patch:
        patch.setattr(_Entry, "keep", lambda *_: 1 / 0)
        assert post() == 500
    assert made() == before
    assert post() in (201, 202)
    after = made()
    assert post() in (201, 202) and made()[:3] == after[:3] != before[:3]


def test_answers_are_kept_for_a_day(service: Service) -> None:
    work = Work()
    ask(service, work)
    sweep(service.state)
    assert ask(service, work).body == b"1"
    with service.state.write() as writing:
        writing.execute("UPDATE answers SET at = at - ?", (25 * 3600 * SECOND,))
    sweep(service.state)
    assert ask(service, work).body == b"2"


def test_a_secret_in_an_answer_is_sealed(client: TestClient, service: Service, operator: Headers) -> None:
    body = {"name": "door"}
    first = client.post("/v1/keys", json=body, headers=operator | ONCE)
    again = client.post("/v1/keys", json=body, headers=operator | ONCE)
    assert first.json() == again.json() and again.headers["idempotent-replayed"] == "true"
    kept = repr(service.state.read("SELECT * FROM answers"))
    assert first.json()["text"] not in kept and ONCE["Idempotency-Key"] not in kept


def test_over_the_api(client: TestClient, administrator: Headers) -> None:
    first = client.post("/v1/accounts", json={"name": "anna"}, headers=administrator | ONCE)
    again = client.post("/v1/accounts", json={"name": "anna"}, headers=administrator | ONCE)
    assert first.status_code == again.status_code == 201 and first.json() == again.json()
    other: Any = client.post("/v1/accounts", json={"name": "bert"}, headers=administrator | ONCE)
    assert other.status_code == 409
    taken = {"Idempotency-Key": "fedcba9876543210"}
    refused = client.post("/v1/accounts", json={"name": "anna"}, headers=administrator | taken)
    assert refused.status_code == 409 and "anna" in refused.json()["detail"]


@pytest.mark.parametrize("key", ["short", "with a space in it", "x" * 201])
def test_odd_keys_are_refused(client: TestClient, administrator: Headers, key: str) -> None:
    answer = client.post("/v1/accounts", json={"name": "a"}, headers=administrator | {"Idempotency-Key": key})
    assert answer.status_code == 422
