"""Whether the service lives, its figures, its document."""

from __future__ import annotations

from typing import Any

from mien.client.asking import document, get, text
from mien.client.call import Call
from mien.server.schema.health import Health


def get_live() -> Call[Health]:
    """Whether the process answers; needs no key."""
    return get("/health/live", Health)


def get_ready() -> Call[Health]:
    """Whether networks and gallery are loaded; needs no key."""
    return get("/health/ready", Health)


def get_metrics() -> Call[str]:
    """Figures for Prometheus."""
    return Call("GET", "/metrics", text, again=True)


def get_openapi() -> Call[dict[str, Any]]:
    """The OpenAPI document."""
    return Call("GET", "/v1/openapi.json", document, again=True)
