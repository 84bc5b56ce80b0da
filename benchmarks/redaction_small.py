"""Whether `mien redact` covers small faces that move, and what the search for them costs.

    python benchmarks/redaction_small.py --lfw DIR --background FILE [--people 40] [--widths 16 20 24] [--disputed DIR]

People of LFW, five a video, are made so small that their faces are as wide as asked for, and move sideways before the
frames of a video without a face, in 640 x 360. The codec smears them as it does in films of the net (crf 30). Where the
faces are is known from BlazeFace's boxes of the photos, made small in the same way; mien's boxes are 0.9 as wide, which
is taken into account. For each width: the share of faces found where each frame is searched as most are, and as the
frames of a video are in turns; faces bare in the output; processor time of both searches, a frame. Prints Markdown.
--disputed: where to write frames with a bare face. Needs the extra `video`.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from redaction import RATE, Blaze, is_covered, read, write

from mien.face import Box, Pixels
from mien.image import open_photo, write_image
from mien.redact.policy import RedactPolicy
from mien.redact.redactor import Redactor
from mien.redact.scan import Turns
from mien.redact.search import CoverSearch, Extras
from mien.settings import load_settings
from mien.video.source.open import open_source

WIDTH, HEIGHT, LANES = 640, 360, 5
FRAMES, CRF = 50, 30
# Of the photo that is shown, in widths of the face; its border fades out.
AROUND = 2.0
# How fast faces move at most, px a second, and how far.
SPEED, WAY = 60.0, 200.0
# Width of mien's box over that of BlazeFace.
NARROWER = 0.9

Person = tuple[Pixels, Box]
"""A photo, and where the face is."""


def people_of(folder: Path, count: int) -> list[Person]:
    """Evenly spread over the alphabet: the first photo of each in which BlazeFace finds a face in the middle."""
    blaze, people = Blaze(), []
    names = sorted(one for one in folder.iterdir() if one.is_dir())
    for name in names[:: max(1, len(names) // (count + count // 4))]:
        pixels = open_photo(min(name.iterdir())).pixels().pixels
        middles = [box for box in blaze(pixels) if _in_the_middle(box, pixels)]
        if middles and len(people) < count:
            people.append((pixels, middles[0]))
    return people


def _in_the_middle(box: Box, pixels: Pixels) -> bool:
    height, width = pixels.shape[:2]
    return abs(box.x + box.width / 2 - width / 2) < width / 8 and abs(box.y + box.height / 2 - height / 2) < height / 6


def scene(people: Sequence[Person], background: Sequence[Pixels], width: float) -> tuple[list[Pixels], list[list[Box]]]:
    """Frames, and the faces' boxes in each."""
    made = [one.copy() for one in background]
    boxes: list[list[Box]] = [[] for _ in background]
    for lane, (pixels, face) in enumerate(people):
        for index, picture in enumerate(made):
            phase = lane * 1.7 + index / RATE * SPEED / WAY
            middle = WIDTH / 2 + WAY * np.sin(phase), (lane + 0.5) * HEIGHT / LANES
            boxes[index].append(paste(picture, pixels, face, width / NARROWER, middle))
    return made, boxes


def paste(onto: Pixels, pixels: Pixels, face: Box, width: float, middle: tuple[float, float]) -> Box:
    """Averages the original down, and puts the face's middle at `middle`, on parts of pixels too."""
    scale = width / face.width
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    scale_y = small.shape[0] / pixels.shape[0]
    x, y = (face.x + face.width / 2) * scale, (face.y + face.height / 2) * scale_y
    shift = np.array([[1, 0, middle[0] - x], [0, 1, middle[1] - y]], np.float32)
    placed = cv2.warpAffine(small, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    columns, rows = np.arange(WIDTH) + 0.5 - middle[0], np.arange(HEIGHT) + 0.5 - middle[1]
    far = np.hypot(columns[None] / (AROUND * width / 2), rows[:, None] / (AROUND * width / 2))
    share = np.clip((1.15 - far) / 0.3, 0, 1)[:, :, None]
    onto[:] = np.round(placed * share + onto * (1 - share)).astype(np.uint8)
    return Box(middle[0] - width / 2, middle[1] - face.height * scale / 2, width, face.height * scale)


def found(rows: np.ndarray, box: Box) -> bool:
    """Whether the middle of one lies within half a width of the box's middle."""
    if not len(rows):
        return False
    middles = rows[:, :2] + rows[:, 2:4] / 2
    away = np.abs(middles - (box.x + box.width / 2, box.y + box.height / 2)).max(axis=1)
    return bool(away.min() <= box.width / 2)


Video = tuple[list[Pixels], list[list[Box]]]


def searched(videos: Sequence[Video], in_turns: bool) -> tuple[float, float]:
    """The share of faces found, and processor seconds a frame."""
    search, hits, faces, frames, seconds = CoverSearch(load_settings(), RedactPolicy(), still=False), 0, 0, 0, 0.0
    for made, boxes in videos:
        turns = Turns()
        for index, pixels in enumerate(made):
            extras = turns(index / RATE) if in_turns else Extras(aside=False, fine=False)
            started = time.process_time()
            rows = search(pixels, extras)
            seconds += time.process_time() - started
            hits += sum(found(rows, box) for box in boxes[index])
            faces, frames = faces + len(boxes[index]), frames + 1
    return hits / faces, seconds / frames


def bare(redactor: Redactor, source: Path, boxes: Sequence[list[Box]], disputed: Path | None) -> int:
    """How many faces of all frames are not covered."""
    out, total = source.with_name(f"redacted-{source.name}"), 0
    redactor.redact(source, out)
    for index, (pixels, some) in enumerate(zip(read(out)[0], boxes, strict=True)):
        left = sum(not is_covered(pixels, box) for box in some)
        total += left
        if left and disputed:
            disputed.mkdir(parents=True, exist_ok=True)
            write_image(disputed / f"{source.stem}-{index:03d}.png", pixels)
    return total


def main() -> None:
    """Build, search, redact, look."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lfw", type=Path, required=True)
    parser.add_argument("--background", required=True)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--widths", type=float, nargs="+", default=[16, 20, 24])
    parser.add_argument("--disputed", type=Path)
    asked = parser.parse_args()
    redactor, people = Redactor(), people_of(asked.lfw, asked.people)
    with open_source(asked.background) as source:
        background = [cv2.resize(frame.pixels, (WIDTH, HEIGHT)) for frame in islice(source, FRAMES)]
    print("| width | faces | found in plain frames | in turns | bare in the output | plain search | in turns |")
    print("|---|---|---|---|---|---|---|")
    for width in asked.widths:
        videos, left = [], 0
        with tempfile.TemporaryDirectory() as name:
            for at in range(0, len(people), LANES):
                made, boxes = scene(people[at : at + LANES], background, width)
                path = write(Path(name) / f"{width:g}px-{at}.mp4", made, CRF)
                videos.append((read(path)[0], boxes))
                left += bare(redactor, path, boxes, asked.disputed)
        plain, turns = searched(videos, False), searched(videos, True)
        faces = sum(len(some) for _, boxes in videos for some in boxes)
        times = f"{plain[1] * 1000:.1f} ms | {turns[1] * 1000:.1f} ms"
        print(f"| {width:g} px | {faces} | {plain[0]:.1%} | {turns[0]:.1%} | {left} | {times} |", flush=True)


if __name__ == "__main__":
    main()
