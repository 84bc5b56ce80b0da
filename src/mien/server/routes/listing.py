"""Every router of the API, in the order of the document."""

from __future__ import annotations

from fastapi import APIRouter

from mien.server.routes import (
    accounts,
    audit,
    cameras,
    corrections,
    events,
    gallery,
    health,
    keys,
    live,
    models,
    oidc,
    people,
    photos,
    preferences,
    session,
    templates,
    videos,
)

routers: list[APIRouter] = [
    health.router,
    session.router,
    oidc.router,
    accounts.router,
    keys.router,
    preferences.router,
    audit.router,
    models.router,
    photos.router,
    people.router,
    templates.router,
    corrections.router,
    gallery.router,
    videos.router,
    live.router,
    cameras.router,
    events.router,
]
