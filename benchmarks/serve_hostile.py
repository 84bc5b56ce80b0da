"""Damaged photos and damaged forms, sent to `mien serve`; counts answers and watches its memory.

    python benchmarks/serve_hostile.py --n 10000

Two thirds are well-formed forms with files that fuzz_image.py damages, to the routes that take photos; one third are
forms that are damaged themselves, lie about their length, or end before they should. Exit code 1 where an answer is
neither of 200, 201, 4xx and 503, where one does not come within a minute, or where the service has died. Prints
Markdown.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from fuzz_image import damaged
from image_samples import every_format
from serve_load import Connections, Target
from serve_speed import megabytes, mien_server, photos_of

PERSON = ("person", '{"name": "Nobody", "consent": {"given_by": "a", "purpose": "b", "how": "c"}}')
ROUTES = (("/v1/analyze", "photo", ()), ("/v1/identify", "photo", ()), ("/v1/people", "photos", (PERSON,)))
FINE = {200, 201, 503, *range(400, 500)}
AT_ONCE = 4
SECONDS = 60.0
SAMPLES = 40


def hostile_form(request: bytes, rng: random.Random) -> tuple[bytes, bool]:
    """A damaged form, and whether it ends before its length says."""
    head, _, body = request.partition(b"\r\n\r\n")
    kind = rng.randrange(6)
    if kind == 0:
        return request[: len(head) + 4 + rng.randrange(len(body))], True
    if kind == 1:
        return head.replace(b"boundary=", b"boundary=" + b"x" * rng.choice((0, 1, 300))) + b"\r\n\r\n" + body, False
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


async def hang_up(address: str, request: bytes) -> None:
    """Send what is there, and go."""
    host, _, port = address.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    await writer.drain()
    writer.close()


class Attack:
    """All requests of a run. counts: by status, and by what went wrong."""

    def __init__(self, address: str, key: str, pid: int, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self.memory: list[float] = []
        self._pid, self._address, self._rng = pid, address, random.Random(seed)
        own = (f"Authorization: Bearer {key}",)
        self._targets = [(Target(address, path, own), field, fields) for path, field, fields in ROUTES]
        self._seeds, self._photo = every_format(), photos_of(None)[0]

    async def run(self, n: int) -> None:
        """Four at a time."""
        connections, left = Connections(self._address), iter(range(n))

        async def one() -> None:
            for number in left:
                await self._send(connections)
                if number % max(1, n // SAMPLES) == 0:
                    self.memory.append(megabytes(self._pid))

        await asyncio.gather(*(one() for _ in range(AT_ONCE)))
        connections.close()

    async def _send(self, connections: Connections) -> None:
        target, field, fields = self._rng.choice(self._targets)
        try:
            if self._rng.random() < 2 / 3:
                request = target.request(damaged(self._seeds, self._rng)[1], field, fields)
            else:
                request, ends = hostile_form(target.request(self._photo, field, fields), self._rng)
                if ends:
                    await hang_up(self._address, request)
                    self.counts["hung up"] += 1
                    return
            status, _ = await asyncio.wait_for(connections.ask(request), SECONDS)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            self.counts[f"wrong: {type(error).__name__}"] += 1
            return
        self.counts[str(status) if status in FINE else f"wrong: {status}"] += 1


def main() -> None:
    """Send, count, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, mien_server(2, Path(name)) as (pid, address, key):
        attack = Attack(address, key, pid, arguments.seed)
        asyncio.run(attack.run(arguments.n))
        after = megabytes(pid)
    print("| answer | times |\n|---|---|")
    for answer, times in sorted(attack.counts.items()):
        print(f"| {answer} | {times} |")
    quarter = attack.memory[len(attack.memory) // 4]
    print(f"\nMemory: {quarter:.0f} MB after a quarter, at most {max(attack.memory):.0f}, {after:.0f} MB at the end.")
    sys.exit(any(answer.startswith("wrong") for answer in attack.counts))


if __name__ == "__main__":
    main()
