"""Kills `mien serve` while people are enrolled and videos uploaded, again and again, and looks at what is left.

Each round starts the service on this machine's loopback, lets four clients enrol people and upload small videos at
once, and kills the process with SIGKILL at a random moment after it is ready. Whatever was acknowledged by an answer
must be there in the next round: people, jobs, and the entries of both in the audit log, whose chain must hold. At the
end every job must have ended: done with whole results, or failed with the reason; and no upload may be left. A power
cut is something else: the system's cache survives a kill.

    python benchmarks/serve_kill.py --kills 100 --faces FOLDER

FOLDER has photos of different people, which are enrolled in turn; without it one face is enrolled again and again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import cv2
import httpx
import numpy as np

from mien.gallery.store.master import MasterKey
from mien.image import encode_image, open_photo
from mien.settings import load_settings
from mien.weights.fetch import ensure

RUN = "from mien.cli.main import main; main()"
CLIENTS = 4
# What is lost stays lost: it need not be looked for after each kill.
LOOK_EVERY = 10
READY_SECONDS = 60.0
ENDS_SECONDS = 600.0
PASSWORD = "four words of a benchmark"
CONSENT = {"given_by": "nobody", "purpose": "a benchmark", "how": "made up"}


@dataclass
class Tally:
    """What was acknowledged, and what is wrong; `faults` must stay empty. Clients write from several threads."""

    people: set[str] = field(default_factory=set)
    jobs: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    kills: int = 0
    began: float = field(default_factory=time.monotonic)


class Server:
    """One start of `mien serve` on a folder."""

    def __init__(self, folder: Path, port: int, master: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        environment = os.environ | {
            "MIEN_GALLERY_KEY": master,
            "MIEN_GALLERY": str(folder / "gallery"),
            "MIEN_SERVER_STATE_DIR": str(folder / "server"),
            "MIEN_SERVER_REQUESTS_PER_MINUTE": "1000000",
            "MIEN_OFFLINE": "1",
        }
        command = [sys.executable, "-c", RUN, "serve", "--port", str(port)]
        with open(folder / "log", "ab") as said:
            self.process = subprocess.Popen(command, env=environment, stdout=said, stderr=said)

    def ready(self) -> bool:
        """Once it answers that it is; False where it ended, or never is."""
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200:
                    return True
            except httpx.HTTPError:
                pass
            time.sleep(0.05)
        return False

    def kill(self) -> None:
        """At once."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        """In good order."""
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()


def first_key(server: Server, folder: Path) -> str:
    """Set the administrator's password by the link that was printed, and make a key."""
    found = re.search(r"#welcome=(\S+)", (folder / "log").read_text())
    assert found, "no link was printed"
    with httpx.Client(base_url=f"{server.url}/v1", timeout=60) as client:
        session = client.post("/session/welcome", json={"token": found[1]}).raise_for_status().json()
        headers = {"X-CSRF-Token": session["csrf"]}
        body = {"old": "", "new": PASSWORD}
        session = client.put("/session/password", json=body, headers=headers).raise_for_status().json()
        headers = {"X-CSRF-Token": session["csrf"]}
        made = client.post("/keys", json={"name": "benchmark", "role": "administrator"}, headers=headers)
        return str(made.raise_for_status().json()["text"])


class Photos(Iterator[bytes]):
    """Photo after photo, from the first again after the last, for several threads."""

    def __init__(self, photos: list[bytes]) -> None:
        self._photos, self._numbers = photos, itertools.count()

    def __next__(self) -> bytes:
        return self._photos[next(self._numbers) % len(self._photos)]


@dataclass(frozen=True)
class Sent:
    """photos: of people to enrol. video: of a second."""

    photos: Photos
    video: bytes


