"""What a client does when the service is busy, away, or is none."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import anyio
import httpx2
import pytest

from mien.client import AsyncClient, Client, NoAnswer, Refused, WrongAnswer
from mien.client.tries import LONGEST_PAUSE

HEALTH = {"status": "ok", "version": "1"}
BUSY = {"type": "about:blank#busy", "title": "Busy", "status": 503, "detail": "Full.", "code": "busy", "cure": "Wait."}
PROBLEM = {"Content-Type": "application/problem+json"}
Answer = Callable[[httpx2.Request], httpx2.Response]


class Service:
    """Answers one thing after the other, the last one for ever; an error is raised."""

    def __init__(self, *answers: httpx2.Response | httpx2.TransportError) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        self.requests.append(request)
        one = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(one, httpx2.TransportError):
            raise one
        return one


def busy(seconds: str = "3", status: int = 503) -> httpx2.Response:
    return httpx2.Response(
        status, content=json.dumps(BUSY | {"status": status}), headers={"Retry-After": seconds, **PROBLEM}
    )


def fine() -> httpx2.Response:
    return httpx2.Response(200, json=HEALTH)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited; nobody waits in truth."""
    found: list[float] = []

    async def later(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr(time, "sleep", found.append)
    monkeypatch.setattr(anyio, "sleep", later)
    return found


def client(service: Service, patience: float = 30.0) -> Client:
    return Client("http://service.example", "mien_a_b", patience=patience, transport=httpx2.MockTransport(service))


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again_when_it_says(status: int, pauses: list[float]) -> None:
    service = Service(busy("3", status), busy("1", status), fine())
    assert client(service).get_live().version == "1"
    assert pauses == [3.0, 1.0] and len(service.requests) == 3


def test_patience_ends(pauses: list[float]) -> None:
    service = Service(busy("4"))
    with pytest.raises(Refused) as caught:
        client(service, patience=10).get_live()
    assert caught.value.code == "busy" and caught.value.cure == "Wait." and pauses == [4.0, 4.0]


def test_a_wait_that_is_too_long_is_not_begun(pauses: list[float]) -> None:
    with pytest.raises(Refused):
        client(Service(busy("3600"))).get_live()
    assert pauses == []


def test_without_a_time_the_pauses_grow(pauses: list[float]) -> None:
    with pytest.raises(NoAnswer):
        client(Service(httpx2.ReadError("broken"))).get_live()
    assert 0 < pauses[0] < 0.3 and max(pauses) <= LONGEST_PAUSE and sum(pauses) <= 30 and pauses[0] < pauses[-1]


def test_a_write_bears_one_key_at_all_tries(pauses: list[float]) -> None:
    made = {"id": "a", "account": "b", "name": "door", "role": "viewer"} | dict.fromkeys(
        ("created_at", "expires_at", "revoked_at", "last_used_at")
    )
    service = Service(
        httpx2.ReadError("broken"), busy("1", 409), httpx2.Response(201, json={"key": made, "text": "mien_c_d"})
    )
    own = client(service)
    assert own.add_key("door").text == "mien_c_d"
    keys = {one.headers["Idempotency-Key"] for one in service.requests}
    assert len(service.requests) == 3 and len(keys) == 1
    own.add_key("door")
    assert {one.headers["Idempotency-Key"] for one in service.requests} > keys


def test_a_conflict_that_does_not_pass_is_no_reason_to_wait(pauses: list[float]) -> None:
    answer = httpx2.Response(409, content=json.dumps(BUSY | {"status": 409, "code": "conflict"}), headers=PROBLEM)
    with pytest.raises(Refused):
        client(Service(answer)).add_key("door")
    assert pauses == []


def test_a_change_without_a_key_is_not_sent_twice(pauses: list[float]) -> None:
    service = Service(httpx2.ReadError("broken"))
    with pytest.raises(NoAnswer):
        client(service).remove_person("a" * 26)
    assert len(service.requests) == 1 and pauses == []


def test_what_was_never_sent_is_sent_again(pauses: list[float]) -> None:
    service = Service(httpx2.ConnectError("refused"), httpx2.Response(204))
    client(service).remove_account("a" * 26)
    assert len(service.requests) == 2


def test_redirects_are_not_followed() -> None:
    service = Service(httpx2.Response(307, headers={"Location": "https://elsewhere.example/"}))
    with pytest.raises(WrongAnswer, match="elsewhere"):
        client(service).get_live()
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(502, html="<h1>Bad gateway</h1>"),
        httpx2.Response(500, content=b"{", headers=PROBLEM),
        httpx2.Response(200, html="Welcome"),
        httpx2.Response(200, json={"status": "fine"}),
    ],
)
def test_what_is_no_service_of_ours(answer: httpx2.Response) -> None:
    with pytest.raises(WrongAnswer):
        client(Service(answer)).get_live()


def test_what_a_newer_service_adds_is_looked_past() -> None:
    assert client(Service(httpx2.Response(200, json=HEALTH | {"mood": "good"}))).get_live().version == "1"


def test_the_asynchronous_client_waits_alike(pauses: list[float]) -> None:
    service = Service(busy("3"), httpx2.ReadError("broken"), fine())

    async def run() -> None:
        transport = httpx2.MockTransport(service)
        async with AsyncClient("http://service.example", "mien_a_b", transport=transport) as own:
            assert (await own.get_live()).version == "1"

    anyio.run(run)
    assert pauses[0] == 3.0 and len(pauses) == 2


def test_the_key_goes_in_a_header() -> None:
    service = Service(fine())
    client(service).get_live()
    (request,) = service.requests
    assert request.headers["Authorization"] == "Bearer mien_a_b" and "mien_a_b" not in str(request.url)
