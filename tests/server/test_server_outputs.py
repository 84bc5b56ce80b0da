"""Events to web servers and brokers: in order, at least once, over restarts."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.server.videos_to_send import until
from tests.video.local_servers import Broker, WebServer, way_to_this_machine

from mien.errors import SinkError
from mien.server.config import ServerConfig
from mien.server.events import Named
from mien.server.outputs import Outputs
from mien.server.schema.events import OutputStates
from mien.server.service import Service
from mien.server.state.database import State
from mien.server.state.events import EventLog
from mien.video.sink import outbox


@pytest.fixture(autouse=True)
def local(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(outbox, "FIRST_PAUSE_SECONDS", 0.05)
    with way_to_this_machine():
        yield


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with State(tmp_path, bytes(32)) as opened:
        yield opened


@pytest.fixture
def log(state: State) -> EventLog:
    return EventLog(state)


def named(tenant: str, data: object) -> dict[str, object]:
    return dict(data) | {"name": "Ann"}  # type: ignore[call-overload, no-any-return]


def outputs(state: State, address: str, secret: str | None = None, names: Named = named) -> Outputs:
    return Outputs((address,), secret, state, EventLog(state), names)


def numbers(server: WebServer) -> list[int]:
    return [record["data"]["n"] for record in server.records()]


def test_events_are_posted_signed_in_order_and_only_new_ones(state: State, log: EventLog) -> None:
    log.publish("", "gap", {"n": -1})
    server = WebServer()
    ours = outputs(state, f"{server.url}/hook?token=abc", "secret")
    ours.start()
    for number in range(5):
        log.publish("", "gap", {"n": number})
    log.publish("north", "gap", {"n": 9})
    until(lambda: len(server.posts) == 5)
    ours.close()
    server.close()
    assert numbers(server) == list(range(5))
    path, headers, body = server.posts[0]
    digest = hmac.new(b"secret", headers["X-Mien-Timestamp"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert (path, headers["X-Mien-Signature"]) == ("/hook?token=abc", f"sha256={digest}")
    record = server.records()[0]
    assert (record["schema"], record["kind"], record["data"]) == ("mien.event/1", "gap", {"n": 0, "name": "Ann"})
    (delivery,) = ours.deliveries
    assert (delivery.delivered, delivery.waiting, delivery.trouble) == (5, 0, "")
    assert "abc" not in delivery.address


def test_what_a_server_did_not_take_comes_after_a_restart(state: State, log: EventLog) -> None:
    server = WebServer(204, *[503] * 1000)
    ours = outputs(state, server.url)
    ours.start()
    for number in range(3):
        log.publish("", "gap", {"n": number})
    until(lambda: len(server.posts) >= 3)
    ours.close()
    (delivery,) = ours.deliveries
    assert (delivery.delivered, delivery.waiting, delivery.trouble) == (1, 2, "It answered 503.")
    tried = {headers["X-Mien-Delivery"] for _, headers, _ in server.posts[1:]}
    port = int(server.url.rpartition(":")[2])
    server.close()
    again = WebServer(port=port)
    after = outputs(state, again.url)
    after.start()
    until(lambda: len(again.posts) == 2)
    after.close()
    again.close()
    assert numbers(again) == [1, 2]
    assert tried == {again.posts[0][1]["X-Mien-Delivery"]} != {again.posts[1][1]["X-Mien-Delivery"]}


def test_what_went_before_a_server_came_back_is_counted(
    state: State, log: EventLog, caplog: pytest.LogCaptureFixture
) -> None:
    server = WebServer(204, *[503] * 1000)
    ours = outputs(state, server.url)
    ours.start()
    log.publish("", "gap", {"n": 0})
    until(lambda: ours.deliveries[0].delivered == 1)
    ours.close()
    server.close()
    for tenant in ("", "", "north"):
        log.publish(tenant, "gap", {"n": 1})
    now = state.now()
    assert (log.forget("north", now + 1), ours.deliveries[0].lost) == (1, 0)
    assert log.forget("", now + 1) == 3
    (delivery,) = ours.deliveries
    assert (delivery.delivered, delivery.waiting, delivery.lost) == (1, 0, 2)
    assert "2 events" in caplog.text
    assert log.forget("", now + 1) == 0 and ours.deliveries[0].lost == 2


def test_nothing_is_lost_to_an_output_that_is_configured_no_more(state: State, log: EventLog) -> None:
    outputs(state, "https://gone.example/hook")
    kept = outputs(state, "https://kept.example/hook")
    log.publish("", "gap", {"n": 1})
    log.forget("", state.now() + 1)
    assert state.read("SELECT lost FROM outputs") == [(1,)] and kept.deliveries[0].lost == 1


def test_what_is_refused_for_good_holds_nothing_up(state: State, log: EventLog) -> None:
    server = WebServer(404)
    ours = outputs(state, server.url)
    ours.start()
    for number in range(2):
        log.publish("", "gap", {"n": number})
    until(lambda: len(server.posts) == 2)
    until(lambda: ours.deliveries[0].delivered == 1)
    ours.close()
    server.close()
    assert ours.deliveries[0].refused == 1


def test_of_two_processes_one_delivers_and_the_other_takes_over(state: State, log: EventLog) -> None:
    server = WebServer()
    both = [outputs(state, server.url) for _ in range(2)]
    for one in both:
        one.start()
    for number in range(10):
        log.publish("", "gap", {"n": number})
    until(lambda: len(server.posts) == 10)
    both[0].close()
    log.publish("", "gap", {"n": 10})
    until(lambda: len(server.posts) == 11)
    both[1].close()
    server.close()
    assert numbers(server) == list(range(11))


def test_events_reach_a_broker_that_comes_back(state: State, log: EventLog) -> None:
    pytest.importorskip("paho.mqtt", reason="needs paho-mqtt, which the extra `mqtt` brings")
    broker = Broker()
    ours = outputs(state, f"mqtt://ann:word@127.0.0.1:{broker.port}/house")
    ours.start()
    log.publish("", "gap", {"n": 0})
    broker.wait(lambda: len(broker.records("house/events")) == 1)
    broker.close()
    log.publish("", "gap", {"n": 1})
    again = Broker(port=broker.port)
    again.wait(lambda: len(again.records("house/events")) == 1, 30)
    until(lambda: ours.deliveries[0].delivered == 2)
    ours.close()
    again.close()
    assert [record["data"]["n"] for record in again.records("house/events")][-1] == 1
    assert "word" not in ours.deliveries[0].address


@pytest.mark.parametrize("address", ["ftp://host/x", "nothing", "https://hook.example:pw7x@hook.example/"])
def test_an_address_that_cannot_be_is_refused_at_once(state: State, address: str) -> None:
    with pytest.raises(SinkError) as refused:
        outputs(state, address)
    assert "pw7x" not in str(refused.value)


class TestHttp:
    @pytest.fixture
    def server(self) -> Iterator[WebServer]:
        made = WebServer()
        yield made
        made.close()

    @pytest.fixture
    def config(self, tmp_path: Path, server: WebServer) -> ServerConfig:
        hook = f"{server.url}/hook?token=abc"
        return ServerConfig(state_dir=tmp_path / "server", requests_per_minute=100_000, outputs=hook)

    def test_how_far_it_is(
        self,
        client: TestClient,
        viewer: dict[str, str],
        stranger: dict[str, str],
        service: Service,
        server: WebServer,
    ) -> None:
        service.events.publish("", "gap", {})
        until(lambda: service.outputs.deliveries[0].delivered == 1)
        answer = client.get("/v1/events/outputs", headers=viewer)
        state = OutputStates.model_validate(answer.json()).items[0]
        assert (state.delivered, state.waiting, state.refused) == (1, 0, 0) and state.delivered_at
        assert "abc" not in answer.text
        assert client.get("/v1/events/outputs", headers=stranger).status_code == 404
