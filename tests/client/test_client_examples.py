"""The examples of the documents, run as they stand: those in Python, and those with curl."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.server.videos_to_send import film

from mien.client.asynchronous import AsyncClient
from mien.client.method import Later
from mien.image import encode_image

DOCS = Path(__file__).parents[2] / "docs"
# tests/server/test_server_examples.py runs that one's, and looks at what they print.
ELSEWHERE = "serve-api.md"
PAGES = [
    page
    for page in sorted(DOCS.glob("serve*.md"))
    if page.name != ELSEWHERE and "curl " in page.read_text(encoding="utf-8")
]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
USUAL = "http://127.0.0.1:8460"
SECONDS = 120


def blocks(page: Path, *kinds: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")) if kind in kinds]


@pytest.fixture
def here(photo: Path, astronaut: np.ndarray, tmp_path: Path) -> Path:
    """A folder with the files that the examples name."""
    folder = tmp_path / "here"
    folder.mkdir()
    again = encode_image(np.ascontiguousarray(astronaut[:, ::-1]), ".jpg")
    shutil.copy(photo, folder / "photo.jpg")
    for name in ("anna.jpg", "anna-again.jpg", "visitor.jpg", "again.jpg"):
        (folder / name).write_bytes(again)
    film(folder / "talk.mp4", astronaut, 10)
    return folder


def run(command: list[str], folder: Path, address: str, key: str) -> subprocess.CompletedProcess[str]:
    own = {"URL": address, "MIEN": address, "MIEN_URL": address, "KEY": key, "MIEN_KEY": key}
    return subprocess.run(
        command, cwd=folder, env=os.environ | own, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def script_of(page: Path, address: str) -> str:
    """The lines of blocks with curl. Streams have no end: they are looked at for a while."""
    lines = [line for block in blocks(page, "console", "sh", "bash") if "curl " in block for line in block.splitlines()]
    kept = [line.replace(USUAL, address) for line in lines if not line.startswith("export ")]
    ended = [
        re.sub(r"\bcurl ", "curl --max-time 2 ", line) + " || test $? = 28" if "/stream" in line else line
        for line in kept
    ]
    return "set -euo pipefail\n" + "\n".join(ended)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_with_curl_work(page: Path, address: str, key: str, here: Path) -> None:
    if missing := [name for name in ("bash", "curl", "jq") if not shutil.which(name)]:
        pytest.skip(f"needs {', '.join(missing)}")
    done = run(["bash", "-c", script_of(page, address)], here, address, key)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"code":' not in done.stdout, "an error was answered"


def test_the_examples_in_python_work(address: str, key: str, here: Path) -> None:
    head = "import os\n\nURL, KEY = os.environ['URL'], os.environ['KEY']\n"
    printed = []
    for number, block in enumerate(blocks(DOCS / "client.md", "python")):
        (here / f"example{number}.py").write_text(head + block, encoding="utf-8")
        done = run([sys.executable, "-W", "error", f"example{number}.py"], here, address, key)
        assert done.returncode == 0, block + done.stdout + done.stderr
        printed.append(done.stdout)
    assert len(printed) >= 4 and all(printed) and "person Anna Weber" in printed[0]


def test_the_page_has_every_method() -> None:
    text = (DOCS / "client.md").read_text(encoding="utf-8")
    methods = {name for name, method in vars(AsyncClient).items() if isinstance(method, Later)} | {"live"}
    assert {name for name in methods if f"`{name}`" not in text} == set()
