"""A 720p H.264 clip with two faces side by side, made of two clips: what the video benchmarks run on.

python benchmarks/video_scene.py --clips ../shared/data/clips --out two-faces.mp4
"""

from __future__ import annotations

import argparse
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import av
import cv2
import numpy as np

WIDTH, HEIGHT, RATE = 1280, 720, 25
LEFT, RIGHT = "lrwp9a.mpg", "bbaf2n.mpg"


def pictures(path: Path) -> list[np.ndarray]:
    """All frames, (720, 640, 3) uint8 RGB: the middle of the picture at twice its size or so."""
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    scale = HEIGHT / frames[0].shape[0]
    large = [cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) for frame in frames]
    start = (large[0].shape[1] - WIDTH // 2) // 2
    return [frame[:, start : start + WIDTH // 2] for frame in large]


def there_and_back(frames: list[np.ndarray]) -> list[np.ndarray]:
    """Without a jump where the loop closes."""
    return frames + frames[-2:0:-1]


def write_scene(clips: Path, out: Path, seconds: float) -> None:
    """Both people, looped to the length asked for."""
    left, right = (cycle(there_and_back(pictures(clips / name))) for name in (LEFT, RIGHT))
    with av.open(str(out), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "21"}
        for index, (one, other) in enumerate(islice(zip(left, right, strict=False), round(seconds * RATE))):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.hstack([one, other])), format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=20)
    asked = parser.parse_args()
    write_scene(asked.clips, asked.out, asked.seconds)
