"""Videos: uploaded, worked on in the background, looked at when they are ready."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from mien.server.access.guard import Operator, Viewer
from mien.server.caller import Caller
from mien.server.errors import Busy, ClientGone, Conflict, NotFound, OutOfRange, WrongKind
from mien.server.routes.noting import check_why
from mien.server.schema.page import Cursor, Limit, Page, cursor_of
from mien.server.schema.places import before_of
from mien.server.schema.problems import problems
from mien.server.schema.tracks import StageName
from mien.server.schema.videos import Job, VideoResult
from mien.server.schema.wire import answer
from mien.server.service import Service, ServiceOf
from mien.server.state import jobs as records
from mien.server.state.audit import Plain
from mien.server.state.database import new_id
from mien.server.state.idempotency import RequestKey, fingerprint, idempotent_change
from mien.server.state.jobs import Asked, JobState
from mien.server.state.naming import REMOVED

router = APIRouter(prefix="/v1/videos", tags=["videos"])

MOST_UNFINISHED: Final = 200
MEDIA_TYPES: Final = {
    "report": "text/html; charset=utf-8",
    "events": "application/x-ndjson",
    "table": "text/csv; charset=utf-8",
    "subtitles": "text/vtt; charset=utf-8",
    "annotated": "video/mp4",
    "result": "application/json",
}
# The report has neither scripts nor anything from elsewhere; a page of this service may show it in a frame.
REPORT_HEADERS: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
}
VIDEO_BODY: Final = {
    "requestBody": {
        "required": True,
        "description": "The video itself.",
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("application/octet-stream", "video/*")
        },
    }
}

RANGE: Final = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")

JobId = Annotated[str, Path(pattern="^[a-z2-7]{26}$", description="Of a job.", examples=["mfrggzdfmztwq2lknnwg23tpoa"])]
Download = Annotated[bool, Query(description="As a file to keep, rather than to look at.")]


class VideoQuery(BaseModel):
    """How a video is worked on."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(
        default="video",
        min_length=1,
        max_length=200,
        description="What people call it; it names no file.",
        examples=["talk.mp4"],
    )
    stages: list[StageName] | None = Field(
        default=None, max_length=4, description="Repeatable; all where left out.", examples=[["landmark", "expression"]]
    )
    identify: bool = Field(default=False, description="Recognise the people on record.")
    annotate: bool = Field(default=True, description="Make a video with boxes and words, too.")
    why: str = Field(default="", max_length=500, description="For the audit log; the preferences may demand it.")


@router.post(
    "",
    status_code=202,
    operation_id="add_video",
    summary="Upload a video",
    description="The body is the video. The answer comes when it is safe on the disk; the work is done afterwards, in "
    "the order in which videos came.",
    response_model=Job,
    responses=problems(401, 403, 409, 415, 507),
    openapi_extra=VIDEO_BODY,
)
async def add_video(
    request: Request,
    service: ServiceOf,
    caller: Operator,
    query: Annotated[VideoQuery, Query()],
    key: RequestKey = None,
) -> Response:
    """Streamed to the disk, never held in memory."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/octet-stream" and not kind.startswith("video/"):
        raise WrongKind("The body is no video.", "Send it as video/mp4 or application/octet-stream.")
    asked = await run_in_threadpool(_asked, service, caller, query)
    jobs, job_id = service.jobs, new_id()
    await run_in_threadpool(_check_room, service, caller, request)
    path = await run_in_threadpool(jobs.folders.make, job_id)
    try:
        try:
            received = await jobs.receiver.take(request.stream(), path)
        except ClientDisconnect as error:
            raise ClientGone("The upload was broken off.") from error
        await run_in_threadpool(jobs.folders.sync, job_id)

        def make() -> Response:
            job = _submit(service, caller, job_id, shown_name(query.name), received.bytes, asked)
            return answer(Job.of(job).model_dump(mode="json"), 202, {"Location": f"/v1/videos/{job_id}"})

        same = fingerprint(request, received.digest.encode())
        return await idempotent_change(service, caller, key, same, make)
    finally:
        await run_in_threadpool(_drop, service, job_id)


@router.get(
    "",
    operation_id="list_videos",
    summary="Videos, the newest first",
    response_model=Page[Job],
    responses=problems(401, 403),
)
def list_videos(service: ServiceOf, caller: Viewer, cursor: Cursor = "", limit: Limit = 50) -> Page[Job]:
    """Those of the caller's tenant."""
    found = service.jobs.records.page(caller.tenant, limit + 1, before_of(cursor))
    more = cursor_of(str(found[limit - 1].seq)) if len(found) > limit else None
    return Page(items=[Job.of(job) for job in found[:limit]], next=more)


