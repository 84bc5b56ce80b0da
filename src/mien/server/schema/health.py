"""Whether it lives."""

from __future__ import annotations

from typing import Literal

from mien.server.schema.wire import Wire


class Health(Wire):
    """All is well. version: of mien, there."""

    status: Literal["ok"] = "ok"
    version: str
