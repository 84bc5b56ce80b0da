"""Videos as jobs, and the files that come of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mien.client.asking import MOST_OF_A_PAGE, at, get, model, nothing, write
from mien.client.body import Source, upload
from mien.client.call import Call, Download, Pages
from mien.server.schema.page import Page
from mien.server.schema.tracks import StageName
from mien.server.schema.videos import Job, VideoResult

VIDEO = "/v1/videos/{}"
Place = str | os.PathLike[str]


def add_video(
    video: Source,
    *,
    name: str | None = None,
    stages: Sequence[StageName] | None = None,
    identify: bool = False,
    annotate: bool = True,
    why: str = "",
) -> Call[Job]:
    """Upload a video; the work is done afterwards. An open file must be one that can be gone back in.

    name: what people call it; of a path its last part where left out. annotate: a video with boxes and words, too.
    why: for the audit log, where people are recognised.
    """
    shown = name or (Path(os.fspath(video)).name if isinstance(video, str | os.PathLike) else "video")
    more = {"stages": stages, "identify": identify, "annotate": annotate, "why": why}
    return write("/v1/videos", Job, upload(video), name=shown[:200], **more)


def list_videos() -> Pages[Job]:
    """The newest first; all pages."""
    return Pages(lambda cursor: get("/v1/videos", Page[Job], cursor=cursor, limit=MOST_OF_A_PAGE))


def get_video(job_id: str) -> Call[Job]:
    """How far it is."""
    return get(at(VIDEO, job_id), Job)


def cancel_video(job_id: str) -> Call[Job]:
    """Stop working on it."""
    return Call("POST", at(VIDEO + "/cancel", job_id), model(Job), again=True)


def remove_video(job_id: str) -> Call[None]:
    """With everything that came of it."""
    return Call("DELETE", at(VIDEO, job_id), nothing)


def get_video_result(job_id: str) -> Call[VideoResult]:
    """Tracks, expressions over time and events, once the state is done."""
    return get(at(VIDEO + "/result", job_id), VideoResult)


def get_video_report(job_id: str, to: Place) -> Download:
    """The report for people, one HTML page, into a file."""
    return Download(at(VIDEO + "/report", job_id), Path(to))


def get_video_events(job_id: str, to: Place) -> Download:
    """Events as JSON Lines, into a file."""
    return Download(at(VIDEO + "/events", job_id), Path(to))


def get_video_table(job_id: str, to: Place) -> Download:
    """A row for each face of each frame, CSV, into a file."""
    return Download(at(VIDEO + "/table", job_id), Path(to))


def get_video_subtitles(job_id: str, to: Place) -> Download:
    """Apparent expressions as WebVTT, into a file."""
    return Download(at(VIDEO + "/subtitles", job_id), Path(to))


def get_video_annotated(job_id: str, to: Place) -> Download:
    """The video with boxes and words, MP4, into a file; where it was asked for."""
    return Download(at(VIDEO + "/annotated", job_id), Path(to))
