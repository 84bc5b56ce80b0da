"""The sound of a source, carried along with its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

from mien.video.sink.pyav import as_file, pyav

# What may be copied bit by bit, by the container's name in FFmpeg; everything else is encoded anew.
COPIED = {
    "mp4": {"aac", "ac3", "alac", "eac3", "flac", "mp3", "opus"},
    "matroska": {"aac", "ac3", "alac", "dts", "eac3", "flac", "mp2", "mp3", "opus", "pcm_s16le", "vorbis"},
}
SEEK_SECONDS = 5.0
JITTER_SECONDS = 0.05


class AudioTrack:
    """The first audio stream of a source, moved into an output packet by packet, never further than it is asked to.

    Copied without loss where the container holds the codec, else encoded anew as AAC. Damaged packets are left out.
    """

    def __init__(self, source: Path, output: Any, container: str) -> None:
        """output: an `av` container that is open for writing, before its first packet.

        The stream is added to it. Check `present` before use. Raises what PyAV raises.
        """
        self._source = pyav().open(
            as_file(source), container_options={"protocol_whitelist": "file"}, metadata_errors="replace"
        )
        audio = next(iter(self._source.streams.audio), None)
        self.present = audio is not None
        self._packets: Iterator[Any] = iter(())
        self._held: Any = None
        if audio is None:
            return
        codec = audio.codec_context
        # AAC of a transport stream has no header of its own, which the copy would need.
        whole = codec.name != "aac" or bool(codec.extradata)
        self.copied = codec.name in COPIED[container] and whole
        self._stream, self._output = audio, output
        video = next(iter(self._source.streams.video), None)
        zero = video.start_time * video.time_base if video and video.start_time is not None else None
        self._zero = zero if zero is not None else Fraction((audio.start_time or 0) * audio.time_base)
        self._origin = Fraction(0)
        self._out = self._copying() if self.copied else self._encoding()
        for key in list(self._out.metadata):
            del self._out.metadata[key]

    def start(self, seconds: float) -> None:
        """Begin at this time of the source, counted from its first picture; it becomes the output's zero."""
        self._origin = self._zero + Fraction(seconds).limit_denominator(90_000)
        if seconds > SEEK_SECONDS:
            with suppress(pyav().error.FFmpegError):  # a source that cannot seek is read from its beginning
                at = self._origin - Fraction(1)
                self._source.seek(int(at / self._stream.time_base), stream=self._stream)
        self._packets = self._copies() if self.copied else self._encoded()
        self._held = next(self._packets, None)

    def until(self, seconds: float) -> None:
        """Move all that begins before `seconds` of the output. Raises what PyAV raises."""
        while self._held is not None and self._held.pts * self._held.time_base < seconds:
            self._output.mux(self._held)
            self._held = next(self._packets, None)

    def close(self) -> None:
        """Let go of the source; may be called twice."""
        self._packets, self._held = iter(()), None
        self._source.close()

    def _copying(self) -> Any:
        return self._output.add_stream_from_template(self._stream)

    def _encoding(self) -> Any:
        codec = self._stream.codec_context
        rates = pyav().Codec("aac", "w").audio_rates or (codec.sample_rate,)
        rate = codec.sample_rate if codec.sample_rate in rates else 48_000
        stream = self._output.add_stream("aac", rate=rate)
        stream.codec_context.layout = "mono" if codec.layout.nb_channels == 1 else "stereo"
        stream.codec_context.time_base = Fraction(1, rate)
        return stream

    def _demuxed(self) -> Iterator[Any]:
        packets = self._source.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, pyav().error.EOFError):
                return
            except pyav().error.FFmpegError:
                return  # the container is damaged from here on: the pictures end here too
            yield packet

    def _copies(self) -> Iterator[Any]:
        following = 0
        for packet in self._demuxed():
            if packet.pts is None or packet.is_corrupt:
                continue
            shift = round(self._origin / packet.time_base)
            if packet.pts < shift:
                continue
            packet.pts -= shift
            if packet.pts < following:
                continue  # two recordings in one file: the clock was set back
            following = packet.pts + max(packet.duration or 0, 1)
            packet.dts = packet.pts  # audio is decoded in the order in which it is heard
            packet.stream = self._out
            yield packet

    def _encoded(self) -> Iterator[Any]:
        codec = self._out.codec_context
        for frame in chain(self._decoded(), (None,)):
            for packet in codec.encode(frame):
                if packet.pts >= 0:  # the encoder's lead-in would move the pictures
                    packet.stream = self._out
                    yield packet

    def _decoded(self) -> Iterator[Any]:
        """Frames from the origin on, by the output's clock, all as the encoder takes them."""
        even, following = _Even(self._out.codec_context), 0
        rate = self._out.codec_context.sample_rate
        for frame in self._sounds():
            at = None if frame.pts is None else frame.pts * frame.time_base - self._origin
            if at is None or at < 0:
                continue
            # Times that were rounded would let packets overlap: samples count, unless some are missing.
            place = round(at * rate)
            if place - following >= JITTER_SECONDS * rate:
                following = place
            for part in even(frame):
                part.pts, part.time_base = following, Fraction(1, rate)
                following += part.samples
                yield part

    def _sounds(self) -> Iterator[Any]:
        for packet in self._demuxed():
            try:
                frames = packet.decode()
            except pyav().error.FFmpegError:
                continue
            yield from frames


class _Even:
    """Frames of any rate, layout and format as one encoder takes them; these may change in the middle of a file."""

    def __init__(self, codec: Any) -> None:
        self._codec = codec
        self._kind: tuple[str, str, int] | None = None
        self._resampler: Any = None

    def __call__(self, frame: Any) -> list[Any]:
        """What has come of it so far, and of the frames before."""
        kind = frame.format.name, frame.layout.name, frame.sample_rate
        done: list[Any] = []
        if kind != self._kind:
            if self._resampler is not None:
                done = self._resampler.resample(None)
            codec, self._kind = self._codec, kind
            self._resampler = pyav().AudioResampler(codec.format, codec.layout, codec.sample_rate)
        frame.pts = None
        return [*done, *self._resampler.resample(frame)]
