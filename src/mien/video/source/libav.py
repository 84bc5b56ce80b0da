"""PyAV, which brings FFmpeg: where it comes from, what it may open, and what its errors mean."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from mien.errors import ExtraMissing, VideoError, VideoFormatRefused, VideoTooLarge
from mien.image import ImageLimits

# Containers that hold their pictures themselves. Playlists and descriptions of streams (hls, dash, concat, sdp) name
# other files or addresses, which FFmpeg would open.
CONTAINERS: Final = (
    "3gp,amv,apng,asf,asf_o,av1,avi,avs2,avs3,cavsvideo,dhav,dirac,dnxhd,dv,evc,flic,flv,gif,gxf,h261,h263,h264,hevc,ivf,"
    "ivr,kux,live_flv,lxf,m4v,matroska,mgsts,mjpeg,mjpeg_2000,mov,mp4,mpeg,mpegts,mpegvideo,mpjpeg,mxf,nsv,nut,nuv,obu,"
    "ogg,pva,rm,smjpeg,swf,ty,vc1,vc1test,vivo,vvc,webm,wtv,yuv4mpegpipe"
)
# Named so that a file of them is answered with what it is: sound.
SOUND: Final = "aac,ac3,aiff,amr,caf,flac,mp3,wav"
# AVStream.disposition: an attached picture, timed thumbnails.
NO_VIDEO: Final = 1 << 10 | 1 << 11
CONVERT: Final = "Convert it, for example with: ffmpeg -i FILE new.mp4"


def pyav() -> Any:
    """The module `av`. It keeps FFmpeg's log to itself unless a program asks for it. Raises ExtraMissing without it."""
    try:
        return import_module("av")
    except ImportError as error:
        raise ExtraMissing("Reading video needs PyAV.", "Install it with: pip install 'mien[video]'") from error


def reason(error: Exception) -> str:
    """What FFmpeg says, without the address, which may hold a password."""
    text = getattr(error, "strerror", None) or type(error).__name__
    return "no answer in time" if text == "Immediate exit requested" else text[:1].lower() + text[1:]


def picture_stream(container: Any, name: str, limits: ImageLimits) -> Any:
    """The stream with the largest pictures, ready to decode; a cover picture counts as none.

    Raises VideoFormatRefused without one, VideoTooLarge beyond `limits.max_pixels`; nothing is decoded for it.
    """
    streams = [stream for stream in container.streams.video if not _is_cover(stream)]
    decodable = [stream for stream in streams if stream.codec_context is not None]
    if not decodable:
        raise _no_picture(container, name, bool(streams))
    stream = max(decodable, key=lambda one: one.codec_context.width * one.codec_context.height)
    check_pixels(stream.codec_context.width, stream.codec_context.height, name, limits)
    # What the decoder believes may be larger than what the container says.
    stream.codec_context.options = {"max_pixels": str(limits.max_pixels)}
    return stream


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition.value & NO_VIDEO)


def _no_picture(container: Any, name: str, unknown: bool) -> VideoError:
    if unknown:
        return VideoFormatRefused(f"The pictures in {name} have a coding that FFmpeg does not know.", CONVERT)
    kinds = {stream.type for stream in container.streams}
    what = "has sound and no moving picture" if "audio" in kinds else "holds no moving picture"
    return VideoFormatRefused(f"{name} {what}.", "Give the file that holds the picture.")


def check_pixels(width: int, height: int, name: str, limits: ImageLimits) -> None:
    """Raises VideoTooLarge for pictures of more pixels than `limits.max_pixels`."""
    if width * height > limits.max_pixels:
        raise too_large(name, limits, f"{width:,} x {height:,} pixels")


def too_large(name: str, limits: ImageLimits, size: str = "larger, from somewhere in the middle") -> VideoTooLarge:
    """The error for pictures beyond the limit."""
    return VideoTooLarge(
        f"The pictures of {name} are {size}; {limits.max_pixels:,} pixels are allowed.",
        "Make them smaller, or raise max_pixels if you trust where the video comes from.",
    )
