"""Photos beside a video: how fast `mien serve` answers while it works on one, and what that takes of memory.

    python benchmarks/serve_video.py [--rate 4] [--seconds 30]

POST /v1/analyze, all stages, 640 x 480, one face, at random times: first without a video, then while one of a walking
face is worked on. Then a short video is worked on to its end. Resident memory is that of the service, and of all
processes that it began, before, meanwhile, after that end, and a while later, when nothing of it is needed any more.
Prints Markdown. To compare two versions, let them take turns: PYTHONPATH says which one runs.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import av
import cv2
import numpy as np
from serve_load import Tally, Target, opened
from serve_speed import megabytes, mien_server, photos_of

from mien.image import open_photo
from mien.settings import load_settings
from mien.weights.fetch import ensure

LONG, SHORT = 9000, 100
LATER_SECONDS = 75.0
ENDS_SECONDS = 300.0


def walking(count: int, folder: Path) -> bytes:
    """An MP4 of 320 x 240, one face in each of `count` pictures."""
    face = cv2.resize(open_photo(ensure("astronaut", load_settings())).pixels().pixels, (200, 200))
    with av.open(str(folder / "made.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for index in range(count):
            picture = np.full((240, 320, 3), 90, np.uint8)
            left = index % 40 * 2
            picture[20:220, left : left + 200] = face
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return (folder / "made.mp4").read_bytes()


class Service:
    """What is asked of it besides photos."""

    def __init__(self, pid: int, address: str, key: str) -> None:
        self._pid, self._address, self._key = pid, address, key

    def ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        """The answer's JSON."""
        request = urllib.request.Request(self._address + path, body, {"Authorization": f"Bearer {self._key}"})
        request.method = method
        request.add_header("Content-Type", "video/mp4")
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read())

    def upload(self, video: bytes) -> str:
        """Its id, once it is being worked on."""
        job = self.ask("POST", "/v1/videos?" + urllib.parse.urlencode({"annotate": False}), video)["id"]
        self.wait(job, lambda now: now["frames"] > 0)
        return str(job)

    def wait(self, job: str, found: Any) -> dict[str, Any]:
        """The job, once it is as it should be."""
        until = monotonic() + ENDS_SECONDS
        while monotonic() < until:
            now: dict[str, Any] = self.ask("GET", f"/v1/videos/{job}")
            if found(now):
                return now
            sleep(0.1)
        raise SystemExit(f"The video got no further: {now}")

    def memory(self) -> tuple[float, float]:
        """MB of the service, and of what it began."""
        begun = [stat for stat in Path("/proc").glob("[0-9]*/stat") if _parent(stat) == self._pid]
        return megabytes(self._pid), sum(megabytes(int(stat.parent.name)) for stat in begun)


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


def said(name: str, tally: Tally | None, memory: tuple[float, float]) -> None:
    """A row."""
    cells = ["", "", "", ""]
    if tally is not None:
        cells = [", ".join(f"{count} of {status}" for status, count in tally.statuses.items())]
        cells += [f"{tally.at(share):.1f}" for share in (0.5, 0.9, 0.99)]
    print(f"| {' | '.join([name, *cells, *(f'{one:.0f}' for one in memory)])} |", flush=True)


def measure(service: Service, address: str, requests: list[bytes], asked: argparse.Namespace, folder: Path) -> None:
    """Everything, on a service that has just begun."""
    count, seen = int(asked.rate * asked.seconds), [(0.0, 0.0)]
    long, short = walking(LONG, folder), walking(SHORT, folder)
    opened(address, requests, asked.rate, 20, lambda: None)
    print("| | answers | median ms | 90 % ms | p99 ms | service MB | its processes MB |\n|---|---|---|---|---|---|---|")
    said("no video yet", opened(address, requests, asked.rate, count, lambda: None), service.memory())
    job = service.upload(long)
    before, began = service.ask("GET", f"/v1/videos/{job}")["frames"], monotonic()
    beside = opened(address, requests, asked.rate, count, lambda: seen.append(service.memory()))
    frames = (service.ask("GET", f"/v1/videos/{job}")["frames"] - before) / (monotonic() - began)
    said(f"video, {frames:.0f} pictures a second", beside, max(seen, key=sum))
    service.ask("POST", f"/v1/videos/{job}/cancel")
    service.wait(job, lambda now: now["state"] == "cancelled")
    service.wait(service.upload(short), lambda now: now["state"] == "done")
    said("after a video", None, service.memory())
    sleep(LATER_SECONDS)
    said(f"{LATER_SECONDS:.0f} s later", None, service.memory())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=4.0, help="photos a second")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each series")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, mien_server(2, Path(name)) as (pid, address, key):
        target = Target(address, "/v1/analyze", (f"Authorization: Bearer {key}",))
        requests = [target.request(photo) for photo in photos_of(None)]
        measure(Service(pid, address, key), address, requests, asked, Path(name))


if __name__ == "__main__":
    main()
