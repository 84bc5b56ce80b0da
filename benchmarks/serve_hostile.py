"""Damaged photos and damaged forms, sent to `mien serve`; counts answers and watches its memory.

    python benchmarks/serve_hostile.py --n 10000

Six in ten are well-formed forms with files that fuzz_image.py damages, to the routes that take photos; one in ten
brings a file that claims to be far larger than it is, or is no picture; three in ten are forms that are damaged
themselves, lie about their length, have too many headers, or end before they should. A few come so slowly that they
never end, next to the others. Exit code 1 where an answer is neither of 200, 201, 4xx and 503, where one does not come
within a minute, or where the service has died. Prints Markdown: answers by status and code, and memory.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import re
import struct
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from fuzz_image import damaged
from image_samples import every_format
from serve_load import Target
from serve_speed import megabytes, mien_server, photos_of, wait_for

PERSON = ("person", '{"name": "Nobody", "consent": {"given_by": "a", "purpose": "b", "how": "c"}}')
ROUTES = (("/v1/analyze", "photo", ()), ("/v1/identify", "photo", ()), ("/v1/people", "photos", (PERSON,)))
FINE = {200, 201, 503, *range(400, 500)}
AT_ONCE = 4
SECONDS = 60.0
SAMPLES = 40
SLOW = 4
SLOW_BYTES = 90
HEADER_PIECES = 64
GONE = "(it hung up)"


def bombs() -> dict[str, bytes]:
    """Small files that would be large, and files that are no pictures."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 3_000_000, 9)
    chunks = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    png = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    screen = struct.pack("<HHBBB", 65_535, 65_535, 0, 0, 0)
    return {
        "png": b"\x89PNG\r\n\x1a\n" + png,
        "gif": b"GIF89a" + screen + b"," + struct.pack("<HHHHB", 0, 0, 65_535, 65_535, 0) + b"\x02\x01\x00;",
        "bmp": b"BM" + struct.pack("<IIIIiiHHI", 54, 0, 54, 40, 1 << 30, 1 << 30, 1, 24, 0) + b"\0" * 20,
        "zip": b"PK\x03\x04" + b"\0" * 500,
        "html": b"<html><script>alert(1)</script></html>",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "text": b"http://127.0.0.1:1/photo.jpg",
        "nothing": b"",
        "zeros": b"\0" * 1_000_000,
    }


def hostile_form(request: bytes, rng: random.Random) -> tuple[bytes, bool]:
    """A damaged form, and whether it ends before its length says."""
    head, _, body = request.partition(b"\r\n\r\n")
    kind = rng.randrange(8)
    if kind == 0:
        return request[: len(head) + 4 + rng.randrange(len(body))], True
    if kind == 1:
        return head.replace(b"boundary=", b"boundary=" + b"x" * rng.choice((0, 1, 300))) + b"\r\n\r\n" + body, False
    if kind == 6:
        many = b"".join(b"\r\nX-%d: %s" % (number, b"y" * 50) for number in range(rng.choice((50, 500, 3000))))
        return head + many + b"\r\n\r\n" + body, False
    if kind == 7:
        length = rng.choice((b"-1", b"abc", b"1e9", b"99999999999999999999", b"0", b"1, 2"))
        lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
        return b"\r\n".join([*lines, b"Content-Length: " + length]) + b"\r\n\r\n" + body, True
    if kind == 2:
        return head.replace(b"multipart/form-data", rng.choice((b"text/plain", b"multipart/mixed", b""))) + (
            b"\r\n\r\n" + body
        ), False
    changed = bytearray(body)
    if kind == 3:
        for _ in range(rng.randint(1, 30)):
            changed[rng.randrange(min(len(changed), 400))] = rng.randrange(256)
    elif kind == 4:
        changed[: rng.randrange(200)] = b"\r\n--" * rng.choice((1, 100, 20_000))
    else:
        changed = changed[:40] + bytearray(b"X: y\r\n" * rng.choice((1, 50, 5000))) + changed[40:]
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(changed)]) + b"\r\n\r\n" + bytes(changed), False


async def first_answer(address: str, pieces: AsyncIterator[bytes]) -> str:
    """Send on a connection of its own; status and code of the first answer, or that the service just hung up."""
    host, _, port = address.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writing = asyncio.ensure_future(_write(writer, pieces))
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        found = re.search(rb"content-length: *(\d+)", head.lower())
        body = await reader.readexactly(int(found[1])) if found else b""
        code = re.search(rb'"code": ?"([a-z-]+)"', body)
        return " ".join([head.split()[1].decode(), code[1].decode() if code else ""]).strip()
    except (ConnectionError, asyncio.IncompleteReadError):
        return GONE
    finally:
        writing.cancel()
        writer.close()


