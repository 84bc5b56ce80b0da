"""Whether it lives, whether it is ready, its figures, its document."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from mien import __version__
from mien.server.access.guard import Viewer
from mien.server.metrics import CONTENT_TYPE
from mien.server.schema.health import Health
from mien.server.schema.problems import problems
from mien.server.service import ServiceOf

router = APIRouter(tags=["health"])


@router.get("/health/live", summary="Whether the process answers", responses=problems())
async def get_live() -> Health:
    """Open to everybody; says nothing of gallery or networks."""
    return Health(version=__version__)


@router.get("/health/ready", summary="Whether networks and gallery are loaded", responses=problems())
def get_ready(service: ServiceOf) -> Health:
    """Open to everybody; 503 until then."""
    service.state.row("SELECT 1")
    return Health(version=__version__)


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={**problems(401, 403), 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def get_metrics(service: ServiceOf, caller: Viewer) -> Response:
    """Counts and times, nothing about anybody."""
    jobs: dict[str, int] = dict(service.state.read("SELECT state, count(*) FROM jobs WHERE NOT removed GROUP BY state"))
    service.metrics.look(service.inference.waiting, service.live.open, jobs)
    return Response(service.metrics.render(), media_type=CONTENT_TYPE)


@router.get("/v1/openapi.json", summary="This document", responses=problems(401, 403))
def get_openapi(request: Request, caller: Viewer) -> dict[str, Any]:
    """OpenAPI 3.1."""
    document: dict[str, Any] = request.app.openapi()
    return document
