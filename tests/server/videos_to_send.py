"""Made-up videos for the tests of jobs, and ways to wait for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fastapi.testclient import TestClient
from tests.video.numbered_video import write_video

from mien.image import encode_image

WIDTH, HEIGHT = 320, 240
UPLOAD = {"Content-Type": "video/mp4"}


def pictures(person: np.ndarray, count: int) -> Iterable[np.ndarray]:
    """Somebody who walks to the right."""
    face = cv2.resize(person, (200, 200), interpolation=cv2.INTER_AREA)
    for index in range(count):
        canvas = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        left = 20 + index % 40 * 2
        canvas[20:220, left : left + 200] = face
        yield canvas


def film(path: Path, person: np.ndarray, count: int = 25) -> bytes:
    """An MP4 of one person, 25 pictures a second."""
    return write_video(path, pictures(person, count)).read_bytes()


def jpeg(person: np.ndarray, index: int = 0) -> bytes:
    """One such picture."""
    return encode_image(next(iter(list(pictures(person, index + 1))[index:])), ".jpg")


def until(found: Callable[[], Any], seconds: float = 60.0) -> Any:
    """What `found` gives once it is something; fails where it never is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := found():
            return result
        time.sleep(0.05)
    raise AssertionError("it never came to be")


def send(client: TestClient, headers: dict[str, str], video: bytes, **query: Any) -> dict[str, Any]:
    """Upload one; the job."""
    answer = client.post("/v1/videos", params=query, content=video, headers=headers | UPLOAD)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/videos/{answer.json()['id']}"
    return answer.json()


def ended(client: TestClient, headers: dict[str, str], job_id: str) -> dict[str, Any]:
    """The job once it has come to an end."""

    def look() -> dict[str, Any] | None:
        job = client.get(f"/v1/videos/{job_id}", headers=headers).json()
        return job if job["state"] not in ("queued", "running") else None

    return until(look)
