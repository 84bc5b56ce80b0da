"""Pictures into a video file that can be played up to its last second even after the process was killed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np

from mien.errors import SinkError
from mien.face import Pixels
from mien.video.sink.audio import AudioTrack
from mien.video.sink.files import may_write, refusal
from mien.video.sink.pyav import as_file, pyav

CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mp4", ".mkv": "matroska"}
# Whole fragments leave the process at least twice a second: what is unfinished is lost with it.
FRAGMENTS = {
    "mp4": {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "500000"},
    "matroska": {"cluster_time_limit": "500"},
}
# In microseconds. `AudioTrack` interleaves; FFmpeg would hold pictures back for ten seconds where the sound has ended.
# Its own buffer of 256 KiB would hold back a quiet camera's pictures for minutes.
INTERLEAVING = {"max_interleave_delta": "1", "flush_packets": "1"}
TICKS = {"mp4": Fraction(1, 90_000), "matroska": Fraction(1, 1000)}
KEYFRAME_SECONDS = 2.0
# Three pictures wait in the encoder. x264's `zerolatency` holds none, and its files are twice as large.
H264 = {"preset": "veryfast", "bf": "0", "rc-lookahead": "2", "x264-params": "sliced-threads=1:sync-lookahead=0"}
# Numbers of ITU-T H.273. OpenCV converts by BT.601, in a third of the time that FFmpeg needs for BT.709.
BT601, BT709, LIMITED_RANGE = 6, 1, 1


class VideoWriter:
    """Writes upright RGB pictures, each shown from its own time on, as H.264 into .mp4, .m4v, .mov or .mkv.

    Fragments of half a second leave the process as they are done. Nothing of the source but its sound is carried over:
    no title, place, date or device. To be used by one thread, and closed.
    """

    def __init__(self, path: Path, width: int, height: int, audio_from: Path | None = None, crf: int = 20) -> None:
        """width, height: in px; odd ones are made even by repeating the last row or column.

        audio_from: whose sound goes along, as far as the pictures go; a source without sound is no error. crf: x264's
        constant rate factor, lower is better and larger. Raises SinkError, ExtraMissing, and for a source of sound that
        cannot be read SinkError.
        """
        self._path, self._size = path, (width, height)
        self._container = container_of(path)
        if audio_from is not None and path.exists() and audio_from.exists() and path.samefile(audio_from):
            raise SinkError(f"{path} is the source itself.", "Name another file.")
        self._even = (width + width % 2, height + height % 2)
        self._zero: float | None = None
        self._ticks = -1
        self._key = -KEYFRAME_SECONDS
        self._last = self._frame_seconds = 0.0
        self._audio: AudioTrack | None = None
        self._output: Any = None
        self._waiting: Any = None
        may_write(path)
        with self._failing():
            options = FRAGMENTS[self._container] | INTERLEAVING
            self._output = pyav().open(as_file(path), "w", format=self._container, options=options)
            self._stream = self._video(crf)
            if audio_from is not None:
                self._audio = self._sound(audio_from)

    def write(self, pixels: Pixels, time_seconds: float) -> None:
        """Show (H, W, 3) uint8 RGB from this time on; the first picture's time becomes the file's zero.

        Times rise; one that does not is moved up by the smallest step. A picture of another size is scaled to fit the
        first one's, with black beside it. Raises SinkError.
        """
        if self._output is None:
            raise SinkError(f"{self._path} is closed already.", "Write before `close`.")
        with self._failing():
            if self._zero is None:
                self._begin(time_seconds)
            seconds = time_seconds - (self._zero or 0.0)
            planes = cv2.cvtColor(self._fitted(pixels), cv2.COLOR_RGB2YUV_I420)
            frame = pyav().VideoFrame.from_numpy_buffer(planes, format="yuv420p")
            self._ticks = max(self._ticks + 1, round(seconds / TICKS[self._container]))
            frame.pts, frame.time_base = self._ticks, TICKS[self._container]
            if seconds - self._key >= KEYFRAME_SECONDS:
                self._key = seconds
                frame.pict_type = pyav().video.frame.PictureType.I
            self._mux(self._output, self._stream.encode(frame))
            self._frame_seconds, self._last = seconds - self._last, seconds
            if self._audio:
                self._audio.until(seconds)

    def close(self) -> None:
        """Write the end and let go; may be called twice, and after a failure. Raises SinkError."""
        output, self._output = self._output, None
        if output is None:
            return
        try:
            with self._failing():
                if self._ticks >= 0:
                    self._mux(output, [*self._stream.encode(None), None])
                    if self._audio:
                        self._audio.until(self._last + min(self._frame_seconds, 1.0))
                output.close()
        finally:
            self._let_go()

    def __enter__(self) -> Self:
        """The writer itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """As `close`."""
        self.close()

    def _mux(self, output: Any, packets: Sequence[Any]) -> None:
        """Each as soon as the next is there, or None: MP4 counts on how long the last picture of a fragment lasts."""
        for packet in packets:
            waiting, self._waiting = self._waiting, packet
            if waiting is not None:
                if packet is not None:
                    waiting.duration = packet.pts - waiting.pts
                output.mux(waiting)

    def _video(self, crf: int) -> Any:
        name = h264_encoder()
        options = H264 | {"crf": str(crf)} if name == "libx264" else {}
        stream = self._output.add_stream(name, rate=30, options=options)
        stream.width, stream.height = self._even
        stream.pix_fmt = "yuv420p"
        codec = stream.codec_context
        codec.time_base = TICKS[self._container]
        codec.gop_size = 10_000  # keyframes are set by time
        codec.colorspace, codec.color_range = BT601, LIMITED_RANGE
        codec.color_primaries = codec.color_trc = BT709  # sRGB's, near enough
        return stream

    def _sound(self, source: Path) -> AudioTrack | None:
        try:
            audio = AudioTrack(source, self._output, self._container)
        except pyav().error.FFmpegError as error:
            raise SinkError(f"The sound of {source} cannot be read: {error.strerror}.", "Go without sound.") from error
        if audio.present:
            return audio
        audio.close()
        return None

    def _begin(self, time_seconds: float) -> None:
        self._zero = time_seconds
        if self._audio:
            self._audio.start(time_seconds)

    def _fitted(self, pixels: Pixels) -> Pixels:
        width, height = self._size
        if pixels.shape[:2] != (height, width):
            pixels = letterboxed(pixels, width, height)
        if self._even != self._size:
            extra = self._even[0] - width, self._even[1] - height
            pixels = np.asarray(cv2.copyMakeBorder(pixels, 0, extra[1], 0, extra[0], cv2.BORDER_REPLICATE), np.uint8)
        return pixels

    def _let_go(self) -> None:
        self._output = None
        if self._audio:
            self._audio.close()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """After a failure nothing more is written: what is in the file stays."""
        try:
            yield
        except SinkError:
            self._let_go()
            raise
        except (pyav().error.FFmpegError, OSError, ValueError) as error:
            self._let_go()
            raise refusal(self._path, error) from error


def container_of(path: Path) -> str:
    """FFmpeg's name of the container that a file name asks for. Raises SinkError for one that is not written."""
    if container := CONTAINERS.get(path.suffix.lower()):
        return container
    raise SinkError(f"{path} is no name of a video that can be written.", f"End it in {', '.join(CONTAINERS)}.")


def h264_encoder() -> str:
    """libx264 where the installed PyAV has it, else openh264. Raises SinkError where it has neither."""
    av = pyav()
    for name in ("libx264", "libopenh264"):
        try:
            av.Codec(name, "w")
        except av.codec.codec.UnknownCodecError:
            continue
        return name
    raise SinkError("The installed PyAV has no encoder for H.264.", "Install PyAV from PyPI: pip install av")


def letterboxed(pixels: Pixels, width: int, height: int) -> Pixels:
    """(height, width, 3): the picture as large as it fits, in the middle, black beside it."""
    scale = min(width / pixels.shape[1], height / pixels.shape[0])
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    canvas = np.zeros((height, width, 3), np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    inner = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    canvas[top : top + size[1], left : left + size[0]] = inner
    return canvas
