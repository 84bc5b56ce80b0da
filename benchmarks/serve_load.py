"""A client that costs next to nothing: HTTP/1.1 over plain streams, in closed and open loops."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from urllib.parse import urlsplit

OK = 200


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go. headers: lines without their ends."""

    address: str
    path: str
    headers: tuple[str, ...] = ()

    def request(self, photo: bytes, field_name: str = "photo", fields: Sequence[tuple[str, str]] = ()) -> bytes:
        """All bytes of one request with a photo in a form."""
        edge = secrets.token_hex(8)
        head = 'Content-Disposition: form-data; name="{}"'
        parts = [f"--{edge}\r\n{head.format(name)}\r\n\r\n{value}\r\n".encode() for name, value in fields]
        photo_head = f'--{edge}\r\n{head.format(field_name)}; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        body = b"".join([*parts, photo_head.encode(), photo, f"\r\n--{edge}--\r\n".encode()])
        lines = [
            f"POST {self.path} HTTP/1.1",
            f"Host: {urlsplit(self.address).netloc}",
            f"Content-Type: multipart/form-data; boundary={edge}",
            f"Content-Length: {len(body)}",
            *self.headers,
        ]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass(slots=True)
class Tally:
    """What came back: seconds of those that were answered, statuses, and whether refusals said when to come back."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    without_retry: int = 0
    began: float = field(default_factory=perf_counter)
    ended: float = 0.0

    def add(self, status: int, retry: bool, seconds: float) -> None:
        """One answer."""
        self.statuses[str(status)] += 1
        self.ended = perf_counter()
        if status == OK:
            self.seconds.append(seconds)
        elif status == 503 and not retry:
            self.without_retry += 1

    @property
    def rate(self) -> float:
        """Answers of 200 a second."""
        return len(self.seconds) / max(1e-9, self.ended - self.began)

    def at(self, share: float) -> float:
        """The time in ms within which this share was answered."""
        ranked = sorted(self.seconds) or [float("nan")]
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))] * 1000


class Connections:
    """Open connections to one address; as many as are in use at once."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, request: bytes) -> tuple[int, bool]:
        """The status, and whether Retry-After is there."""
        reader, writer = pair = self._idle() or await asyncio.open_connection(self._host, self._port)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").lower().split("\r\n")
        headers = dict(line.split(":", 1) for line in lines[1:] if ":" in line)
        await reader.readexactly(int(headers.get("content-length", "0")))
        if "close" in headers.get("connection", ""):
            writer.close()
        else:
            self._free.append(pair)
        return int(lines[0].split()[1]), "retry-after" in headers

    def _idle(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """One that the server has not closed meanwhile, as it does after a while without a request."""
        while self._free:
            reader, writer = self._free.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return None

    def close(self) -> None:
        """All of them."""
        for _, writer in self._free:
            writer.close()


async def _timed(connections: Connections, request: bytes, tally: Tally) -> None:
    began = perf_counter()
    try:
        status, retry = await connections.ask(request)
    except (OSError, asyncio.IncompleteReadError) as error:
        tally.statuses[type(error).__name__] += 1
        return
    tally.add(status, retry, perf_counter() - began)


def closed(address: str, requests: Sequence[bytes], at_once: int, count: int) -> Tally:
    """`count` requests, each of `at_once` clients sending its next one when the last is answered."""

    async def run() -> Tally:
        connections, tally = Connections(address), Tally()
        left = iter(range(count))

        async def one() -> None:
            for number in left:
                await _timed(connections, requests[number % len(requests)], tally)

        await asyncio.gather(*(one() for _ in range(at_once)))
        connections.close()
        return tally

    return asyncio.run(run())


def opened(address: str, requests: Sequence[bytes], rate: float, count: int, watch: Callable[[], None]) -> Tally:
    """`count` requests at random times, `rate` a second on average, whether the last is answered or not.

    watch: called ten times meanwhile.
    """

    async def run() -> Tally:
        connections, tally, chance = Connections(address), Tally(), random.Random(1)
        tasks, due = [], perf_counter()
        for number in range(count):
            due += chance.expovariate(rate)
            await asyncio.sleep(max(0.0, due - perf_counter()))
            tasks.append(asyncio.create_task(_timed(connections, requests[number % len(requests)], tally)))
            if number % max(1, count // 10) == 0:
                watch()
        await asyncio.gather(*tasks)
        connections.close()
        return tally

    return asyncio.run(run())
