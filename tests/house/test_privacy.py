"""docs/privacy.md is true: nothing phones home, nothing is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from mien.image import encode_image
from mien.settings import Settings

# Opening a file for writing, a connection, or another process: each is noted.
WATCH = """
import sys
seen = []
def watch(event, values):
    writes = event == "open" and isinstance(values[1], str) and set(values[1]) & set("wax+")
    if writes or event.split(".")[0] in ("socket", "subprocess", "urllib") or event in ("os.fork", "os.posix_spawn"):
        seen.append(f"{event} {values}")
sys.addaudithook(watch)
from mien.cli.main import run
code = run(["analyze", "photo.png"])
loaded = [name for name in sys.modules if "telemetry" in name and sys.modules[name]]
print(code, loaded, seen, file=sys.stderr)
"""


def test_analyze_writes_nothing_and_connects_to_nothing(
    weights: Settings, astronaut: np.ndarray, tmp_path: Path
) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    (work / "photo.png").write_bytes(encode_image(astronaut, ".png"))
    environment = {name: value for name, value in os.environ.items() if name not in CI}
    environment |= {"HOME": str(home), "MIEN_CACHE_DIR": str(weights.cache_dir), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", WATCH], cwd=work, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == "0 [] []"
    assert list(home.rglob("*")) == [] and [path.name for path in work.iterdir()] == ["photo.png"]


# OpenVINO's telemetry is silent where one of these is set; a user's machine has none of them.
CI = {"CI", "TF_BUILD", "JENKINS_URL"}
