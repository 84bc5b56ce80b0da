"""Video files: whatever FFmpeg decodes, with the container's times, upright, and nothing but the file itself."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any, Final, Self

from mien.errors import MienError, VideoFormatRefused, VideoMissing
from mien.image import ImageLimits
from mien.video.frame import Frame, SourceInfo
from mien.video.source.clock import FileClock
from mien.video.source.libav import CONTAINERS, CONVERT, SOUND, picture_stream, pyav, reason, too_large
from mien.video.source.picture import Developer
from mien.video.source.policy import SLACK_SECONDS, Selection, SourcePolicy

MICROSECONDS: Final = 1_000_000
# Two pictures are decoded at once where the codec allows: more only take memory, since faces take longer than pictures.
DECODERS: Final = 2
CLOSE_SECONDS: Final = 1.0
# Where a container has no index, a search may come out too late: then so much earlier is searched for.
SEARCH_SECONDS: Final = (0.0, 5.0, 30.0)
UNREADABLE: Final = "It may be no video, a playlist that names other files, or damaged from its beginning. " + CONVERT


class FileSource:
    """A video file as frames; opened, and its first picture decoded, when it is made.

    Packets that cannot be decoded are skipped, and a file that ends early gives what it has. Raises VideoMissing,
    VideoFormatRefused for what has no picture that can be decoded, VideoTooLarge, ExtraMissing.
    """

    def __init__(self, path: Path, policy: SourcePolicy, limits: ImageLimits) -> None:
        self._path, self._name, self._policy, self._limits = path, repr(str(path)), policy, limits
        self._av = pyav()
        # The iteration and whoever closes the file never touch it at once.
        self._lock = Lock()
        self._closed = False
        self._container: Any = None
        self._packets: Iterator[Any] | None = None
        self._unreadable = 0
        self._refused = False
        _check_regular(path)
        try:
            self.info = self._begin()
        except BaseException:
            self._close()
            raise

    @property
    def unreadable(self) -> int:
        """How many packets could not be decoded so far."""
        return self._unreadable

    def _begin(self) -> SourceInfo:
        """Open, and decode the first picture."""
        self._open()
        stream = self._stream
        rate = stream.average_rate or stream.guessed_rate
        self._rate = float(rate) if rate else None
        self._clock = FileClock(self._rate)
        self._develop = Developer(stream.sample_aspect_ratio, self._name, self._limits)
        self._pictures = self._decode()
        first = next(self._pictures, None)
        if first is None:
            raise VideoFormatRefused(f"Not one picture of {self._name} can be decoded.", CONVERT)
        self._first: Any = first
        height, width = self._develop(first).shape[:2]
        return SourceInfo(str(self._path), "file", width, height, self._rate, self._duration(), live=False)

    def _open(self) -> None:
        options = {"protocol_whitelist": "file", "format_whitelist": f"{CONTAINERS},{SOUND}"}
        address = f"file:{os.path.abspath(self._path)}"
        problem: MienError | None = None
        try:
            self._container = self._av.open(address, container_options=options, metadata_errors="replace")
        except self._av.error.PermissionError as error:
            problem = VideoMissing(f"{self._name} cannot be read: {reason(error)}.", "Check its permissions.")
        except self._av.FFmpegError as error:
            problem = VideoFormatRefused(f"{self._name} is no video that can be read ({reason(error)}).", UNREADABLE)
        if problem:
            raise problem
        self._stream = picture_stream(self._container, self._name, self._limits)
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.thread_count = DECODERS
        self._packets = self._container.demux(self._stream)

    def _duration(self) -> float | None:
        stream = self._stream
        if stream.duration:
            return float(stream.duration * stream.time_base)
        return self._container.duration / MICROSECONDS if self._container.duration else None

    def _decode(self) -> Iterator[Any]:
        """Every picture from here on, as FFmpeg has it."""
        pictures: list[Any] | None = []
        while pictures is not None:
            yield from pictures
            with self._lock:
                pictures = None if self._closed else self._step()
                if self._closed:
                    self._let_go()

    def _step(self) -> list[Any] | None:
        """Pictures of the next packet, None after the last."""
        if self._packets is None:
            return None
        try:
            packet = next(self._packets, None)
        except self._av.FFmpegError:
            # The container breaks off: what the decoder still holds is the rest.
            self._unreadable += 1
            self._packets, packet = None, None
            return self._flushed()
        if packet is None:
            self._packets = None
            if self._refused:
                raise too_large(self._name, self._limits)
            return None
        try:
            pictures: list[Any] = packet.decode()
        except self._av.FFmpegError:
            self._unreadable += 1
            # A size that FFmpeg refused, or a damaged packet that claims one: then the next puts it right.
            codec = self._stream.codec_context
            self._refused = not 0 < codec.width * codec.height <= self._limits.max_pixels
            return []
        self._refused = self._refused and not pictures
        return pictures

    def _flushed(self) -> list[Any]:
        try:
            pictures: list[Any] = self._stream.codec_context.decode(None)
        except self._av.FFmpegError:
            self._unreadable += 1
            return []
        return pictures

    def __iter__(self) -> Iterator[Frame]:
        """The frames that the policy asks for. Raises VideoTooLarge where the pictures grow beyond the limit."""
        selection = Selection(self._policy)
        for index, time, picture in self._timed():
            if self._closed or selection.over(time):
                return
            if selection.wants(time):
                yield Frame(index, time, self._develop(picture))

    def _timed(self) -> Iterator[tuple[int, float, Any]]:
        """Pictures with index and time, from a little before the wanted part on."""
        first, self._first = self._first, None
        if first is None:
            raise ValueError("a source is iterated once")
        pictures = self._pictures
        origin = self._clock(first)
        start = self._policy.start_seconds
        index = 0
        if start > 0 and first.pts is not None:
            landed = self._land(first, start)
            if landed is not None:
                first, origin = landed
                index = round(origin * self._rate) if self._rate else 0
                pictures = self._decode()
            else:
                self._start_again()
                first, origin, pictures = None, 0.0, self._decode()
        if first is not None:
            yield index, origin, first
            index += 1
        del first
        for number, picture in enumerate(pictures, index):
            yield number, self._clock(picture), picture

    def _land(self, first: Any, start: float) -> tuple[Any, float] | None:
        """A picture not later than `start`, and not much earlier, with its time; None where a search finds none."""
        for earlier in SEARCH_SECONDS:
            if start > earlier:
                landed = self._seek(first.pts + int((start - earlier) / first.time_base), start)
                if landed is not None:
                    return landed
        return None

    def _seek(self, stamp: int, start: float) -> tuple[Any, float] | None:
        """The first picture after a jump to the key picture before `start`, with its time.

        None where the file cannot be searched, or the jump came out too late.
        """
        with self._lock:
            if self._closed:
                return None
            try:
                self._container.seek(stamp, stream=self._stream)
            except self._av.FFmpegError:
                return None
            self._packets = self._container.demux(self._stream)
        self._clock.jump()
        for picture in self._decode():
            if picture.pts is None:
                return None
            time = self._clock(picture)
            return (picture, time) if time <= start + SLACK_SECONDS else None
        return None

    def _start_again(self) -> None:
        """Open the file anew, where nothing else brings its beginning back."""
        with self._lock:
            if not self._closed:
                self._let_go()
                self._open()
                self._clock = FileClock(self._rate)

    def __enter__(self) -> Self:
        """The source itself; it is open already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file: at once, or as soon as the picture that is being decoded in another thread is done."""
        self._close()

    def _close(self) -> None:
        self._closed = True
        # A signal's handler may run in the very thread that decodes: then the iteration lets go by itself.
        if self._lock.acquire(timeout=CLOSE_SECONDS):
            try:
                self._let_go()
            finally:
                self._lock.release()

    def _let_go(self) -> None:
        """Under the lock: close the file, and end the decoder's threads with its last reference."""
        container, self._container, self._packets, self._stream = self._container, None, None, None
        if container is not None:
            container.close()


def _check_regular(path: Path) -> None:
    """Raises VideoMissing for what is no file, VideoFormatRefused for an empty one."""
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise VideoMissing(f"There is no file {str(path)!r}.", "Check the name and the folder.") from error
    except (OSError, ValueError) as error:
        raise VideoMissing(f"{str(path)!r} cannot be read: {error}.", "Check its name and permissions.") from error
    if not stat.S_ISREG(status.st_mode):
        raise VideoMissing(f"{str(path)!r} is a device, pipe or socket.", "Write the video to a file first.")
    if status.st_size == 0:
        raise VideoFormatRefused(f"{str(path)!r} has 0 bytes.", "Was it fully copied or downloaded?")
