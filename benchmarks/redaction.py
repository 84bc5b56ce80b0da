"""Whether `mien redact` leaves a face bare, checked by detectors that it does not use, and what a blur gives away.

    python benchmarks/redaction.py --clips DIR --groups DIR [--lfw DIR] [--disputed DIR] [--only clips photos ...]

--clips: a folder of videos. --groups: a folder of photos. --lfw: LFW's `images`. --disputed: where to write every face
that seems to be bare, to be looked at by eye. --only: some of the tables: clips, hard, keep, photos, identity. --every:
of the clips, look at one frame in so many; all are redacted.

Faces of the originals are found by BlazeFace, in the whole picture and in overlapping squares of it, and by dlib's
detector where dlib is installed (`pip install dlib-bin`). Neither has a part in the redaction, which looks with YuNet.
A face counts as covered where the middle of its box, three fifths of its width and height, has the colour of the cover
in the decoded output. Where the faces of the built cases are is known from the clips of which they are made.
Needs the extra `video`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module, util
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.align.view import FaceView
from mien.analyze import Analyzer
from mien.detect.blazeface import BlazeFaceDetector
from mien.detect.policy import DetectPolicy
from mien.face import Box, Embedding, Pixels
from mien.gallery.gallery import Consent, Gallery, GalleryPolicy, Profile
from mien.gallery.store.master import MasterKey
from mien.image import encode_image, open_photo, write_image
from mien.image.folder import photos_in
from mien.redact.cover import Cover
from mien.redact.mask import INK
from mien.redact.policy import RedactPolicy
from mien.redact.redactor import Redactor
from mien.redact.render import PAINTERS
from mien.settings import load_settings
from mien.video.sink.encoder import VideoWriter
from mien.video.source.open import is_video, open_source

TABLES = ("clips", "hard", "keep", "photos", "identity")
# A stranger's belief of so much is a face; things in a redacted picture count from there on, too.
DECENT = 0.75
MIDDLE = 0.6
# The codec changes the cover's colour a little.
TOLERANCE = 24.0
RATE = 25.0
PEOPLE = ("lbbc2a.mpg", "bbaf2n.mpg")
Finder = Callable[[Pixels], list[Box]]


class Blaze:
    """BlazeFace, which finds faces of a sixth of its picture and more, on the picture and on squares of it."""

    def __init__(self) -> None:
        self._detect = BlazeFaceDetector(load_settings(), DetectPolicy("blazeface", min_score=DECENT))

    def __call__(self, pixels: Pixels) -> list[Box]:
        """Boxes in px, the whole picture's first; one found twice is there twice."""
        height, width = pixels.shape[:2]
        found = [one.box for one in self._detect(open_photo(pixels))]
        for side in (min(width, height), min(width, height) // 2):
            for top in range(0, height - side + 1, max(1, side // 2)):
                for left in range(0, width - side + 1, max(1, side // 2)):
                    square = np.ascontiguousarray(pixels[top : top + side, left : left + side])
                    boxes = (one.box for one in self._detect(open_photo(square)))
                    found += [Box(box.x + left, box.y + top, box.width, box.height) for box in boxes]
        return found


def dlib_finder() -> Finder | None:
    """dlib's frontal detector (histograms of oriented gradients); None where dlib is not installed."""
    if util.find_spec("dlib") is None:
        return None
    detector = import_module("dlib").get_frontal_face_detector()

    def find(pixels: Pixels) -> list[Box]:
        boxes, scores, _ = detector.run(np.ascontiguousarray(pixels), 1, 0.0)
        pairs = zip(boxes, scores, strict=True)
        return [Box(one.left(), one.top(), one.width(), one.height()) for one, score in pairs if score >= 0.3]

    return find


def read(path: Path) -> tuple[list[Pixels], list[float]]:
    """All frames with their times."""
    with open_source(str(path)) as source:
        frames = [(frame.pixels, frame.time_seconds) for frame in source]
    return [pixels for pixels, _ in frames], [time for _, time in frames]


def write(path: Path, frames: Sequence[Pixels], crf: int = 16) -> Path:
    """Frames as a video of 25 a second."""
    with VideoWriter(path, frames[0].shape[1], frames[0].shape[0], crf=crf) as writer:
        for index, frame in enumerate(frames):
            writer.write(np.ascontiguousarray(frame), index / RATE)
    return path


def is_covered(pixels: Pixels, box: Box) -> bool:
    """Whether the middle of a box, as far as it lies in the picture, has the cover's colour."""
    x, y = box.x + box.width * (1 - MIDDLE) / 2, box.y + box.height * (1 - MIDDLE) / 2
    part = pixels[max(0, round(y)) : round(y + box.height * MIDDLE), max(0, round(x)) : round(x + box.width * MIDDLE)]
    return not part.size or float(np.abs(part.astype(float) - INK).max(axis=2).mean()) <= TOLERANCE


@dataclass
class Tally:
    """faces: of the originals; bare: not covered ones; bare_frames: with at least one; after: found in the output."""

    frames: int = 0
    faces: int = 0
    bare: int = 0
    bare_frames: int = 0
    after: int = 0

    def row(self, name: str, *more: object) -> str:
        """A line of a Markdown table."""
        values = (name, self.frames, self.faces, self.bare, self.bare_frames, self.after, *more)
        return f"| {' | '.join(map(str, values))} |"


class Bench:
    """The finders, a folder for videos that are thrown away, and one for what is disputed."""

    def __init__(self, folder: Path, disputed: Path | None, every: int = 1) -> None:
        self.folder, self.disputed, self.every = folder, disputed, every
        self.blaze, self.dlib = Blaze(), dlib_finder()

    def find(self, pixels: Pixels) -> list[Box]:
        """What all finders find."""
        return self.blaze(pixels) + (self.dlib(pixels) if self.dlib else [])

    def check(self, name: str, before: Sequence[Pixels], truth: Sequence[list[Box]], after: Sequence[Pixels]) -> Tally:
        """Compare each frame's truth with the output, and look for faces in the output."""
        tally = Tally(len(before))
        assert len(before) == len(after), f"{len(before)} frames became {len(after)}"
        for index, (pixels, boxes, redacted) in enumerate(zip(before, truth, after, strict=True)):
            bare = [box for box in boxes if not is_covered(redacted, box)]
            left = self.find(redacted)
            tally.faces, tally.bare = tally.faces + len(boxes), tally.bare + len(bare)
            tally.bare_frames, tally.after = tally.bare_frames + bool(bare), tally.after + len(left)
            self._dispute(f"{name}-{index:04d}-bare", pixels, bare)
            self._dispute(f"{name}-{index:04d}-after", redacted, left)
        return tally

    def redact(self, name: str, source: Path, policy: RedactPolicy, gallery: Gallery | None = None) -> list[Pixels]:
        """The redacted frames."""
        out = self.folder / f"{name}-redacted.mp4"
        Redactor(policy, gallery=gallery).redact(source, out)
        return read(out)[0]

    def _dispute(self, name: str, pixels: Pixels, boxes: Sequence[Box]) -> None:
        if self.disputed is None or not boxes:
            return
        self.disputed.mkdir(parents=True, exist_ok=True)
        picture = pixels.copy()
        for box in boxes:
            corners = (round(box.x), round(box.y)), (round(box.x + box.width), round(box.y + box.height))
            cv2.rectangle(picture, *corners, (255, 0, 0), 2)
        write_image(self.disputed / f"{name}.png", picture)


HEAD = "frames | faces found by others | of these bare | frames with a bare face | faces found in the output |"


def clips(bench: Bench, folder: Path) -> None:
    """Every clip as it is, covered solid and blurred; a blur is only looked at afterwards."""
    print(f"\n| clip | {HEAD} found after a blur |\n|---|---|---|---|---|---|---|")
    total, blurred = Tally(), 0
    for path in sorted(one for one in folder.iterdir() if is_video(one)):
        seen = slice(None, None, bench.every)
        frames, _ = read(path)
        found = [bench.find(one) for one in frames[seen]]
        tally = bench.check(path.stem, frames[seen], found, bench.redact(path.stem, path, RedactPolicy())[seen])
        soft = sum(len(bench.find(one)) for one in bench.redact(path.stem, path, RedactPolicy(how="blur"))[seen])
        print(tally.row(path.name, soft), flush=True)
        blurred += soft
        for name in vars(total):
            setattr(total, name, getattr(total, name) + getattr(tally, name))
    print(total.row("all", blurred))


def photos(bench: Bench, folder: Path) -> None:
    """Every photo as it is."""
    print(f"\n| photo | {HEAD}\n|---|---|---|---|---|---|")
    redactor = Redactor()
    for path in photos_in(folder):
        pixels = open_photo(path).pixels().pixels
        print(
            bench.check(path.stem, [pixels], [bench.find(pixels)], [redactor.cover(path)[0]]).row(path.name), flush=True
        )


def hard(bench: Bench, folder: Path) -> None:
    """Built cases, whose faces are known from before they were built."""
    print(f"\n| built case | {HEAD}\n|---|---|---|---|---|---|")
    frames, _ = read(folder / PEOPLE[0])
    truth = [bench.blaze(one) for one in frames]
    for name, (made, boxes) in built(frames, truth):
        path = write(bench.folder / f"{name}.mp4", made)
        print(bench.check(name, made, boxes, bench.redact(name, path, RedactPolicy())).row(name), flush=True)


def built(
    frames: Sequence[Pixels], truth: Sequence[list[Box]]
) -> Iterator[tuple[str, tuple[list[Pixels], list[list[Box]]]]]:
    """Names, frames and the boxes in them."""
    for length in (9, 21, 41):
        yield f"motion blur of {length} px", ([smeared(one, length) for one in frames], list(truth))
    yield "dark, noisy", ([noisy(one, index) for index, one in enumerate(frames)], list(truth))
    yield "a bar passes over the face", ([barred(one, index) for index, one in enumerate(frames)], list(truth))
    yield "hidden for 1 s", ([hidden(one, index) for index, one in enumerate(frames)], list(truth))
    steps = [round(frames[0].shape[1] * 0.8 * np.cos(index / 74 * 2 * np.pi)) for index in range(len(frames))]
    yield "leaves and enters at the border", moved(frames, truth, steps, 0)
    sways = [round(frames[0].shape[1] * 0.35 * np.sin(index / 12 * 2 * np.pi)) for index in range(len(frames))]
    yield "fast pans, 2 a second, smeared", moved(frames, truth, sways, 1)
    yield (
        "on its side",
        ([np.rot90(one) for one in frames], [[_turned(box, frames[0]) for box in boxes] for boxes in truth]),
    )
    small = [small_in(one, (640, 360), 0.3) for one in frames]
    boxes = [
        [Box(box.x * 0.3 + 200, box.y * 0.3 + 100, box.width * 0.3, box.height * 0.3) for box in some] for some in truth
    ]
    yield "a third of the size", (small, boxes)


def smeared(pixels: Pixels, length: int) -> Pixels:
    """As a camera sees it that moves sideways."""
    kernel = np.full((1, length), 1 / length, np.float32)
    return np.asarray(cv2.filter2D(pixels, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)


def noisy(pixels: Pixels, seed: int) -> Pixels:
    """A quarter of the light, and the noise of a cheap sensor."""
    noise = np.random.default_rng(seed).normal(0, 9, pixels.shape)
    return np.asarray((pixels * 0.25 + noise).clip(0, 255), np.uint8)


def barred(pixels: Pixels, index: int) -> Pixels:
    """A grey bar, a quarter of the picture's width, crosses it in the middle third of the clip."""
    made, width = pixels.copy(), pixels.shape[1]
    left = round((index - 25) / 25 * width)
    if 25 <= index < 50:
        made[:, max(0, left - width // 8) : left + width // 8] = 128
    return made


def hidden(pixels: Pixels, index: int) -> Pixels:
    """For a second a board is before the upper half of the picture, and most of the face."""
    made = pixels.copy()
    if 25 <= index < 50:
        made[: pixels.shape[0] // 2 + 20] = 90
    return made


def moved(
    frames: Sequence[Pixels], truth: Sequence[list[Box]], steps: Sequence[int], smear: int
) -> tuple[list[Pixels], list[list[Box]]]:
    """Frames moved sideways by so many px; boxes of which less than half stays in the picture are left out."""
    made, boxes = [], []
    for index, (pixels, some, step) in enumerate(zip(frames, truth, steps, strict=True)):
        width, height = pixels.shape[1], pixels.shape[0]
        shift = np.array([[1, 0, step], [0, 1, 0]], np.float32)
        one = np.asarray(cv2.warpAffine(pixels, shift, (width, height), borderValue=(96, 104, 112)), np.uint8)
        speed = abs(steps[index] - steps[index - 1]) if smear and index else 0
        made.append(smeared(one, max(1, speed // 2 * 2 + 1)))
        boxes.append(
            [Box(box.x + step, box.y, box.width, box.height) for box in some if _half_inside(box, step, width)]
        )
    return made, boxes


def _half_inside(box: Box, step: int, width: int) -> bool:
    return min(width, box.x + step + box.width) - max(0, box.x + step) >= box.width / 2


def _turned(box: Box, like: Pixels) -> Box:
    """Where a box lies after a quarter turn against the clock."""
    return Box(box.y, like.shape[1] - box.x - box.width, box.height, box.width)


def small_in(pixels: Pixels, size: tuple[int, int], scale: float) -> Pixels:
    """The picture, smaller, on a grey one of (width, height)."""
    made = np.full((size[1], size[0], 3), 110, np.uint8)
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    made[100 : 100 + small.shape[0], 200 : 200 + small.shape[1]] = small
    return made


def keep(bench: Bench, folder: Path) -> None:
    """Two people of whom one is enrolled: beside each other, and crossing."""
    print("\n| two people | policy | frames | bare frames of who is to be covered | bare frames of who may stay bare |")
    print("|---|---|---|---|---|")
    first, second = (read(folder / name)[0] for name in PEOPLE)
    with enrolled(bench.folder, first) as gallery:
        for name, made in (("beside", beside(first, second)), ("crossing", crossing(first, second))):
            path = write(bench.folder / f"{name}.mp4", [pixels for pixels, _, _ in made])
            for policy, kept in ((RedactPolicy(keep=("Anna",)), 0), (RedactPolicy(only=("Anna",)), 1)):
                after = bench.redact(f"{name}-{kept}", path, policy, gallery)
                bare = [
                    [not is_covered(one, box) for box in boxes] for one, (_, boxes, _) in zip(after, made, strict=True)
                ]
                shown = [visible for _, _, visible in made]
                wrong = sum(one[1 - kept] for one, seen in zip(bare, shown, strict=True) if seen[1 - kept])
                said = "--keep Anna" if kept == 0 else "--only Anna"
                print(f"| {name} | {said} | {len(made)} | {wrong} | {sum(one[kept] for one in bare)} |", flush=True)


def enrolled(folder: Path, frames: Sequence[Pixels]) -> Gallery:
    """A gallery that knows the person of some frames as Anna."""
    consent = Consent("Anna", datetime.now(UTC), "a benchmark", "a public clip")
    gallery = Gallery.create(folder / "gallery", GalleryPolicy(min_quality=20), master=MasterKey.new())
    done = gallery.enrol(Profile("Anna", consent=consent), [encode_image(frames[at], ".png") for at in (0, 30, 60)])
    assert done.person_id, done
    return gallery


Made = list[tuple[Pixels, list[Box], list[bool]]]


def beside(first: Sequence[Pixels], second: Sequence[Pixels]) -> Made:
    """Side by side; with the box of each person's face, and whether it is in view."""
    blaze, made = Blaze(), []
    for one, other in zip(first, second, strict=False):
        boxes = [_largest(blaze(one)), _largest(blaze(other))]
        boxes[1] = Box(boxes[1].x + one.shape[1], boxes[1].y, boxes[1].width, boxes[1].height)
        made.append((np.hstack([one, other]), boxes, [True, True]))
    return made


def crossing(first: Sequence[Pixels], second: Sequence[Pixels]) -> Made:
    """Two heads pass: the second in front of the first, from side to side and back."""
    blaze, made = Blaze(), []
    for index, (one, other) in enumerate(zip(first, second, strict=False)):
        canvas, boxes = np.full((360, 720, 3), 120, np.uint8), []
        way = (1 - np.cos(index / 74 * 2 * np.pi)) / 2
        for pixels, left in ((one, round(20 + 480 * way)), (other, round(500 - 480 * way))):
            box = _largest(blaze(pixels))
            x, y, side = (
                round(value) for value in (box.x - box.width * 0.3, box.y - box.height * 0.4, box.width * 1.6)
            )
            head = pixels[max(0, y) : y + side, max(0, x) : x + side]
            head = cv2.resize(head, (200, 200), interpolation=cv2.INTER_AREA)
            canvas[80:280, left : left + 200] = head
            scale = 200 / side
            boxes.append(
                Box(left + (box.x - x) * scale, 80 + (box.y - y) * scale, box.width * scale, box.height * scale)
            )
        apart = abs(boxes[0].x - boxes[1].x) >= 200
        made.append((canvas, boxes, [apart, True]))
    return made


def _largest(boxes: Sequence[Box]) -> Box:
    return max(boxes, key=lambda box: box.width)


def identity(folder: Path, count: int = 100) -> None:
    """How like its own original a covered face is, and how like another covered photo of the same person."""
    people = [paths for one in sorted(folder.iterdir()) if len(paths := sorted(one.glob("*.jpg"))) >= 2][:count]
    analyzer = Analyzer(["embed"])
    faces = [pair for paths in people if (pair := [_face(analyzer, path) for path in paths[:2]]) and all(pair)]
    print(
        f"\n{len(faces)} people of LFW, two photos each, SFace: mean cosines; found is the share of people whose pair"
    )
    print("scores above 99 of 100 pairs of strangers\n")
    print("| how | own original | a stranger's original | found by the original | found by another covered photo |")
    print("|---|---|---|---|---|")
    plain = np.stack([[_vector(analyzer, *one) for one in pair] for pair in faces])
    print(_identity_row("nothing", plain[:, 0], plain[:, 1], plain[:, 1]))
    for how in PAINTERS:
        covered = np.stack([[_vector(analyzer, _painted(how, *one), one[1]) for one in pair] for pair in faces])
        print(_identity_row(how, covered[:, 0], plain[:, 0], covered[:, 1]), flush=True)


def _identity_row(
    how: str, probes: NDArray[np.float32], originals: NDArray[np.float32], others: NDArray[np.float32]
) -> str:
    same, strangers = (probes * originals).sum(axis=1), _strangers(probes @ originals.T)
    again, aliens = (probes * others).sum(axis=1), _strangers(probes @ others.T)
    found = [float((one > np.quantile(other, 0.99)).mean()) for one, other in ((same, strangers), (again, aliens))]
    return f"| {how} | {same.mean():.2f} | {strangers.mean():.2f} | {found[0]:.1%} | {found[1]:.1%} |"


def _strangers(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    return scores[~np.eye(len(scores), dtype=bool)]


def _face(analyzer: Analyzer, path: Path) -> tuple[Pixels, FaceView] | None:
    photo = open_photo(path)
    views = [FaceView(photo, one) for one in analyzer.networks.detect(photo)]
    return (photo.pixels().pixels, views[0]) if views else None


def _painted(how: str, pixels: Pixels, view: FaceView) -> Pixels:
    box, made = view.detection.box, pixels.copy()
    sides = np.array([box.x, box.y, box.width, box.height], np.float32)
    PAINTERS[how](made, [Cover(sides, view.detection.landmarks, None, 1.0)], RedactPolicy().margin)
    return made


def _vector(analyzer: Analyzer, pixels: Pixels, view: FaceView) -> NDArray[np.float32]:
    """Of the face where it was in the original: whoever attacks knows where it is."""
    assert analyzer.networks.embed
    found = analyzer.networks.embed([FaceView(open_photo(pixels), view.detection)])[0]
    return found.vector if isinstance(found, Embedding) else np.zeros(128, np.float32)


def main() -> None:
    """Print the tables asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path)
    parser.add_argument("--groups", type=Path)
    parser.add_argument("--lfw", type=Path)
    parser.add_argument("--disputed", type=Path)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=TABLES, default=TABLES)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), asked.disputed, asked.every)
        print(f"Faces are found by BlazeFace{' and dlib' if bench.dlib else ''}.")
        for name, table, where in (
            ("clips", clips, asked.clips), ("hard", hard, asked.clips), ("keep", keep, asked.clips),
            ("photos", photos, asked.groups),
        ):  # fmt: skip
            if where and name in asked.only:
                table(bench, where)
    if asked.lfw and "identity" in asked.only:
        identity(asked.lfw)


if __name__ == "__main__":
    main()
