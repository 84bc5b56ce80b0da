"""What the answers rest on: the models in use, and the curves of their error rates."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response

from mien.landmark.mesh import LANDMARK_CARDS
from mien.server.access.guard import Viewer
from mien.server.schema.calibrations import Calibrations, calibration_fields
from mien.server.schema.models import Models, model_fields
from mien.server.schema.problems import problems
from mien.server.schema.wire import answer
from mien.server.service import ServiceOf
from mien.weights.catalog import Catalog

router = APIRouter(prefix="/v1", tags=["models"])
DETECTOR: Final = "yunet"


@router.get(
    "/calibrations",
    operation_id="list_calibrations",
    summary="The curve from score to false match rate of the model in use",
    description="On it lies the score of every comparison whose `calibration_id` it is.",
    response_model=Calibrations,
    responses=problems(401, 403),
)
def list_calibrations(service: ServiceOf, caller: Viewer) -> Response:
    """The gallery's model is the service's."""
    calibration = service.gallery.calibration
    return answer({"items": [calibration_fields(calibration)] if calibration else []})


@router.get(
    "/models",
    operation_id="list_models",
    summary="The models in use, their licences and their training data",
    description="With the hash of each file, as `mien weights verify` checks it.",
    response_model=Models,
    responses=problems(401, 403),
)
def list_models(service: ServiceOf, caller: Viewer) -> Response:
    """Those that the analyzer has loaded."""
    networks, catalog = service.analyzer.networks, Catalog.load(service.settings).by_name
    used = dict.fromkeys((DETECTOR, *(LANDMARK_CARDS if networks.landmark else ())), "")
    for stage in (networks.embed, networks.express):
        if stage is not None:
            used[stage.card.name] = stage.model
    return answer({"items": [model_fields(catalog[name], used_as) for name, used_as in used.items()]})
