"""Programs that only ask a service load neither networks nor a gallery."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {
    *("numpy", "cv2", "PIL", "openvino", "onnxruntime", "onnx", "scipy", "av", "apsw", "psycopg", "keras"),
    *("fastapi", "starlette", "uvicorn", "prometheus_client", "argon2", "pydantic_settings"),
    *("mien.settings", "mien.image", "mien.face", "mien.analyze", "mien.gallery.store", "mien.server.service"),
}


def test_the_client_and_its_models_are_light() -> None:
    asked = "import sys, mien.client, mien.client.models; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=120)
    loaded = set(done.stdout.split())
    assert "mien.server.schema.people" in loaded and loaded & HEAVY == set()
