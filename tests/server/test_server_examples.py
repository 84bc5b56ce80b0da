"""The examples of docs/serve-api.md, run as they stand against a service on this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI

from mien.image import encode_image

DOCUMENT = Path(__file__).parents[2] / "docs" / "serve-api.md"
# These name what every reader has otherwise.
OWN = ("export URL=", "export KEY=")


def commands() -> list[str]:
    """Every line of every block of commands."""
    found, inside = [], False
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            inside = line == "```console"
        elif inside and not line.startswith(OWN):
            found.append(line)
    return found


@pytest.fixture
def address(app: FastAPI) -> Iterator[str]:
    """The application, answering on a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as at:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([at],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{at.getsockname()[1]}"
        server.should_exit = True
        thread.join(60)


@pytest.fixture
def photos(tmp_path: Path, astronaut: np.ndarray) -> Path:
    """A folder with the files that the examples name."""
    again = cv2.convertScaleAbs(astronaut[:, ::-1], alpha=0.8, beta=10)
    for name, pixels in (("anna", astronaut), ("anna-again", again), ("visitor", again)):
        (tmp_path / f"{name}.jpg").write_bytes(encode_image(np.ascontiguousarray(pixels), ".jpg"))
    return tmp_path


def test_the_examples_of_the_documents_work(address: str, photos: Path, administrator: dict[str, str]) -> None:
    if not (shutil.which("curl") and shutil.which("jq") and shutil.which("bash")):
        pytest.skip("needs curl, jq and bash")
    lines = commands()
    assert sum("curl" in line for line in lines) >= 15
    key = administrator["Authorization"].removeprefix("Bearer ")
    script = "set -euo pipefail\n" + "\n".join(lines)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=photos,
        env=os.environ | {"URL": address, "KEY": key},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"Anna Weber"' in done.stdout and '"match"' in done.stdout
