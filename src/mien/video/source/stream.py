"""Network streams: RTSP cameras, MJPEG and MPEG-TS over HTTP, MPEG-TS over UDP."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from mien.errors import StreamLost, VideoError, VideoFormatRefused, VideoMissing
from mien.image import ImageLimits
from mien.video.source.address import shown
from mien.video.source.libav import picture_stream, pyav, reason
from mien.video.source.live import Arrival, LiveSource
from mien.video.source.picture import Developer
from mien.video.source.policy import SourcePolicy

MICROSECONDS: Final = 1_000_000
# What an address may lead FFmpeg to open, by its scheme. No local file is ever among it.
PROTOCOLS: Final = {
    "rtsp": "rtsp,rtp,udp,tcp",
    "rtsps": "rtsps,rtsp,rtp,udp,tcp,tls",
    "http": "http,https,httpproxy,tcp,tls",
    "https": "http,https,httpproxy,tcp,tls",
    "udp": "udp",
}
FORMATS: Final = {
    "rtsp": "rtsp",
    "rtsps": "rtsp",
    "http": "mpjpeg,mjpeg,mpegts,mov,matroska,webm,flv,mpeg,h264,hevc,ogg,avi",
    "https": "mpjpeg,mjpeg,mpegts,mov,matroska,webm,flv,mpeg,h264,hevc,ogg,avi",
    "udp": "mpegts",
}
# They carry no times: FFmpeg would count frames.
CLOCKLESS: Final = frozenset({"mpjpeg", "mjpeg", "h264", "hevc"})
ANALYZE_SECONDS: Final = 2.0


def stream_source(address: str, policy: SourcePolicy, limits: ImageLimits) -> LiveSource:
    """A stream as frames. Raises VideoMissing where nothing answers, VideoFormatRefused, VideoTooLarge, ExtraMissing.

    What comes with its length, as a file on a web server does, is no live source: it waits for whoever watches.
    """
    pyav()
    return LiveSource(shown(address), "stream", partial(StreamConnection, address, policy, limits), policy)


class StreamConnection:
    """One connection to a stream, with its first picture decoded. Errors never show the address's password."""

    def __init__(self, address: str, policy: SourcePolicy, limits: ImageLimits) -> None:
        self._av, self._policy, self._name = pyav(), policy, shown(address)
        self._ending, self._broken = "it ended", False
        self._stream: Any = None
        self._first: _Decoded | None = None
        self._pictures = self._decode()
        self._container = self._open(address)
        try:
            self._stream = picture_stream(self._container, self._name, limits)
            # Decoding pictures side by side would delay each by one.
            self._stream.thread_type = "SLICE"
            self._clockless = self._container.format.name in CLOCKLESS
            self._develop = Developer(self._stream.sample_aspect_ratio, self._name, limits)
            rate, duration = self._stream.average_rate, self._container.duration
            self.frames_per_second = float(rate) if rate and not self._clockless else None
            self.duration_seconds = duration / MICROSECONDS if duration and duration > 0 else None
            self._first = self._first_picture()
            height, width = self._develop(self._first.picture).shape[:2]
            self.size = width, height
        except BaseException:
            self.close()
            raise

    def _open(self, address: str) -> Any:
        scheme = urlsplit(address).scheme.lower()
        options = {
            "protocol_whitelist": PROTOCOLS[scheme],
            "format_whitelist": FORMATS[scheme],
            "analyzeduration": str(int(ANALYZE_SECONDS * MICROSECONDS)),
            "fpsprobesize": "0",
        }
        if scheme in ("rtsp", "rtsps"):
            options |= {"rtsp_transport": self._policy.transport, "allowed_media_types": "video"}
        times = self._policy.open_seconds, self._policy.read_seconds
        try:
            return self._av.open(address, container_options=options, timeout=times, metadata_errors="replace")
        except self._av.FFmpegError as error:
            problem = self._refusal(error)
        raise problem  # outside of the handler, so that no traceback shows the address

    def _refusal(self, error: Exception) -> VideoError:
        codes = self._av.error
        if isinstance(error, codes.HTTPUnauthorizedError | codes.HTTPForbiddenError):
            return VideoMissing(
                f"{self._name} asks for a user and password, or for others.", "Write rtsp://USER:PASSWORD@CAMERA/..."
            )
        if isinstance(error, codes.InvalidDataError | codes.ArgumentError):
            return VideoFormatRefused(
                f"{self._name} sends nothing that mien reads ({reason(error)}).",
                "It reads RTSP, and over HTTP MJPEG, MPEG-TS, MP4, Matroska and FLV; no playlists (.m3u8, .mpd).",
            )
        return VideoMissing(
            f"{self._name} cannot be opened: {reason(error)}.", "Is it on, and are address, port and path right?"
        )

    def _first_picture(self) -> _Decoded:
        until = time.monotonic() + self._policy.open_seconds + self._policy.read_seconds
        for decoded in self._pictures:
            if decoded.picture is not None:
                return decoded
            if time.monotonic() > until:
                break
        raise VideoFormatRefused(
            f"{self._name} answers, and not one picture can be decoded ({self._ending}).", "Does a player show it?"
        )

    def _decode(self) -> Generator[_Decoded, None, None]:
        """Pictures as they come; one without a picture for each packet that gives none."""
        try:
            for packet in self._container.demux(self._stream):
                try:
                    pictures = packet.decode()
                except self._av.FFmpegError:  # the next key picture makes good
                    pictures = []
                for picture in pictures or (None,):
                    yield _Decoded(picture, time.monotonic())
        except self._av.FFmpegError as error:
            self._ending = reason(error)
            self._broken = not isinstance(error, self._av.error.InvalidDataError)

    def __iter__(self) -> Iterator[Arrival]:
        """Pictures until the stream ends, breaks, or is silent for `read_seconds`.

        Raises StreamLost where a file breaks off: from its beginning it would come again.
        """
        first, self._first = self._first, None
        if first is not None:
            yield self._arrival(first)
        del first
        silent_since = time.monotonic()
        for decoded in self._pictures:
            if decoded.picture is not None:
                silent_since = decoded.arrived
                yield self._arrival(decoded)
            elif decoded.arrived - silent_since > self._policy.read_seconds:
                self._ending = "data comes, and no picture"
                return
        if self._broken and self.duration_seconds is not None:
            raise StreamLost(
                f"The server hung up in the middle of {self._name} ({self._ending}).",
                "What came until then is there. Try again, or download the file first.",
            )

    def _arrival(self, decoded: _Decoded) -> Arrival:
        picture = decoded.picture
        timed = not self._clockless and picture.pts is not None and picture.time_base is not None
        shown_seconds = float(picture.pts * picture.time_base) if timed else None
        return Arrival(shown_seconds, decoded.arrived, partial(self._develop, picture))

    @property
    def ending(self) -> str:
        """Why the pictures ended."""
        return self._ending

    def close(self) -> None:
        """Hang up, and end the decoder's threads with its last reference."""
        self._pictures.close()
        self._container.close()
        self._stream = self._first = None


class _Decoded:
    """A picture, or None, and when it came by the wall's clock."""

    __slots__ = ("arrived", "picture")

    def __init__(self, picture: Any, arrived: float) -> None:
        self.picture, self.arrived = picture, arrived
