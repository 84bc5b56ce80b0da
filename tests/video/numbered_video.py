"""Videos whose pictures show their own numbers, as eight bars that survive any coding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from mien.face import Pixels

WIDTH, HEIGHT = 128, 96
MILLISECOND = Fraction(1, 1000)
ANY_TIMES = {"libx264", "libvpx-vp9", "ffv1"}


def numbered(number: int, width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    """A picture that says `number`, 0..255, from left to right."""
    bits = [40 + 175 * (number >> bit & 1) for bit in range(7, -1, -1)]
    row = np.repeat(np.array(bits, np.uint8), width // 8)
    return np.broadcast_to(row[None, :, None], (height, len(row), 3)).copy()


def number_of(pixels: Pixels) -> int:
    """What such a picture says."""
    bars = np.array_split(pixels.mean(axis=(0, 2)), 8)
    return sum(int(bar[len(bar) // 4 : -(len(bar) // 4)].mean() > 128) << (7 - bit) for bit, bar in enumerate(bars))


def write_video(
    path: Path,
    pictures: Iterable[Pixels],
    times: Sequence[float] | None = None,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    **options: str,
) -> Path:
    """Encode pictures, 25 a second or at `times`; a key picture at least every 10."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.codec_context.gop_size = 10
        # The older codecs know no other times than those of their rate.
        stream.codec_context.time_base = MILLISECOND if codec in ANY_TIMES else Fraction(1, 25)
        stream.options = options
        for index, pixels in enumerate(pictures):
            if index == 0:
                stream.height, stream.width = pixels.shape[:2]
                stream.pix_fmt = pixel_format
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=pixel_format)
            seconds = index / 25 if times is None else times[index]
            frame.pts, frame.time_base = round(seconds / MILLISECOND), MILLISECOND
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def clip(path: Path, count: int = 25, **options: str) -> Path:
    """A video of pictures 0, 1, 2..."""
    return write_video(path, map(numbered, range(count)), **options)
