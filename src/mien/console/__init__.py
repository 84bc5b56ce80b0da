"""The web console's page, as the build hook (`hatch_build.py`) left it here; its sources are in the folder console."""

from __future__ import annotations

from pathlib import Path


def page_folder() -> Path | None:
    """Where index.html and the files beside it are; None where the page was not built."""
    folder = Path(__file__).with_name("page")
    return folder if (folder / "index.html").is_file() else None