@router.get(
    "/{job_id}",
    operation_id="get_video",
    summary="How far a video is",
    response_model=Job,
    responses=problems(401, 403, 404),
)
def get_video(job_id: JobId, service: ServiceOf, caller: Viewer) -> Job:
    """Cheap enough to ask every second."""
    return Job.of(_own(service, caller, job_id))


@router.post(
    "/{job_id}/cancel",
    operation_id="cancel_video",
    summary="Stop working on a video",
    description="Takes about a second; the state says when it is done. One that has ended stays as it is.",
    response_model=Job,
    responses=problems(401, 403, 404),
)
def cancel_video(job_id: JobId, service: ServiceOf, caller: Operator) -> Job:
    """Its upload goes at once."""
    job = _own(service, caller, job_id)
    service.audit.write(caller, "cancel_video", job_id)
    service.jobs.cancel(job)
    return Job.of(_own(service, caller, job_id))


@router.delete(
    "/{job_id}",
    status_code=204,
    operation_id="remove_video",
    summary="Remove a video and everything that came of it",
    responses=problems(401, 403, 404),
)
def remove_video(job_id: JobId, service: ServiceOf, caller: Operator) -> Response:
    """Also where it runs."""
    job = _own(service, caller, job_id)
    service.audit.write(caller, "remove_video", job_id)
    service.jobs.delete(job)
    return Response(status_code=204)


@router.get(
    "/{job_id}/result",
    operation_id="get_video_result",
    summary="Tracks, expressions over time and events as JSON",
    response_model=VideoResult,
    responses=problems(401, 403, 404, 409, 416),
)
def get_video_result(job_id: JobId, request: Request, service: ServiceOf, caller: Viewer) -> Response:
    """As docs/serve-video.md describes it."""
    return _file(request, service, caller, job_id, Kept("result", False))


@dataclass(frozen=True, slots=True)
class Shown:
    """A result that is a file to look at or to keep. summary, description: as the document says them."""

    kind: str
    summary: str
    description: str

    def read(
        self, job_id: JobId, request: Request, service: ServiceOf, caller: Viewer, download: Download = False
    ) -> Response:
        """The route."""
        return _file(request, service, caller, job_id, Kept(self.kind, download))

    @property
    def responses(self) -> dict[int | str, dict[str, Any]]:
        """Whole or in part."""
        media = MEDIA_TYPES[self.kind].partition(";")[0]
        content = {"content": {media: {"schema": {"type": "string", "format": "binary"}}}}
        whole: dict[int | str, dict[str, Any]] = {200: {"description": "The file.", **content}}
        return whole | {206: {"description": "A part of the file.", **content}} | problems(401, 403, 404, 409, 416)


for shown in (
    Shown("report", "The report for people, one HTML page", "Without scripts, in a sandbox of its own."),
    Shown("events", "Events as JSON Lines", "As `mien watch --to events.jsonl`."),
    Shown("table", "A row for each face of each frame, CSV", "As `mien watch --to table.csv`."),
    Shown("subtitles", "Apparent expressions as WebVTT", "As `mien watch --to subtitles.vtt`."),
    Shown("annotated", "The video with boxes and words; takes ranges", "Only where it was asked for."),
):
    router.add_api_route(
        f"/{{job_id}}/{shown.kind}",
        shown.read,
        name=f"get_video_{shown.kind}",
        operation_id=f"get_video_{shown.kind}",
        summary=shown.summary,
        description=shown.description,
        response_class=FileResponse,
        responses=shown.responses,
    )