class Client(threading.Thread):
    """Enrols and uploads in turn until the service is gone."""

    def __init__(self, server: Server, key: str, sent: Sent, tally: Tally, number: int) -> None:
        super().__init__(daemon=True)
        self._http = httpx.Client(base_url=f"{server.url}/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60)
        self._sent = sent
        self._tally, self._number = tally, number

    def run(self) -> None:
        turn = self._number
        with self._http:
            while True:
                try:
                    self._enrol() if turn % 2 else self._upload()
                except (httpx.HTTPError, ValueError):
                    return
                turn += 1

    def _enrol(self) -> None:
        person = {"name": f"somebody {random.random()}", "consent": CONSENT, "allow_duplicate": True}
        form = {
            "person": (None, json.dumps(person), "application/json"),
            "photos": ("a.jpg", next(self._sent.photos), "image/jpeg"),
        }
        answer = self._http.post("/people", files=form)
        self._tally.statuses[answer.status_code] += 1
        if answer.status_code == 201:
            self._tally.people.add(answer.json()["person"]["id"])

    def _upload(self) -> None:
        query = {"name": "clip.mp4", "annotate": False, "stages": "landmark"}
        headers = {"Content-Type": "video/mp4"}
        answer = self._http.post("/videos", params=query, content=self._sent.video, headers=headers)
        self._tally.statuses[answer.status_code] += 1
        if answer.status_code == 202:
            self._tally.jobs.add(answer.json()["id"])
        time.sleep(0.3)  # so that the queue is worked off some day


def asking(server: Server, key: str) -> httpx.Client:
    """Somebody who may see everything."""
    return httpx.Client(base_url=f"{server.url}/v1", headers={"Authorization": f"Bearer {key}"}, timeout=120)


def pages(client: httpx.Client, path: str, **query: Any) -> list[dict[str, Any]]:
    """All items of a list."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = client.get(path, params=query | {"limit": 200, "cursor": cursor}).raise_for_status().json()
        items += page["items"]
        if not (cursor := page["next"] or ""):
            return items


def look(client: httpx.Client, tally: Tally) -> None:
    """Whether everything that was acknowledged is there."""
    people = {one["id"] for one in pages(client, "/people")}
    jobs = {one["id"]: one for one in pages(client, "/videos")}
    entries = {(one["action"], one["subject"]) for one in pages(client, "/audit")}
    tally.faults += [f"person {one} is gone" for one in tally.people - people]
    tally.faults += [f"job {one} is gone" for one in tally.jobs - jobs.keys()]
    audited = {subject for action, subject in entries if action == "enrol_person"}
    tally.faults += [f"no entry of enrolment {one}" for one in tally.people - audited]
    audited = {subject for action, subject in entries if action == "add_video"}
    tally.faults += [f"no entry of video {one}" for one in tally.jobs - audited]
    verdict = client.get("/audit/verify").raise_for_status().json()
    tally.faults += [f"audit: {fault}" for fault in verdict["faults"]]


def finish(client: httpx.Client, tally: Tally, folder: Path) -> Counter[str]:
    """Wait for every job, and look at what became of it."""
    until = time.monotonic() + ENDS_SECONDS
    while time.monotonic() < until:
        jobs = pages(client, "/videos")
        if all(job["state"] not in ("queued", "running") for job in jobs):
            break
        time.sleep(1)
    time.sleep(2)  # uploads go just after the record says so
    for job in jobs:
        if job["state"] in ("queued", "running"):
            tally.faults.append(f"job {job['id']} has not ended")
        elif job["state"] == "failed" and not job["trouble"]["cause"]:
            tally.faults.append(f"job {job['id']} failed without a reason")
        elif job["state"] == "done":
            result = client.get(f"/videos/{job['id']}/result")
            if result.status_code != 200 or result.json()["summary"]["frames"] != job["frames"]:
                tally.faults.append(f"the result of job {job['id']} is not whole")
    known = {job["id"] for job in jobs}
    for path in (folder / "server" / "jobs").iterdir():
        # Of uploads that a kill cut off nothing was acknowledged; the service lets go of them after a while.
        if path.name in known and (left := {one.name for one in path.iterdir()} - {"result"}):
            tally.faults.append(f"{left} left in job {path.name}")
    states = Counter(f"{job['state']} after {job['tries']} tries" for job in jobs)
    codes = Counter(f"failed: {job['trouble']['code']}" for job in jobs if job["trouble"])
    return states + codes


def made_up(face: np.ndarray) -> bytes:
    """A video of one second."""
    small = cv2.resize(face, (240, 240), interpolation=cv2.INTER_AREA)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
            for index in range(25):
                picture = np.full((240, 320, 3), 90, np.uint8)
                picture[:, 2 * index : 2 * index + 240] = small
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
        return path.read_bytes()


def sent_of(faces: Path | None) -> Sent:
    """What clients send."""
    sample = open_photo(ensure("astronaut", load_settings())).pixels().pixels
    photos = [path.read_bytes() for path in sorted(faces.rglob("*.jpg"))] if faces else [encode_image(sample, ".jpg")]
    random.shuffle(photos)
    return Sent(Photos(photos), made_up(sample))


def round_(server: Server, key: str, sent: Sent, tally: Tally) -> None:
    """Look, work, kill."""
    if tally.kills % LOOK_EVERY == 0:
        with asking(server, key) as client:
            look(client, tally)
    clients = [Client(server, key, sent, tally, number) for number in range(CLIENTS)]
    for client_ in clients:
        client_.start()
    time.sleep(random.uniform(0.2, 6.0))
    server.kill()
    tally.kills += 1
    for client_ in clients:
        client_.join(60)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    random.seed(asked.seed)
    sent = sent_of(asked.faces)
    tally, master = Tally(), MasterKey.new().text
    with tempfile.TemporaryDirectory() as place, socket.create_server(("127.0.0.1", 0)) as free:
        folder, port = Path(place), free.getsockname()[1]
        free.close()
        server = Server(folder, port, master)
        assert server.ready(), (folder / "log").read_text()
        key = first_key(server, folder)
        while tally.kills < asked.kills:
            round_(server, key, sent, tally)
            server = Server(folder, port, master)
            if not server.ready():
                tally.faults.append(
                    f"it does not start after kill {tally.kills}: {(folder / 'log').read_text()[-2000:]}"
                )
                break
            took = time.monotonic() - tally.began
            print(f"{tally.kills} kills, {len(tally.people)} people, {len(tally.jobs)} jobs, {took:.0f} s", flush=True)
        with asking(server, key) as last:
            look(last, tally)
            states = finish(last, tally, folder)
        server.end()
    print(f"kills {tally.kills}; acknowledged: {len(tally.people)} people, {len(tally.jobs)} jobs")
    print(f"answers by status: {dict(tally.statuses)}; jobs: {dict(states)}")
    print("\n".join(dict.fromkeys(tally.faults)) or "nothing was lost")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
