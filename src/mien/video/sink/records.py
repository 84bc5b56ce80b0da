"""Runs, events, frames and summaries as records of JSON: the same on lines, over MQTT and in a webhook's body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from mien.face import FaceMesh, Quality
from mien.record import plain
from mien.video.frame import SourceInfo
from mien.video.moment import Moment, TrackedFace, VideoEvent, VideoSummary

SCHEMA = "mien.video-event/1"
# Of Unicode; JSON allows them as they are. ASCII's are escaped already.
_LINE_BREAKS = {ord(one): f"\\u{ord(one):04x}" for one in "\x85\u2028\u2029"}


def run_record(info: SourceInfo, models: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What comes first: the source, when the run started, and the models as far as they are known by then."""
    started = plain(datetime.now(UTC).replace(microsecond=0))
    return {"schema": SCHEMA, "kind": "run", "started_at": started, "source": plain(info), "models": dict(models or {})}


def event_record(event: VideoEvent) -> dict[str, Any]:
    """An event as it is."""
    return {"schema": SCHEMA} | event.to_dict()


def summary_record(summary: VideoSummary) -> dict[str, Any]:
    """What comes last; without the pictures of faces, and without its events, which have records of their own."""
    bare = replace(summary, tracks=tuple(replace(track, shots=()) for track in summary.tracks), events=())
    record = bare.to_dict()
    del record["events"]
    for track in record["tracks"]:
        del track["shots"]
    return {"schema": SCHEMA, "kind": "summary"} | record


def frame_record(moment: Moment) -> dict[str, Any]:
    """All faces of a frame; without the points of meshes, and without vectors, which identify a person."""
    head = {"schema": SCHEMA, "kind": "frame", "index": moment.index, "time_seconds": plain(moment.time_seconds)}
    size = {"width": moment.width, "height": moment.height}
    away = {"gap_seconds": plain(moment.gap_seconds), "dropped": moment.dropped}
    return head | size | away | {"faces": [_face(face) for face in moment.faces]}


def dropped_record(count: int) -> dict[str, Any]:
    """That so many records were lost, because whoever was to get them was away for too long."""
    return {"schema": SCHEMA, "kind": "dropped", "count": count, "at": plain(datetime.now(UTC).replace(microsecond=0))}


def dropped_bytes(count: int) -> bytes:
    """`dropped_record` as `json_bytes`."""
    return json_bytes(dropped_record(count))


def json_bytes(record: Mapping[str, Any]) -> bytes:
    """One line of JSON in UTF-8, without its line break, whatever its reader takes for one."""
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    # A file's name may hold bytes that are no text.
    return text.translate(_LINE_BREAKS).encode(errors="backslashreplace")


def _face(face: TrackedFace) -> dict[str, Any]:
    quality = face.face.quality
    mesh = face.face.landmark if isinstance(face.face.landmark, FaceMesh) else None
    return {
        "track": face.track,
        "predicted": face.predicted,
        "box": plain(face.face.detection.box),
        "score": plain(face.face.detection.score),
        "pose": plain(mesh.pose) if mesh else None,
        "eyes": plain(mesh.eyes) if mesh else None,
        "mouth_openness": plain(mesh.mouth_openness) if mesh else None,
        "quality": plain(quality.score) if isinstance(quality, Quality) else None,
        "expression": plain(face.expression),
        "identity": plain(face.identity),
        "attention": plain(face.attention),
    }
