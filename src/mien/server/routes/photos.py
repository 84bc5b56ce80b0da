"""Photos in, answers out: what they show, whether two show one person, and who that is."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from mien.analyze import Analyzer, Stage, default_stages
from mien.compare import ComparePolicy, Comparer
from mien.gallery.asking import Ask, Sighting
from mien.gallery.identify import Identification, IdentifyPolicy
from mien.gallery.search.labels import Filter
from mien.server.access.guard import Operator
from mien.server.caller import Caller
from mien.server.errors import Invalid
from mien.server.routes.attending import attended, form, opened
from mien.server.routes.noting import check_why
from mien.server.schema.analysis import Analysis, analysis_fields
from mien.server.schema.comparison import Comparison, comparison_fields
from mien.server.schema.identification import Identifications, IdentifyQuery, sighting_fields
from mien.server.schema.problems import problems
from mien.server.schema.upload import Field, form_body, photo_schema
from mien.server.schema.wire import answer, encoded
from mien.server.service import Service, ServiceOf

router = APIRouter(prefix="/v1", tags=["photos"])
PHOTO: Final = "JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF or HEIC, told by the content."
Stages = Annotated[
    list[Stage] | None,
    Query(max_length=8, description="Repeatable: only these, besides finding the faces; all where left out."),
]
Rate = Annotated[float | None, Query(gt=0, lt=1, description="As in the preferences, where left out.")]


@router.post(
    "/analyze",
    operation_id="analyze_photo",
    summary="Find and describe the faces of a photo",
    description="Expressions are what a face shows, never what the person feels. No face is an empty list, no error.",
    response_model=Analysis,
    responses=problems(401, 403, 415),
    openapi_extra=form_body({"photo": photo_schema(PHOTO)}, ("photo",)),
)
async def analyze_photo(
    request: Request,
    service: ServiceOf,
    caller: Operator,
    stages: Stages = None,
    points: Annotated[bool, Query(description="With the 468 points of each mesh.")] = False,
    vectors: Annotated[bool, Query(description="With the vector of each face.")] = False,
) -> Response:
    """Nothing of the photo is kept."""
    analyzer = _narrowed(service, stages)
    async with form(request, service, {"photo": Field(service.config.photo_bytes)}) as sent:
        photo = sent.one("photo")

        def work() -> bytes:
            analysis = analyzer.analyze(opened(service, photo))
            service.metrics.faces.inc(len(analysis.faces))
            return encoded(analysis_fields(analysis, points, vectors))

        found = await attended(request, service, work)
    return answer(found)


@router.post(
    "/compare",
    operation_id="compare_photos",
    summary="Say whether two photos show one person, at a false match rate",
    description="Inconclusive is an answer: no face, several of similar size, or too poor a quality.",
    response_model=Comparison,
    responses=problems(401, 403, 415),
    openapi_extra=form_body({"first": photo_schema(PHOTO), "second": photo_schema(PHOTO)}, ("first", "second")),
)
async def compare_photos(request: Request, service: ServiceOf, caller: Operator, fmr: Rate = None) -> Response:
    """Nothing of the photos is kept."""
    preferences = (await run_in_threadpool(service.preferences.get, caller.tenant))[0]
    policy = ComparePolicy(fmr or preferences.fmr)
    comparer = Comparer(service.analyzer, service.gallery.calibration, policy)
    limit = Field(service.config.photo_bytes)
    async with form(request, service, {"first": limit, "second": limit}) as sent:
        both = sent.one("first"), sent.one("second")

        def work() -> bytes:
            comparison = comparer(*(opened(service, one) for one in both))
            service.metrics.faces.inc(len(comparison.first.faces) + len(comparison.second.faces))
            return encoded(comparison_fields(comparison))

        found = await attended(request, service, work)
    return answer(found)


@router.post(
    "/identify",
    operation_id="identify_photo",
    summary="Say who the faces of a photo are, at a false positive identification rate",
    description="Among the caller's tenant's people. Whom the answer names is written to the audit log, with `why`.",
    response_model=Identifications,
    responses=problems(401, 403, 415),
    openapi_extra=form_body({"photo": photo_schema(PHOTO)}, ("photo",)),
)
async def identify_photo(
    request: Request,
    service: ServiceOf,
    caller: Operator,
    asked: Annotated[IdentifyQuery, Query()],
) -> Response:
    """The photo is not kept; of answers, what the gallery's policy says."""
    preferences = (await run_in_threadpool(service.preferences.get, caller.tenant))[0]
    check_why(preferences, asked.why)
    policy = IdentifyPolicy(asked.fpir or preferences.fpir)
    ask = Ask(policy, asked.top, Filter(caller.tenant, frozenset(asked.groups)))
    async with form(request, service, {"photo": Field(service.config.photo_bytes)}) as sent:
        photo = sent.one("photo")
        found = await attended(request, service, lambda: _identified(service, caller, photo, ask, asked.why))
    return answer(found)


def _narrowed(service: Service, stages: list[Stage] | None) -> Analyzer:
    """Raises Invalid for a stage that the licence policy keeps this service from."""
    if stages is None:
        return service.analyzer
    if missing := set(stages) - set(default_stages(service.settings)):
        raise Invalid(f"The service does not run {', '.join(sorted(missing))}.", "Its licence policy forbids it.")
    return service.analyzer.narrowed(stages)


def _identified(service: Service, caller: Caller, photo: bytes, ask: Ask, why: str) -> bytes:
    rates = service.gallery.rates(ask.keep)
    if rates is not None:
        if not rates.n_people:
            raise Invalid("There is nobody to compare with.", "Enrol people first, or name other groups.")
        # Before the photo is looked at: a rate out of reach is named with the smallest one in reach.
        rates.threshold(ask.policy.fpir)
    sightings = service.gallery.identify(opened(service, photo), ask)
    service.metrics.faces.inc(len(sightings))
    _note_disclosed(service, caller, sightings, why)
    return encoded({"faces": [sighting_fields(one) for one in sightings]})


def _note_disclosed(service: Service, caller: Caller, sightings: tuple[Sighting, ...], why: str) -> None:
    """One entry for each person whom the answer names, found or a candidate; one without where it names nobody."""
    answers = [one.identification for one in sightings if isinstance(one.identification, Identification)]
    known = {one.person_id for one in answers if one.person_id}
    named = {person for one in sightings for person in one.names} | known
    with service.state.write():
        for person in sorted(named):
            detail = {"faces": len(sightings), "answer": "person" if person in known else "candidate"}
            service.audit.write(caller, "identify_photo", person, why, detail)
        if not named:
            service.audit.write(caller, "identify_photo", None, why, {"faces": len(sightings), "answer": "nobody"})
