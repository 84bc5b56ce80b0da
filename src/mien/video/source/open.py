"""One way to open whatever frames come from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.request import url2pathname

from mien.errors import VideoMissing
from mien.image import DEFAULT, ImageLimits
from mien.video.frame import VideoSource
from mien.video.source.address import shown
from mien.video.source.file import FileSource
from mien.video.source.folder import FolderSource
from mien.video.source.policy import SourcePolicy
from mien.video.source.sniff import is_video
from mien.video.source.stream import PROTOCOLS, stream_source
from mien.video.source.webcam import webcam_source

__all__ = ["SourcePolicy", "is_video", "open_source"]

CAMERA: Final = re.compile(r"(?:camera:|/dev/video)?([0-9]{1,3})")
ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://(.*)", re.DOTALL)
FORMS: Final = f"Give a file, a folder of pictures, camera:0, or an address that begins with {', '.join(PROTOCOLS)}."


def open_source(where: str, policy: SourcePolicy | None = None, limits: ImageLimits = DEFAULT) -> VideoSource:
    """Open a video file, a folder of pictures, `camera:0` (or `0`), or rtsp(s)://, http(s):// and udp:// streams.

    limits: `max_pixels` of one picture; `max_bytes` counts for the pictures of a folder only. Raises VideoMissing,
    VideoFormatRefused, VideoTooLarge, ExtraMissing without PyAV (webcams and folders need none).
    """
    policy = policy or SourcePolicy()
    if (camera := CAMERA.fullmatch(where)) and not Path(where).is_file():
        return webcam_source(int(camera[1]), policy, limits)
    if address := ADDRESS.fullmatch(where):
        scheme = address[1].lower()
        if scheme == "file":
            return _on_disk(Path(url2pathname(address[2].removeprefix("localhost"))), policy, limits)
        if scheme not in PROTOCOLS:
            raise VideoMissing(f"mien opens no addresses such as {shown(where)!r}.", FORMS)
        return stream_source(where, policy, limits)
    if not where:
        raise VideoMissing("Nothing was named.", FORMS)
    return _on_disk(Path(where), policy, limits)


def _on_disk(path: Path, policy: SourcePolicy, limits: ImageLimits) -> VideoSource:
    try:
        folder, there = path.is_dir(), path.exists()
    except (OSError, ValueError):  # a name that no file can have
        folder = there = False
    if folder:
        return FolderSource(path, policy, limits)
    if not there:
        raise VideoMissing(f"There is no file or folder {shown(str(path))!r}.", FORMS)
    return FileSource(path, policy, limits)