def _asked(service: Service, caller: Caller, query: VideoQuery) -> Asked:
    wanted = None if query.stages is None else tuple(dict.fromkeys(query.stages))
    service.networks.check(wanted, query.identify)
    preferences = service.preferences.get(caller.tenant)[0]
    if query.identify:
        check_why(preferences, query.why)
    return Asked(wanted, query.identify, query.annotate, preferences.fpir, query.why)


def _check_room(service: Service, caller: Caller, request: Request) -> None:
    said = request.headers.get("content-length", "")
    service.jobs.receiver.check(int(said) if said.isascii() and said.isdigit() else None)
    if service.jobs.records.unfinished(caller.tenant) >= MOST_UNFINISHED:
        raise Busy(f"{MOST_UNFINISHED} videos wait already.", "Wait until some are done, or cancel some.", 60.0)


def _submit(service: Service, caller: Caller, job_id: str, name: str, size: int, asked: Asked) -> records.Job:
    with service.state.write():
        service.audit.write(caller, "add_video", job_id, asked.why, {"bytes": size, "identify": asked.identify})
        return service.jobs.submit(job_id, caller, name, size, asked)


def _drop(service: Service, job_id: str) -> None:
    """An upload that came to nothing; one that is on record stays."""
    if service.jobs.records.get(job_id) is None:
        service.jobs.folders.drop(job_id)


def shown_name(name: str) -> str:
    """Without characters that control, and without folders: it only names things to people."""
    text = "".join(one if one.isprintable() else " " for one in name.replace("\\", "/").rpartition("/")[2])
    return " ".join(text.split()) or "video"


def _own(service: Service, caller: Caller, job_id: str) -> records.Job:
    job = service.jobs.records.get(job_id, caller.tenant)
    if job is None:
        raise NotFound(f"There is no video {job_id}.", "GET /v1/videos lists those that there are.")
    return job


@dataclass(frozen=True, slots=True)
class Kept:
    """Which of the results, and whether as a file to keep."""

    kind: str
    download: bool


def _file(request: Request, service: Service, caller: Caller, job_id: str, kept: Kept) -> Response:
    """A result, on record as read."""
    job = _own(service, caller, job_id)
    if job.trouble:
        raise Conflict(f"The video has no results. {job.trouble['cause']}", job.trouble["cure"])
    if job.state is not JobState.DONE:
        raise Conflict(f"The video is {job.state}: it has no results.", "Results are there once its state is done.")
    if service.jobs.forgetting.concerns(job_id):
        raise Conflict(f"The video has no results. {REMOVED['cause']}", REMOVED["cure"])
    path = service.jobs.folders.result(job_id, kept.kind)
    if path is None:
        cure = "Upload it again with annotate=true." if kept.kind == "annotated" else ""
        raise NotFound(f"This video has no {kept.kind}.", cure)
    detail: dict[str, Plain] = {"kind": kept.kind}
    if _from_start(request, path.stat().st_size) or kept.kind != "annotated":
        service.audit.write(caller, "read_video", job_id, detail=detail)
    else:
        # The rest of what somebody watches already; whoever leaves out the beginning has seen it all the same.
        service.audit.write_once(caller, "read_video", job_id, detail, same_detail=True)
    headers = dict(REPORT_HEADERS) if kept.kind == "report" else {}
    name = f"{job.name.rpartition('.')[0] or job.name}{path.suffix}" if kept.download else None
    return FileResponse(path, media_type=MEDIA_TYPES[kept.kind], headers=headers, filename=name)


def _from_start(request: Request, size: int) -> bool:
    """Whether the beginning is asked for. Raises OutOfRange; what is no single range counts as none, as HTTP allows."""
    found = RANGE.fullmatch(request.headers.get("range", ""))
    if found is None:
        request.scope["headers"] = [pair for pair in request.scope["headers"] if pair[0] != b"range"]
        return True
    first, last = found.groups()
    if int(first or 0) >= size or (last and int(last) < int(first or 0)) or (not first and int(last or 0) == 0):
        raise OutOfRange(f"The file has {size:,} bytes.", "Ask for a part of it, or for all.")
    return first != "" and int(first) == 0