async def _write(writer: asyncio.StreamWriter, pieces: AsyncIterator[bytes]) -> None:
    """Until the service has heard enough."""
    with contextlib.suppress(ConnectionError):
        async for piece in pieces:
            writer.write(piece)
            await writer.drain()


async def at_once(request: bytes) -> AsyncIterator[bytes]:
    """All of it."""
    yield request


async def slowly(request: bytes) -> AsyncIterator[bytes]:
    """A little, and then a byte every second, for longer than any body may take."""
    yield request[: len(request) // 2]
    for at in range(len(request) // 2, len(request) // 2 + SLOW_BYTES):
        await asyncio.sleep(1.0)
        yield request[at : at + 1]


async def endless_header(request: bytes) -> AsyncIterator[bytes]:
    """A header of many megabytes, which asks to be kept until it ends."""
    head, _, body = request.partition(b"\r\n\r\n")
    yield head + b"\r\nX-Long: "
    for _ in range(HEADER_PIECES):
        yield b"y" * 1_000_000
    yield b"\r\n\r\n" + body


async def hang_up(address: str, request: bytes) -> None:
    """Send what is there, and go."""
    host, _, port = address.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    with contextlib.suppress(ConnectionError):
        writer.write(request)
        await writer.drain()
    writer.close()


class Attack:
    """All requests of a run. counts: by status and code, and by what went wrong. memory: MB, now and then."""

    def __init__(self, address: str, key: str, pid: int, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self.memory: list[float] = []
        self._pid, self._address, self._rng = pid, address, random.Random(seed)
        own = (f"Authorization: Bearer {key}",)
        self._targets = [(Target(address, path, own), field, fields) for path, field, fields in ROUTES]
        self._seeds, self._photo, self._bombs = every_format(), photos_of(None)[0], list(bombs().values())

    async def run(self, n: int) -> None:
        """Four at a time, and beside them some that are slow."""
        left = iter(range(n))

        async def one() -> None:
            for number in left:
                await self._send()
                if number % max(1, n // SAMPLES) == 0:
                    self.memory.append(megabytes(self._pid))

        await asyncio.gather(*(one() for _ in range(AT_ONCE)), *(self._stubborn(slowly) for _ in range(SLOW)))
        for _ in range(2):
            await self._stubborn(endless_header)
            self.memory.append(megabytes(self._pid))

    async def _stubborn(self, way: Callable[[bytes], AsyncIterator[bytes]]) -> None:
        target, field, fields = self._rng.choice(self._targets)
        await self._count(way(target.request(self._photo, field, fields)), 2 * SECONDS, f"{way.__name__}: ")

    async def _send(self) -> None:
        target, field, fields = self._rng.choice(self._targets)
        chance = self._rng.random()
        if chance < 0.7:
            photo = damaged(self._seeds, self._rng)[1] if chance < 0.6 else self._rng.choice(self._bombs)
            await self._count(at_once(target.request(photo, field, fields)), SECONDS)
            return
        request, ends = hostile_form(target.request(self._photo, field, fields), self._rng)
        if ends:
            await hang_up(self._address, request)
            self.counts["(hung up on it)"] += 1
        else:
            await self._count(at_once(request), SECONDS)

    async def _count(self, pieces: AsyncIterator[bytes], seconds: float, kind: str = "") -> None:
        try:
            said = await asyncio.wait_for(first_answer(self._address, pieces), seconds)
        except (OSError, TimeoutError) as error:
            self.counts[f"wrong: {kind}{type(error).__name__}"] += 1
            return
        fine = said == GONE or int(said.split()[0]) in FINE
        self.counts[f"{kind}{said}" if fine else f"wrong: {kind}{said}"] += 1


def main() -> None:
    """Send, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, mien_server(2, Path(name)) as (pid, address, key):
        before = megabytes(pid)
        attack = Attack(address, key, pid, arguments.seed)
        asyncio.run(attack.run(arguments.n))
        after = megabytes(pid)
        wait_for(address + "/health/ready")
    print("| answer | times |\n|---|---|")
    for answer, times in sorted(attack.counts.items()):
        print(f"| {answer} | {times} |")
    quarter = attack.memory[len(attack.memory) // 4]
    print(
        f"\nMemory: {before:.0f} MB before, {quarter:.0f} after a quarter, at most {max(attack.memory):.0f}, ", end=""
    )
    print(f"{after:.0f} at the end.")
    sys.exit(any(answer.startswith("wrong") for answer in attack.counts))


if __name__ == "__main__":
    main()
