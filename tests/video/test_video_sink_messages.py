"""MQTT and webhooks, against servers on this machine."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.video.local_servers import Broker, WebServer, way_to_this_machine
from tests.video.made_up_run import Run, play

from mien.errors import SinkError
from mien.video.sink import mqtt, outbox, webhook
from mien.video.sink.mqtt import Mqtt
from mien.video.sink.webhook import Webhook

RUN = Run(seconds=2, rate=10, width=32, height=24)


@pytest.fixture(autouse=True)
def local(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(outbox, "FIRST_PAUSE_SECONDS", 0.05)
    with way_to_this_machine():
        yield


@pytest.fixture
def broker() -> Iterator[Broker]:
    pytest.importorskip("paho.mqtt", reason="needs paho-mqtt, which the extra `mqtt` brings")
    made = Broker()
    yield made
    made.close()


@pytest.fixture
def server() -> Iterator[WebServer]:
    made = WebServer()
    yield made
    made.close()


def kinds() -> list[str]:
    return ["run", *(event.kind for event in RUN.events()), "summary"]


def test_events_reach_the_broker_in_order(broker: Broker) -> None:
    play(RUN, Mqtt(f"mqtt://ann%40:p%2Fw@127.0.0.1:{broker.port}", "mien"))
    assert [record["kind"] for record in broker.records()] == kinds()
    assert broker.user == ("ann@", "p/w")


def test_status_is_online_then_offline_and_kept(broker: Broker) -> None:
    play(RUN, Mqtt(f"mqtt://127.0.0.1:{broker.port}", "house/door"))
    broker.wait(lambda: len([one for one in broker.messages if one[0] == "house/door/status"]) == 2)
    assert [one for one in broker.messages if one[0] == "house/door/status"] == [
        ("house/door/status", b"online", True),
        ("house/door/status", b"offline", True),
    ]
    assert broker.will == ("house/door/status", b"offline")


def test_a_broker_that_comes_back_gets_everything(broker: Broker) -> None:
    sink = Mqtt(f"mqtt://127.0.0.1:{broker.port}")
    moments = list(RUN)
    sink.start(RUN.info())
    for frame, moment in moments[:10]:
        sink.take(frame, moment)
    broker.wait(lambda: len(broker.records()) >= 1)
    broker.close()
    for frame, moment in moments[10:]:
        sink.take(frame, moment)
    again = Broker(port=broker.port)
    sink.finish(RUN.summary())
    sink.close()
    again.close()
    arrived = [(one["kind"], one.get("time_seconds")) for one in broker.records() + again.records()]
    sent = [(one.kind, round(one.time_seconds, 7)) for one in RUN.events()]
    # At least once: what was under way at the cut may come twice.
    assert list(dict.fromkeys(arrived)) == list(dict.fromkeys([("run", None), *sent, ("summary", None)]))


def test_a_broker_that_refuses_is_an_error_at_the_start() -> None:
    pytest.importorskip("paho.mqtt", reason="needs paho-mqtt, which the extra `mqtt` brings")
    broker = Broker(refuse=5)
    sink = Mqtt(f"mqtt://ann:secret@127.0.0.1:{broker.port}")
    with pytest.raises(SinkError, match="takes no messages") as caught:
        sink.start(RUN.info())
    assert "secret" not in str(caught.value)
    sink.close()
    broker.close()


def test_a_broker_that_is_not_there_is_an_error_at_the_start(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "CONNECT_SECONDS", 0.5)
    broker.close()
    sink = Mqtt(f"mqtt://127.0.0.1:{broker.port}")
    with pytest.raises(SinkError, match="cannot be reached"):
        sink.start(RUN.info())


def test_a_broker_that_acknowledges_nothing_is_told_of_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("paho.mqtt", reason="needs paho-mqtt, which the extra `mqtt` brings")
    monkeypatch.setattr(mqtt, "DRAIN_SECONDS", 0.3)
    broker = Broker(acknowledge=False)
    sink = Mqtt(f"mqtt://127.0.0.1:{broker.port}")
    with pytest.raises(SinkError, match=f"{len(kinds())} messages did not reach"):
        play(RUN, sink)
    sink.close()
    broker.close()


@pytest.mark.parametrize("url", ["mqtt:///topic", "mqtt://h:none", "amqp://h", "mqtt://[::1", "mqtt://ann:pw@:1"])
def test_addresses_of_brokers(url: str) -> None:
    with pytest.raises(SinkError) as caught:
        Mqtt(url)
    assert url not in str(caught.value)


@pytest.mark.parametrize("topic", ["a/#", "+", "", "/"])
def test_topics(topic: str) -> None:
    with pytest.raises(SinkError, match="is no topic"):
        Mqtt("mqtt://host", topic)


def test_records_are_posted_signed_and_in_order(server: WebServer) -> None:
    play(RUN, Webhook(f"{server.url}/in?key=1", "the secret"))
    assert [record["kind"] for record in server.records()] == kinds()
    for path, headers, body in server.posts:
        at = headers["X-Mien-Timestamp"]
        assert path == "/in?key=1" and abs(time.time() - int(at)) < 60
        digest = hmac.new(b"the secret", at.encode() + b"." + body, hashlib.sha256).hexdigest()
        assert headers["X-Mien-Signature"] == f"sha256={digest}"
    assert len({headers["X-Mien-Delivery"] for _, headers, _ in server.posts}) == len(server.posts)


def test_without_a_secret_nothing_is_signed(server: WebServer) -> None:
    play(RUN, Webhook(server.url))
    assert not [headers for _, headers, _ in server.posts if "X-Mien-Signature" in headers]


def test_a_busy_server_is_asked_again_for_the_same_record() -> None:
    server = WebServer(503, 429)
    play(RUN, Webhook(server.url))
    assert [record["kind"] for record in server.records()] == ["run", "run", *kinds()]
    assert len({headers["X-Mien-Delivery"] for _, headers, _ in server.posts[:3]}) == 1
    server.close()


@pytest.mark.parametrize("status", [302, 404])
def test_a_refusal_loses_the_record_and_says_so(status: int) -> None:
    server = WebServer(status)
    sink = Webhook(server.url)
    with pytest.raises(SinkError, match=f"1 messages did not reach .* answered {status}"):
        play(RUN, sink)
    assert {path for path, _, _ in server.posts} == {"/"}, "no redirect is followed"
    assert [record["kind"] for record in server.records()] == kinds()
    sink.close()
    server.close()


def test_while_the_server_is_away_the_oldest_go_and_their_number_is_told(server: WebServer) -> None:
    server.close()
    sink = Webhook(server.url, waiting=4)
    sink.start(RUN.info())
    for frame, moment in RUN:
        sink.take(frame, moment)
    assert sink.dropped > 0
    again = WebServer(port=int(server.url.rpartition(":")[2]))
    with pytest.raises(SinkError, match="did not reach"):
        sink.finish(RUN.summary())
    sink.close()
    records = again.records()
    told = [record for record in records if record["kind"] == "dropped"]
    assert sum(record["count"] for record in told) + len(records) - len(told) == len(kinds())
    assert records[-1]["kind"] == "summary"
    again.close()


def test_a_server_that_never_comes_does_not_hold_the_end(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "DRAIN_SECONDS", 0.2)
    server.close()
    sink = Webhook(server.url)
    with pytest.raises(SinkError, match="It cannot be reached"):
        play(RUN, sink)
    sink.close()
    sink.close()


@pytest.mark.parametrize(
    "url", ["ftp://host.example", "https://", "https://host.example:none/", "https://user.example:pw@host.example/"]
)
def test_addresses_of_webhooks(url: str) -> None:
    with pytest.raises(SinkError) as caught:
        Webhook(url)
    assert "pw" not in str(caught.value).replace("password", "")


def test_bodies_are_json_in_utf_8(server: WebServer) -> None:
    play(replace(RUN, anna=replace(RUN.anna, name="安娜")), Webhook(server.url))
    assert any("安娜".encode() in body for _, _, body in server.posts)
    assert all(re.match(r"application/json", headers["Content-Type"]) for _, headers, _ in server.posts)
    assert all(json.loads(body)["schema"] == "mien.video-event/1" for _, _, body in server.posts)
