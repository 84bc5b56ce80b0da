"""`mien.server.jobs.child`, which keeps its networks when the next order comes from another test's service."""

from __future__ import annotations

from typing import Any

from mien.server.jobs import child, work
from mien.settings import Settings
from mien.video.loop import VideoAnalyzer
from mien.video.policy import VideoPolicy

LOADED: dict[Any, VideoAnalyzer] = {}


def kept(settings: Settings, policy: VideoPolicy) -> VideoAnalyzer:
    """Settings of tests differ in where the gallery lies, of which networks know nothing."""
    # A library that talks is not taken for an answer.
    print("loading", flush=True)
    key = (policy, settings.model_copy(update={"gallery": "", "data_dir": settings.cache_dir}).model_dump_json())
    if key not in LOADED:
        LOADED[key] = VideoAnalyzer(settings=settings, policy=policy)
    return LOADED[key]


if __name__ == "__main__":
    work.VideoAnalyzer = kept
    child.main("text")
