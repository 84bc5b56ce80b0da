"""Sequences that lie on the disk as a video: decoded by FFmpeg through PyAV, which the extra `video` brings."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import DataError, ExtraMissing
from mien.face import Pixels

CLIPS: Final = frozenset({".mp4", ".flv", ".avi", ".mpg", ".mpeg", ".mov", ".mkv", ".webm", ".m4v", ".wmv"})


def clips_in(folder: Path) -> list[Path]:
    """The video files right in `folder`, by their suffix, sorted; hidden ones are left out."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in CLIPS and path.name[0] != ".")


def frames_of_clip(file: Path) -> Iterator[tuple[float, Pixels]]:
    """Seconds from the first frame by the container's clock, and (H, W, 3) uint8 RGB, upright, of each frame.

    Packets that cannot be decoded are left out. Raises DataError where no picture can be had of the file, ExtraMissing
    without PyAV.
    """
    av = _av()
    start = last = None
    try:
        with av.open(str(file)) as container:
            stream = next(iter(container.streams.video), None)
            for frame in _decoded(av, container, stream) if stream is not None else ():
                time = frame.time if frame.time is not None else (0.0 if last is None else last)
                start = time if start is None else start
                if last is not None and time <= last:
                    continue
                last = time
                turns = round(float(getattr(frame, "rotation", 0)) / 90) % 4
                yield float(time - start), np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), turns))
    except (av.error.FFmpegError, OSError) as error:
        raise DataError(f"{file} cannot be read: {error}.", "Copy or download it again.") from error
    if last is None:
        raise DataError(f"{file} has no picture that can be decoded.", "Copy or download it again, or remove it.")


def _decoded(av: Any, container: Any, stream: Any) -> Iterator[Any]:
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        yield from chain(frames)


def _av() -> Any:
    try:
        import av
    except ImportError as error:
        raise ExtraMissing(f"Reading clips needs PyAV: {error}.", "Install it: pip install 'mien[video]'.") from error
    return av
