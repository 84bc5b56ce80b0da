"""Damaged videos, uploaded to `mien serve` as jobs; counts what becomes of them and watches the service's memory.

    python benchmarks/serve_hostile_videos.py --n 500

Small videos of several containers and codecs are damaged as fuzz_image.py damages photos. Exit code 1 where an upload
is answered by neither 202 nor 4xx, where a job does not end, ends as a fault, or fails without a reason, and where the
service has died. Prints Markdown: jobs by what became of them, and memory.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import av
import cv2
import httpx
import numpy as np
from fuzz_image import damaged
from serve_speed import megabytes, mien_server, wait_for

from mien.image import open_photo
from mien.settings import load_settings
from mien.weights.fetch import ensure

KINDS = {"mp4": "libx264", "mkv": "mpeg4", "avi": "mjpeg", "webm": "libvpx", "ts": "mpeg2video", "mov": "libx264"}
FRAMES = 12
WAITING = 100
JOB_SECONDS = 120.0


def whole_videos(folder: Path) -> dict[str, bytes]:
    """Half a second of a face, by container."""
    sample = open_photo(ensure("astronaut", load_settings())).pixels().pixels
    small = cv2.resize(sample, (240, 240), interpolation=cv2.INTER_AREA)
    for ending, codec in KINDS.items():
        with av.open(str(folder / f"clip.{ending}"), "w") as container:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height = 320, 240
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            for index in range(FRAMES):
                picture = np.full((240, 320, 3), 90, np.uint8)
                picture[:, 2 * index : 2 * index + 240] = small
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
    return {ending: (folder / f"clip.{ending}").read_bytes() for ending in KINDS}


class Sender:
    """Uploads and asks. outcomes: by status, or by what became of the job. wrong: what must not be."""

    def __init__(self, client: httpx.Client, pid: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self.memory: list[float] = []
        self.wrong: list[str] = []
        self._client, self._pid, self._open = client, pid, dict[str, str]()

    def send(self, name: str, video: bytes) -> None:
        """One upload; waits where many jobs do."""
        answer = self._client.post("/videos", params={"name": name, "stages": "landmark"}, content=video)
        if answer.status_code == 202:
            self._open[answer.json()["id"]] = name
        else:
            self.outcomes[f"{answer.status_code} {answer.json().get('code')}"] += 1
            if not 400 <= answer.status_code < 500:
                self.wrong.append(f"{name}: {answer.status_code}")
        if len(self._open) >= WAITING:
            self.drain(WAITING // 2)

    def drain(self, most: int) -> None:
        """Until no more jobs than that are open. Ended ones are removed."""
        until = time.monotonic() + JOB_SECONDS * len(self._open)
        while len(self._open) > most and time.monotonic() < until:
            for job_id in list(self._open):
                job = self._client.get(f"/videos/{job_id}").raise_for_status().json()
                if job["state"] in ("queued", "running"):
                    break
                self._ended(job, self._open.pop(job_id))
            self.memory.append(megabytes(self._pid))
            time.sleep(0.5)
        self.wrong += [f"{name}: never ended" for name in list(self._open.values())[most:]]

    def _ended(self, job: dict[str, Any], name: str) -> None:
        code = (job["trouble"] or {}).get("code", "no reason" if job["state"] == "failed" else "")
        self.outcomes[f"{job['state']} {code}".strip()] += 1
        if job["state"] not in ("done", "failed") or code in ("error", "internal", "no reason"):
            self.wrong.append(f"{name}: {job['state']} {job['trouble']}")
        self._client.delete(f"/videos/{job['id']}").raise_for_status()


def main() -> None:
    """Send, wait, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as name, mien_server(2, Path(name)) as (pid, address, key):
        seeds = whole_videos(Path(name))
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/octet-stream"}
        with httpx.Client(base_url=f"{address}/v1", headers=headers, timeout=60) as client:
            sender, before = Sender(client, pid), megabytes(pid)
            for number in range(asked.n):
                ending, video = damaged(seeds, rng)
                sender.send(f"{number}.{ending}", video)
            sender.drain(0)
        wait_for(address + "/health/ready")
        after = megabytes(pid)
    print("| what became of it | times |\n|---|---|")
    for outcome, times in sorted(sender.outcomes.items()):
        print(f"| {outcome} | {times} |")
    print(f"\nMemory of the service: {before:.0f} MB before, at most {max(sender.memory):.0f}, {after:.0f} at the end.")
    print("\n".join(sender.wrong[:20]))
    sys.exit(bool(sender.wrong))


if __name__ == "__main__":
    main()
