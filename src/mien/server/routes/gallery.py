"""The gallery as a whole, as far as it is the caller's tenant's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from mien.errors import CalibrationError
from mien.gallery.fpir import OpenSet
from mien.gallery.search.labels import Filter
from mien.record import plain
from mien.server.access.guard import Operator, Viewer
from mien.server.caller import Caller
from mien.server.errors import Invalid
from mien.server.routes.attending import attended
from mien.server.schema.gallery import Dial, Findings, GalleryInfo
from mien.server.schema.problems import problems
from mien.server.schema.wire import answer, encoded
from mien.server.service import Service, ServiceOf

router = APIRouter(prefix="/v1/gallery", tags=["gallery"])
RATES: Final = (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)
# The doctor compares every template with every other: about ten seconds of one core.
MOST_EXAMINED: Final = 20_000
Rates = Annotated[
    list[Annotated[float, Query(gt=0, lt=1)]] | None,
    Query(max_length=20, description="Repeatable; a usual list where left out.", examples=[[0.01, 0.001]]),
]


@router.get(
    "",
    operation_id="get_gallery",
    summary="Size, embedder and policy of the gallery",
    description="The policy is of the whole gallery, the counts are of the caller's tenant.",
    response_model=GalleryInfo,
    responses=problems(401, 403),
)
def get_gallery(service: ServiceOf, caller: Viewer) -> Response:
    """Counts are as they are now."""
    info, people, now = service.gallery.info, service.roll(caller.tenant), datetime.now(UTC)
    untils = [one.profile.consent.until for one in people if one.profile.consent]
    return answer(
        {
            "id": info.id,
            "model": info.model,
            "created_at": info.created_at,
            "policy": info.policy,
            "n_people": len(people),
            "n_templates": sum(one.n_templates for one in people),
            "n_expired": sum(1 for until in untils if until is not None and until <= now),
            "calibration_id": service.gallery.calibration.id if service.gallery.calibration else None,
        }
    )


@router.get(
    "/dial",
    operation_id="get_dial",
    summary="What error rates mean among the people who are enrolled now",
    description="A rate that calibration and gallery cannot support is in the list, and says so.",
    response_model=Dial,
    responses=problems(401, 403),
)
def get_dial(service: ServiceOf, caller: Viewer, fpir: Rates = None) -> Response:
    """Among those of the caller's tenant who can be found now."""
    rates = service.gallery.rates(Filter(caller.tenant))
    return answer(dial_fields(rates, tuple(fpir or RATES)))


@router.get(
    "/findings",
    operation_id="list_findings",
    summary="What the doctor finds: duplicates, wrong and poor photos, people who are hard to tell apart",
    description="Looked for anew at each request, among the caller's tenant's people; one at a time, else 503.",
    response_model=Findings,
    responses=problems(401, 403),
)
async def list_findings(request: Request, service: ServiceOf, caller: Operator) -> Response:
    """In a worker, as it can take seconds."""
    return answer(await attended(request, service, lambda: _findings(service, caller)))


def _findings(service: Service, caller: Caller) -> bytes:
    people = service.roll(caller.tenant)
    if (count := sum(one.n_templates for one in people)) > MOST_EXAMINED:
        raise Invalid(
            f"There are {count:,} templates; here at most {MOST_EXAMINED:,} are compared with each other.",
            "Run `mien gallery doctor` on the machine.",
        )
    with service.examining.hold(caller.tenant):
        found = service.gallery.examine(keep=Filter(caller.tenant))
    meant = {person for one in found for person in (one.person_id, one.other_id) if person}
    names = {one.id: one.profile.name for one in people if one.id in meant}
    service.audit.write(caller, "list_findings", detail={"findings": len(found), "people": len(names)})
    return encoded({"names": names, "findings": found})


def dial_fields(rates: OpenSet | None, asked: tuple[float, ...]) -> dict[str, Any]:
    """The answer of the dial; `rates` is None without a calibration."""
    n_people = rates.n_people if rates else 0
    return {
        "n_people": n_people,
        "smallest_fpir": rates.smallest_fpir if rates and n_people else None,
        "based_on": rates.based_on if rates else "no calibration",
        "points": [_point(rates, fpir) for fpir in asked],
    }


def _point(rates: OpenSet | None, fpir: float) -> dict[str, Any]:
    threshold, reason = _threshold(rates, fpir)
    people = rates.n_people if rates else 0
    often = f"Of 1,000 strangers about {1000 * fpir:.2g} are called"
    whom = "your one person" if people == 1 else f"one of your {people:,} people"
    return {
        "fpir": fpir,
        "supported": threshold is not None,
        "threshold": plain(threshold) if threshold is not None else None,
        "per_1000": plain(1000 * fpir),
        "counted": plain(rates.fpir(threshold)) if rates and threshold is not None else None,
        "meaning": reason or f"{often} {whom}.",
    }


def _threshold(rates: OpenSet | None, fpir: float) -> tuple[float | None, str]:
    """And, where there is none, why."""
    if rates is None:
        return None, "No calibration is for the gallery's model."
    if not rates.n_people:
        return None, "There is nobody to compare with."
    try:
        return rates.threshold(fpir), ""
    except CalibrationError as error:
        return None, str(error)
