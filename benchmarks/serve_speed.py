"""`mien serve` against the library itself: POST /v1/analyze, all stages, 640 x 480, one face.

    python benchmarks/serve_speed.py [--photos DIR] [--threads 2] [--rounds 5] [--count 100] [--deepface]

The server is started as a user would, in a folder of its own. Library and server work on the same JPEGs in turns: the
library by `analyze_many` on as many threads, the server for one client, and for four at a time. Then requests come at
random times at half of the library's rate, then at ten times of it. The client runs on the same cores and counts
against the server. With --deepface, DeepFace's own Flask API, under gunicorn as its image starts it, answers the same
photos with the same detector and embedder: /represent and /analyze for each photo, as no single route does both; its
emotion network has random numbers (see video_deepface.py). Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import Any

import cv2
import numpy as np
from serve_load import Tally, Target, closed, opened

from mien import Analyzer
from mien.gallery.store.master import MasterKey
from mien.image import encode_image, open_photo
from mien.settings import load_settings
from mien.weights.fetch import ensure

AT_ONCE = 4
OVERLOAD = 10
SIZE = (640, 480)


def photos_of(folder: Path | None) -> list[bytes]:
    """JPEGs of 640 x 480 with one face each: those of a folder, or the sample in eight lights and places."""
    if folder is not None:
        return [path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()]
    sample = open_photo(ensure("astronaut", load_settings())).pixels().pixels
    found = []
    for number in range(8):
        small = cv2.resize(cv2.convertScaleAbs(sample, alpha=1, beta=3 * number - 12), (480, 480))
        canvas = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
        canvas[:, 20 * number : 20 * number + 480] = small
        found.append(encode_image(canvas, ".jpg"))
    return found


def ask(address: str, path: str, body: Any, headers: dict[str, str]) -> tuple[Any, dict[str, str]]:
    """One request with JSON; the answer and its headers."""
    request = urllib.request.Request(address + path, json.dumps(body).encode(), headers)
    request.add_header("Content-Type", "application/json")
    request.method = "PUT" if path.endswith("password") else "POST"
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"null"), dict(answer.headers)


@contextmanager
def mien_server(threads: int, folder: Path) -> Iterator[tuple[int, str, str]]:
    """A server on a state of its own: its process, its address, and a key of an operator."""
    own = {
        "MIEN_DATA_DIR": str(folder),
        "MIEN_GALLERY": str(folder / "gallery"),
        "MIEN_GALLERY_KEY": MasterKey.new().text,
        "MIEN_SERVER_STATE_DIR": str(folder / "state"),
        "MIEN_SERVER_THREADS": str(threads),
        "MIEN_SERVER_REQUESTS_PER_MINUTE": "10000000",
    }
    command = [sys.executable, "-c", "from mien.cli.main import main; main()", "serve", "--port", "0"]
    with (folder / "log").open("w") as log:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=os.environ | own)
        try:
            assert child.stdout
            address = _found(child.stdout, r"serves at (\S+)")
            token = _found(child.stdout, r"#welcome=(\S+)")
            wait_for(address + "/health/ready")
            yield child.pid, address, _key(address, token)
        finally:
            child.terminate()
            child.wait(60)


def _found(stream: Any, pattern: str) -> str:
    for line in stream:
        if match := re.search(pattern, line):
            return match.group(1)
    raise SystemExit("The server did not start.")


def wait_for(address: str) -> None:
    """Until it answers 200."""
    for _ in range(600):
        try:
            urllib.request.urlopen(address, timeout=10).close()
            return
        except OSError:
            sleep(0.1)
    raise SystemExit(f"{address} did not answer.")


def _key(address: str, token: str) -> str:
    session, headers = ask(address, "/v1/session/welcome", {"token": token}, {})
    own = {"Cookie": headers["set-cookie"].split(";")[0], "X-CSRF-Token": session["csrf"], "Origin": address}
    password = secrets.token_urlsafe(16)
    session, headers = ask(address, "/v1/session/password", {"old": "", "new": password}, own)
    session, headers = ask(address, "/v1/session", {"name": session["name"], "password": password}, {})
    own = {"Cookie": headers["set-cookie"].split(";")[0], "X-CSRF-Token": session["csrf"], "Origin": address}
    made, _ = ask(address, "/v1/keys", {"name": "load", "role": "operator"}, own)
    return str(made["text"])


def megabytes(pid: int) -> float:
    """Resident memory of a process."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1000  # type: ignore[union-attr]


