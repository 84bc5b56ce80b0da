"""DeepFace's own Flask API on the same photos, for serve_speed.py: its environment, its models, its figures."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import sleep

from environments import PEERS, python_of
from serve_load import Tally, Target, closed
from video_deepface import place

from mien.engine.plain import plain_onnx
from mien.settings import load_settings
from mien.weights.fetch import ensure

REQUIREMENTS = ["deepface[api]>=0.0.103", "onnxruntime"]
APPLICATION = "deepface.api.src.app:create_app()"
DETECTOR = ("detector_backend", "yunet")
AT_ONCE = 4
WARMING = 10


def measure(photos: Sequence[bytes], count: int, rounds: int, python: str | None = None) -> None:
    """Prints its rates with one process, as its image has it, and with two."""
    python = python or python_of(PEERS / "serve-deepface", REQUIREMENTS)
    if python is None:
        print("\nDeepFace cannot be installed here.")
        return
    print("\n| DeepFace's API | photos a second, by round | median ms of a request | answers |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        _models(home)
        for workers in (1, 2):
            with _server(python, home, workers) as address:
                _report(address, workers, photos, count, rounds)


def _models(home: Path) -> None:
    settings, files = load_settings(), {}
    for model in ("yunet", "sface"):
        path = home / f"{model}.onnx"
        path.write_bytes(plain_onnx(ensure(model, settings).read_bytes()))
        files[model] = str(path)
    place(files, home)


@contextmanager
def _server(python: str, home: Path, workers: int) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        at = f"127.0.0.1:{free.getsockname()[1]}"
    command = [python, "-P", "-m", "gunicorn", f"--workers={workers}", "--timeout=7200", f"--bind={at}", APPLICATION]
    own = {"DEEPFACE_HOME": str(home), "DEEPFACE_BACKEND_ENGINE": "onnx"}
    with (home / "log").open("a") as log:
        child = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | own)
        try:
            _wait(at, child)
            yield f"http://{at}"
        finally:
            child.terminate()
            child.wait(60)


def _wait(at: str, child: subprocess.Popen[bytes]) -> None:
    for _ in range(1200):
        try:
            urllib.request.urlopen(f"http://{at}/", timeout=60).close()
            return
        except OSError:
            if child.poll() is not None:
                break
            sleep(0.1)
    raise SystemExit("DeepFace's API did not start.")


def _report(address: str, workers: int, photos: Sequence[bytes], count: int, rounds: int) -> None:
    embed = Target(address, "/represent")
    express = Target(address, "/analyze")
    requests = [
        request
        for photo in photos
        for request in (
            embed.request(photo, "img", (DETECTOR, ("model_name", "SFace"))),
            express.request(photo, "img", (DETECTOR, ("actions", "['emotion']"))),
        )
    ]
    closed(address, requests, AT_ONCE, WARMING)
    for at_once in (1, AT_ONCE):
        tallies: list[Tally] = [closed(address, requests, at_once, 2 * count) for _ in range(rounds)]
        rates = [one.rate / 2 for one in tallies]
        every = Tally(seconds=[seconds for one in tallies for seconds in one.seconds])
        answers = sum((one.statuses for one in tallies), tallies[0].statuses.__class__())
        print(
            f"| {workers} process{'es' if workers > 1 else ''}, {at_once} client{'s' if at_once > 1 else ''} |"
            f" {statistics.median(rates):.1f} ({min(rates):.1f} to {max(rates):.1f}) | {every.at(0.5):.1f} |"
            f" {dict(answers)} |",
            flush=True,
        )
