"""Writes docs/openapi.json, which the console's types and clients are made of: `python docs/build_openapi.py`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from mien.server.app import create_app
from mien.server.config import ServerConfig
from mien.settings import Settings

PLACE = Path(__file__).with_name("openapi.json")


def render() -> str:
    """The document of this checkout, whatever this machine's own settings are."""
    with tempfile.TemporaryDirectory() as folder:
        config = ServerConfig.model_construct(state_dir=Path(folder))
        document = create_app(config, Settings.model_construct()).openapi()
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    PLACE.write_text(render(), encoding="utf-8")