def processor_seconds(pid: int) -> float:
    """What a process has used until now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Round:
    """Rates in photos a second; *_ms: of processor time a photo, of the library, the server and the client."""

    library: float
    alone: Tally
    together: Tally
    library_ms: float
    server_ms: float
    client_ms: float


def library_rate(analyzer: Analyzer, photos: Sequence[bytes], count: int) -> float:
    """Photos a second."""
    began = perf_counter()
    for _ in analyzer.analyze_many(photos[number % len(photos)] for number in range(count)):
        pass
    return count / (perf_counter() - began)


def alternate(
    address: str, pid: int, requests: Sequence[bytes], photos: Sequence[bytes], arguments: argparse.Namespace
) -> list[Round]:
    """Library and server in turns."""
    analyzer, count = Analyzer(settings=load_settings(threads=arguments.threads)), arguments.count
    rounds = []
    for _ in range(arguments.rounds + 1):
        before = process_time()
        library = library_rate(analyzer, photos, count)
        between, server = process_time(), processor_seconds(pid)
        alone = closed(address, requests, 1, count // 2)
        together = closed(address, requests, AT_ONCE, count)
        used = (between - before, processor_seconds(pid) - server, process_time() - between)
        asked = (count, count // 2 + count, count // 2 + count)
        rounds.append(Round(library, alone, together, *(1000 * a / b for a, b in zip(used, asked, strict=True))))
    return rounds[1:]  # the first one warms up


def report(rounds: Sequence[Round], threads: int) -> float:
    """Prints the rates; the library's."""
    library, alone, together = ([getattr(one, name) for one in rounds] for name in ("library", "alone", "together"))
    own = statistics.median(library)
    print("| | photos a second | of the library's, by round | median ms | p99 ms |\n|---|---|---|---|---|")
    print(f"| library, {threads} threads | {own:.1f} ({min(library):.1f} to {max(library):.1f}) | | | |")
    for name, tallies in (("one client", alone), (f"{AT_ONCE} clients", together)):
        rates = [one.rate for one in tallies]
        shares = [one.rate / base for one, base in zip(tallies, library, strict=True)]
        both = Tally(seconds=[seconds for one in tallies for seconds in one.seconds])
        print(
            f"| server, {name} | {statistics.median(rates):.1f} | {statistics.median(shares):.0%}"
            f" ({min(shares):.0%} to {max(shares):.0%}) | {both.at(0.5):.1f} | {both.at(0.99):.1f} |"
        )
    names = ("library_ms", "server_ms", "client_ms")
    spent = [statistics.median(getattr(one, name) for one in rounds) for name in names]
    print("\nProcessor time a photo: library {:.1f} ms, server {:.1f} ms, client {:.1f} ms.".format(*spent))
    return float(own)


def load(address: str, requests: Sequence[bytes], pid: int, own: float, seconds: float) -> None:
    """Half of the library's rate, then ten times of it."""
    half = opened(address, requests, own / 2, int(own / 2 * seconds), lambda: None)
    print(
        f"\nHalf of the library's rate, {sum(half.statuses.values())} requests at random times: median"
        f" {half.at(0.5):.1f} ms, p99 {half.at(0.99):.1f} ms, {half.at(0.99) / half.at(0.5):.1f} times the median;"
        f" answers {dict(half.statuses)}."
    )
    before, seen = megabytes(pid), []
    storm = opened(
        address, requests, OVERLOAD * own, int(OVERLOAD * own * seconds), lambda: seen.append(megabytes(pid))
    )
    sleep(1)
    after = closed(address, requests, 1, 20)
    print(
        f"\n{OVERLOAD} times the library's rate for {seconds:.0f} s: answers {dict(storm.statuses)}, of the 503s"
        f" {storm.without_retry} without Retry-After; {storm.rate:.1f} photos a second, median {storm.at(0.5):.0f} ms,"
        f" p99 {storm.at(0.99):.0f} ms. Memory {before:.0f} MB before, at most {max(seen):.0f} MB, {megabytes(pid):.0f}"
        f" MB after. Then, for one client: {dict(after.statuses)}, median {after.at(0.5):.1f} ms."
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--count", type=int, default=100, help="photos a round")
    parser.add_argument("--seconds", type=float, default=20, help="of each open loop")
    parser.add_argument("--deepface", action="store_true")
    parser.add_argument("--deepface-python", help="of an environment that has it")
    arguments = parser.parse_args()
    photos = photos_of(arguments.photos)
    with tempfile.TemporaryDirectory() as name, mien_server(arguments.threads, Path(name)) as (pid, address, key):
        target = Target(address, "/v1/analyze", (f"Authorization: Bearer {key}",))
        requests = [target.request(photo) for photo in photos]
        own = report(alternate(address, pid, requests, photos, arguments), arguments.threads)
        load(address, requests, pid, own, arguments.seconds)
    if arguments.deepface or arguments.deepface_python:
        from serve_deepface import measure

        measure(photos, arguments.count, arguments.rounds, arguments.deepface_python)


if __name__ == "__main__":
    main()
