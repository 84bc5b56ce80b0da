"""Cameras of the configuration: how they are, what they see now."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from mien.server.access.guard import Viewer
from mien.server.caller import Caller
from mien.server.cameras.cameras import CameraView
from mien.server.cameras.watch import TENANT
from mien.server.errors import NotFound
from mien.server.events import Named, shown
from mien.server.schema.cameras import CameraDetail, CameraList
from mien.server.schema.page import moment_of
from mien.server.schema.problems import problems
from mien.server.schema.wire import answer
from mien.server.service import Service, ServiceOf

router = APIRouter(prefix="/v1/cameras", tags=["cameras"])

CameraName = Annotated[
    str, Path(min_length=1, max_length=100, description="As the configuration has it.", examples=["door"])
]


@router.get(
    "",
    operation_id="list_cameras",
    summary="The cameras, with what they see now",
    description="Cameras are named in the service's configuration, and belong to the tenant of whoever wrote it.",
    response_model=CameraList,
    responses=problems(401, 403),
)
def list_cameras(service: ServiceOf, caller: Viewer) -> Response:
    """None for another tenant."""
    cameras = service.cameras
    names = cameras.names if caller.tenant == TENANT else []
    views = [view for name in names if (view := cameras.view(name)) is not None]
    if views:
        service.audit.write_once(caller, "list_cameras", detail={"people": sum(_known(view) for view in views)})
    return answer({"items": [_fields(view, service.named) for view in views]})


@router.get(
    "/{name}",
    operation_id="get_camera",
    summary="One camera, with its latest events",
    response_model=CameraDetail,
    responses=problems(401, 403, 404),
)
def get_camera(name: CameraName, service: ServiceOf, caller: Viewer) -> Response:
    """The latest hundred events."""
    view, named = _own(service, caller, name), service.named
    service.audit.write_once(caller, "get_camera", name, {"people": _known(view)})
    events = [shown(event, named) for event in service.events.of_camera(name)]
    return answer(_fields(view, named) | {"events": events})


@router.get(
    "/{name}/picture",
    operation_id="get_camera_picture",
    summary="The latest picture, with boxes and words",
    description="From memory; nothing of it is kept. 404 while there is none.",
    response_class=Response,
    responses={
        200: {"description": "JPEG.", "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}},
        **problems(401, 403, 404),
    },
)
def get_camera_picture(name: CameraName, service: ServiceOf, caller: Viewer) -> Response:
    """Drawn when asked for."""
    _own(service, caller, name)
    picture = service.cameras.picture(name)
    if picture is None:
        raise NotFound(f"The camera {name} shows nothing now.", "GET /v1/cameras says how it is.")
    service.audit.write_once(caller, "get_camera_picture", name)
    return Response(picture, media_type="image/jpeg")


def _own(service: Service, caller: Caller, name: str) -> CameraView:
    view = service.cameras.view(name) if caller.tenant == TENANT else None
    if view is None:
        raise NotFound("There is no camera of this name.", "GET /v1/cameras lists those that there are.")
    return view


def _known(view: CameraView) -> int:
    """How many people are in view whose names are told."""
    return sum(1 for face in view.faces if isinstance(face["identity"], dict) and face["identity"].get("person_id"))


def _fields(view: CameraView, named: Named) -> dict[str, Any]:
    faces = [dict(face) | {"identity": _named(face["identity"], named)} for face in view.faces]
    return {
        "name": view.name,
        "state": view.state,
        "since": moment_of(view.since),
        "trouble": view.trouble,
        "trouble_code": view.trouble_code,
        "frames": view.frames,
        "dropped": view.dropped,
        "width": view.width,
        "height": view.height,
        "faces": faces,
    }


def _named(identity: Any, named: Named) -> Any:
    """With the name as it is now."""
    return named(TENANT, identity) if isinstance(identity, dict) and identity.get("person_id") else identity
