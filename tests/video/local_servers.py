"""Servers on this machine, for the tests of what sends messages; and the way to them, which is shut otherwise."""

from __future__ import annotations

import _socket
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

CONNECT, PUBLISH, PUBACK, PINGREQ, DISCONNECT = 1, 3, 4, 12, 14


@contextmanager
def way_to_this_machine() -> Iterator[None]:
    """Lets connections to 127.0.0.1 through, which the whole suite refuses like all others."""

    def connect(self: socket.socket, address: Any) -> None:
        assert address[0] == "127.0.0.1", address
        _socket.socket.connect(self, address)

    def create_connection(address: Any, timeout: Any = None, *_: Any, **__: Any) -> socket.socket:
        made = socket.socket()
        if isinstance(timeout, int | float):
            made.settimeout(timeout)
        try:
            made.connect(address)
        except OSError:
            made.close()
            raise
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connect)
        patch.setattr(socket, "create_connection", create_connection)
        yield


class Broker:
    """As much of an MQTT 3.1.1 broker as one publisher needs; keeps what it was sent."""

    def __init__(self, refuse: int = 0, port: int = 0, acknowledge: bool = True) -> None:
        self.refuse, self.acknowledge = refuse, acknowledge
        self.messages: list[tuple[str, bytes, bool]] = []
        self.will: tuple[str, bytes] | None = None
        self.user: tuple[str, str] | None = None
        self.change = threading.Condition()
        self._server = socket.create_server(("127.0.0.1", port), reuse_port=True)
        self.port = self._server.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def records(self, topic: str = "mien/events") -> list[dict[str, Any]]:
        return [json.loads(text) for name, text, _ in self.messages if name == topic]

    def wait(self, enough: Any, seconds: float = 10.0) -> None:
        with self.change:
            assert self.change.wait_for(enough, seconds), self.messages

    def close(self) -> None:
        """Away, with all connections, as after a power cut."""
        for one in (self._server, *self._open):
            with suppress(OSError):  # it has gone already
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as lines:
                while head := lines.read(1):
                    body = lines.read(_length(lines))
                    if not self._answer(connection, head[0] >> 4, head[0] & 15, body):
                        return
        except OSError:
            return

    def _answer(self, connection: socket.socket, kind: int, flags: int, body: bytes) -> bool:
        if kind == CONNECT:
            self._greet(body)
            connection.sendall(bytes([0x20, 2, 0, self.refuse]))
            return not self.refuse
        if kind == PUBLISH:
            topic, rest = _text(body)
            number, message = rest[:2], rest[2:]
            assert flags >> 1 & 3 == 1, "QoS 1"
            with self.change:
                self.messages.append((topic.decode(), message, bool(flags & 1)))
                self.change.notify_all()
            if self.acknowledge:
                connection.sendall(b"\x40\x02" + number)
        if kind == PINGREQ:
            connection.sendall(b"\xd0\x00")
        return kind != DISCONNECT

    def _greet(self, body: bytes) -> None:
        flags = body[7]
        _, rest = _text(body[10:])
        if flags & 4:
            topic, rest = _text(rest)
            message, rest = _text(rest)
            self.will = topic.decode(), message
        if flags & 0x80:
            user, rest = _text(rest)
            password, rest = _text(rest)
            self.user = user.decode(), password.decode()


class WebServer:
    """Takes POSTs; answers with `answers` in turn, then 204."""

    def __init__(self, *answers: int, port: int = 0) -> None:
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        owner, left = self, list(answers)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                owner.posts.append((self.path, dict(self.headers), body))
                self.send_response(left.pop(0) if left else 204)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.posts]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _length(lines: Any) -> int:
    length, shift = 0, 0
    while True:
        byte = lines.read(1)[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return length


def _text(data: bytes) -> tuple[bytes, bytes]:
    (size,) = struct.unpack(">H", data[:2])
    return data[2 : 2 + size], data[2 + size :]
