"""Cameras of this machine, through OpenCV: it knows them by number on Linux, macOS and Windows."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Final, Protocol

import cv2
import numpy as np

from mien.errors import VideoMissing
from mien.face import Pixels
from mien.image import ImageLimits
from mien.video.source.libav import check_pixels
from mien.video.source.live import Arrival, LiveSource
from mien.video.source.policy import SourcePolicy

BACKENDS: Final = {"linux": cv2.CAP_V4L2, "darwin": cv2.CAP_AVFOUNDATION}
_OPENING: Final = Lock()


class Capture(Protocol):
    """What is used of `cv2.VideoCapture`."""

    def read(self) -> tuple[bool, Any]:
        """Whether there was a picture, never without a camera; and the picture, (H, W, 3) uint8 BGR."""
        ...

    def get(self, item: int) -> float:
        """A property of the camera, 0 or less where it does not say."""
        ...

    def release(self) -> None:
        """Let go of the camera."""
        ...


def open_capture(number: int) -> Capture:
    """The camera of this number, whether it is there or not."""
    # OpenCV warns on the standard error of every camera that is absent; `read` tells.
    with _OPENING:
        before = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        try:
            capture: Capture = cv2.VideoCapture(number, BACKENDS.get(sys.platform, cv2.CAP_ANY))
            return capture
        finally:
            cv2.utils.logging.setLogLevel(before)


def webcam_source(
    number: int, policy: SourcePolicy, limits: ImageLimits, opener: Callable[[int], Capture] = open_capture
) -> LiveSource:
    """A camera of this machine as frames; one that is unplugged may come back, as a stream may.

    Times are those of arrival. Raises VideoMissing where there is no such camera, VideoTooLarge.
    """
    return LiveSource(f"camera:{number}", "webcam", partial(WebcamConnection, number, limits, opener), policy)


class WebcamConnection:
    """A camera that was opened and gave a picture."""

    def __init__(self, number: int, limits: ImageLimits, opener: Callable[[int], Capture]) -> None:
        self._name, self._limits = f"camera:{number}", limits
        self._capture = opener(number)
        try:
            found, picture = self._capture.read()
            if not found:
                raise VideoMissing(f"There is no camera {number}, or it gives no picture.", _cure())
            self.size: tuple[int, int] = picture.shape[1], picture.shape[0]
            check_pixels(*self.size, self._name, limits)
        except BaseException:
            self._capture.release()
            raise
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self.frames_per_second: float | None = rate if rate > 0 else None
        self.duration_seconds: float | None = None

    def __iter__(self) -> Iterator[Arrival]:
        """Pictures until the camera gives none."""
        while True:
            found, picture = self._capture.read()
            if not found:
                return
            yield Arrival(None, time.monotonic(), partial(self._develop, picture))

    def _develop(self, picture: Any) -> Pixels:
        if picture.ndim == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
        check_pixels(picture.shape[1], picture.shape[0], self._name, self._limits)
        pixels: Pixels = np.ascontiguousarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
        pixels.flags.writeable = False
        return pixels

    @property
    def ending(self) -> str:
        """Why the pictures ended."""
        return "it gives no more pictures"

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()


def _cure() -> str:
    found = sorted(path.name.removeprefix("video") for path in Path("/dev").glob("video[0-9]*"))
    if found:
        return f"Numbers of this machine's devices: {', '.join(found)}. Is another program using it?"
    return "Is it plugged in, may this program use it, and is no other program using it? The first one is camera:0."
