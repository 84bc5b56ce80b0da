"""Where the sinks get PyAV from: it is in the extra `video`, and is imported only when a video is written."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from mien.errors import ExtraMissing


def as_file(path: Path) -> str:
    """The path as FFmpeg takes it for nothing but a file; the part before a colon would be a protocol."""
    return f"file:{os.path.abspath(path)}"


def pyav() -> Any:
    """The module `av`. Raises ExtraMissing where it is not installed."""
    try:
        return import_module("av")
    except ImportError as error:
        raise ExtraMissing("Writing video needs PyAV.", "Install it with: pip install 'mien[video]'") from error
