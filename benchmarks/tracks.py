"""How well people are told apart from frame to frame: clips, and people cut out of clips and photos who cross.

`--clips DIR`: short videos, each of one person but for those that `--people` names otherwise (such as
`no_face.mp4=0`); their faces are cut out for the crossings, too. `--photos DIR`: folders of people (LFW), or photos,
whose faces join in. `--fusion DIR`: folders of people: how the error rates of the mean of several photos compare to
those of one. Needs the extra `video`. Prints tables in Markdown.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from mien.align.view import FaceView
from mien.decide.calibration import Calibration
from mien.detect.policy import DetectPolicy
from mien.detect.search import FaceDetector
from mien.embed.network import NetworkEmbedder
from mien.face import Box, Detection, Embedding, Floats, Pixels
from mien.image import Photo, open_photo
from mien.settings import load_settings
from mien.track.tracker import Tracker, Update
from mien.weights.catalog import Catalog

SUFFIXES = {".mp4", ".mkv", ".mpg", ".avi", ".mov", ".webm"}
WIDTH, HEIGHT = 960, 540
# Of the face's box, how much is cut out: the head without most of its background.
CUT = (1.5, 1.7)
FACE_PX = 160
FRAMES_OF_A_SPRITE = 75
SECONDS = (3.0, 5.0)
PathOf = Callable[[float], tuple[float, float]]


class Eyes:
    """Detector and embedder, as a run in its fast mode has them."""

    def __init__(self) -> None:
        settings = load_settings()
        self.detect = FaceDetector(settings, DetectPolicy(thorough=False))
        self.embed = NetworkEmbedder(Catalog.load(settings).card("sface"), settings, fast=True)


@dataclass
class Watch:
    """A tracker with a clock and a count of looks."""

    eyes: Eyes
    tracker: Tracker = field(default_factory=Tracker)
    started: list[int] = field(default_factory=list)
    looks: int = 0
    frames: int = 0
    video_seconds: float = 0.0
    tracker_seconds: float = 0.0

    def __call__(self, seconds: float, pixels: Pixels) -> tuple[list[Detection], Update]:
        photo = open_photo(pixels)
        found = self.eyes.detect(photo)
        looking = 0.0

        def look(index: int) -> Floats | None:
            nonlocal looking
            start = time.thread_time()
            self.looks += 1
            (made,) = self.eyes.embed([FaceView(photo, found[index])])
            looking += time.thread_time() - start
            return made.vector if isinstance(made, Embedding) else None

        start = time.thread_time()
        update = self.tracker.update(seconds, found, look)
        self.tracker_seconds += time.thread_time() - start - looking
        self.frames, self.video_seconds = self.frames + 1, seconds
        self.started += update.started
        return found, update


def frames_of(path: Path) -> Iterator[tuple[float, Pixels]]:
    """Seconds and pixels of a video's pictures."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        for frame in container.decode(stream):
            yield float(frame.pts * stream.time_base), frame.to_ndarray(format="rgb24")


def clips(paths: Sequence[Path], people: dict[str, int], eyes: Eyes) -> None:
    """One table row a clip."""
    print("| clip | people | tracks | frames | looks a second | tracker, ms a frame |")
    print("|---|---|---|---|---|---|")
    for path in paths:
        watch = Watch(eyes)
        for seconds, pixels in frames_of(path):
            watch(seconds, pixels)
        expected = people.get(path.name, 1)
        right = "" if len(watch.started) == expected else " (wrong)"
        print(
            f"| {path.name} | {expected} | {len(watch.started)}{right} | {watch.frames} |"
            f" {watch.looks / watch.video_seconds:.1f} | {watch.tracker_seconds / watch.frames * 1e3:.2f} |",
            flush=True,
        )


@dataclass(frozen=True)
class Sprite:
    """A head that was cut out. pictures: (H, W, 3) each. alpha: (H, W, 1) 0..1. face: its box within a picture."""

    name: str
    pictures: tuple[Pixels, ...]
    alpha: Floats
    face: Box

    def at(self, index: int, scale: float) -> tuple[Pixels, Floats, Box]:
        """The picture of one moment at another size."""
        count = len(self.pictures)
        # Back and forth, without a jump.
        place = index % (2 * count - 1) if count > 1 else 0
        picture = self.pictures[place if place < count else 2 * count - 1 - place]
        size = round(picture.shape[1] * scale), round(picture.shape[0] * scale)
        small, alpha = (cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (picture, self.alpha))
        return small, alpha[..., None], Box(*(value * scale for value in _values(self.face)))


def sprite(name: str, pictures: Sequence[Pixels], eyes: Eyes) -> Sprite | None:
    """The head of the largest face, at a fixed place of all pictures; None where there is not exactly one face."""
    found = [eyes.detect(open_photo(one)) for one in pictures]
    boxes = np.array([_values(faces[0].box) for faces in found if faces])
    if not len(boxes) or any(len(faces) > 1 for faces in found) or len(boxes) < 0.8 * len(pictures):
        return None
    x, y, width, height = np.median(boxes, axis=0)
    scale = FACE_PX / width
    w, h = round(width * CUT[0] * scale), round(height * CUT[1] * scale)
    left, top = x + width / 2 - w / scale / 2, y + height * 0.45 - h / scale / 2
    matrix = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
    cut = tuple(cv2.warpAffine(one, matrix, (w, h), borderMode=cv2.BORDER_REPLICATE) for one in pictures)
    yy, xx = np.mgrid[0:h, 0:w]
    away = np.hypot((xx - w / 2) / (w / 2), (yy - h / 2) / (h / 2))
    alpha = np.clip((1 - away) / 0.06, 0, 1).astype(np.float32)
    return Sprite(name, cut, alpha, Box((x - left) * scale, (y - top) * scale, width * scale, height * scale))


@dataclass(frozen=True)
class Actor:
    """A sprite on its way: `path` gives the face's centre in px by the second."""

    sprite: Sprite
    path: PathOf
    scale: float

    def put(self, canvas: Pixels, seconds: float, index: int) -> Box | None:
        """Draw it over what is there; the face's box, None where it is out of the picture."""
        picture, alpha, face = self.sprite.at(index, self.scale)
        x, y = self.path(seconds)
        left, top = round(x - face.x - face.width / 2), round(y - face.y - face.height / 2)
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + picture.shape[1], WIDTH), min(top + picture.shape[0], HEIGHT)
        if x1 <= x0 or y1 <= y0:
            return None
        part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
        under = canvas[y0:y1, x0:x1]
        canvas[y0:y1, x0:x1] = (under + alpha[part] * (picture[part] - under.astype(np.float32))).astype(np.uint8)
        return Box(left + face.x, top + face.y, face.width, face.height)


@dataclass(frozen=True)
class Crossing:
    """What is drawn by lot for one test: the first actor is behind."""

    actors: tuple[Actor, Actor]
    seconds: float
    rate: float
    seed: int


def crossing(sprites: Sequence[Sprite], seed: int) -> Crossing:
    """Both walk; or one stands and the other walks by, or waits in front; or one comes near and goes."""
    rng = np.random.default_rng(seed)
    first, second = (sprites[place] for place in rng.choice(len(sprites), 2, replace=False))
    seconds, face = rng.uniform(*SECONDS), rng.uniform(80, 150)
    scale, y = face / FACE_PX, rng.uniform(180, 360)
    other = scale * rng.uniform(0.8, 1.25)
    y2, x, hold = y + rng.uniform(-0.35, 0.35) * face, rng.uniform(380, 580), rng.uniform(0.3, 2.0)
    left, right = rng.uniform(110, 220), rng.uniform(740, 850)
    ways: list[tuple[PathOf, PathOf]] = [
        (_walk(left, right, y, seconds), _walk(right, left, y2, seconds)),
        (_walk(x, x + 20, y, seconds), _walk(right, left, y2, seconds)),
        (_walk(x, x - 20, y, seconds), _pause(left, x, right, y2, seconds, hold)),
        (_walk(left, right, y, seconds), _pause(right, x, right, y2, seconds, hold)),
    ]
    path, path2 = ways[int(rng.integers(len(ways)))]
    # Who is in front is a matter of the lot as well.
    actors = [Actor(first, path, scale), Actor(second, path2, other)]
    if rng.random() < 0.5:
        actors.reverse()
    return Crossing((actors[0], actors[1]), seconds, float(rng.choice([8, 12.5, 25])), seed)


@dataclass
class Outcome:
    """of: for each actor the tracks that it was seen as, with their frames; last: the last of them."""

    watch: Watch
    of: tuple[Counter[int], Counter[int]] = field(default_factory=lambda: (Counter(), Counter()))
    last: list[int] = field(default_factory=lambda: [0, 0])

    @property
    def miscounted(self) -> int:
        """By how many people the count is wrong."""
        return abs(len(self.watch.started) - 2)

    @property
    def switched(self) -> bool:
        """Whether an actor ends under another number than the one it mostly had, or shares that one."""
        main = [tracks.most_common(1)[0][0] if tracks else 0 for tracks in self.of]
        return main != self.last or main[0] == main[1]

    @property
    def astray(self) -> int:
        """Frames in which an actor was seen under another number than its own."""
        return sum(sum(tracks.values()) - max(tracks.values(), default=0) for tracks in self.of)


def act(scene: Crossing, eyes: Eyes) -> Outcome:
    """Draw a scene, frame by frame, and follow it."""
    rng = np.random.default_rng(scene.seed)
    backdrop = np.clip(rng.normal(128, 6, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8)
    outcome = Outcome(Watch(eyes))
    for seconds in np.arange(0, scene.seconds, 1 / scene.rate).tolist():
        canvas = backdrop.copy()
        moment = round(seconds * 25)
        boxes = [actor.put(canvas, seconds, moment + 7 * place) for place, actor in enumerate(scene.actors)]
        _, update = outcome.watch(seconds, canvas)
        for seen in update.seen:
            if seen.predicted:
                continue
            overlaps = [overlap(seen.detection.box, box) if box else 0.0 for box in boxes]
            best = int(np.argmax(overlaps))
            # Where both would do, it is not known whose face was found.
            if overlaps[best] >= 0.4 and min(overlaps) < 0.6 * overlaps[best]:
                outcome.of[best][seen.track] += 1
                outcome.last[best] = seen.track
    return outcome


def crossings(sprites: Sequence[Sprite], count: int, eyes: Eyes, show: Path | None) -> None:
    """The table of all crossings, and a line for each that went wrong."""
    outcomes, wrong = [], []
    for seed in range(count):
        scene = crossing(sprites, seed)
        if show and seed < 4:
            _picture(scene, show / f"crossing {seed}.png")
        outcome = act(scene, eyes)
        outcomes.append(outcome)
        if outcome.miscounted or outcome.switched:
            names = " and ".join(actor.sprite.name for actor in scene.actors)
            seen = " and ".join(str(dict(tracks)) for tracks in outcome.of)
            wrong.append(f"- {seed}: {names}, {scene.rate:g} frames a second: seen as {seen}")
    watches = [one.watch for one in outcomes]
    frames, seconds = sum(one.frames for one in watches), sum(one.video_seconds for one in watches)
    print("\n| crossings | people counted, of | wrongly counted | numbers not kept | frames under another's number |")
    print("|---|---|---|---|---|")
    told, astray = sum(sum(map(Counter.total, one.of)) for one in outcomes), sum(one.astray for one in outcomes)
    counted, errors = sum(len(one.started) for one in watches), sum(one.miscounted > 0 for one in outcomes)
    print(f"| {count} | {counted}, {2 * count} | {errors} | {sum(o.switched for o in outcomes)} | {astray} of {told} |")
    print(f"\n{sum(one.looks for one in watches) / seconds:.1f} looks a second of video; the tracker takes", end=" ")
    print(
        f"{sum(one.tracker_seconds for one in watches) / frames * 1e3:.2f} ms a frame without them.", *wrong, sep="\n"
    )


def overhead(people: int, seconds: float = 40.0, rate: float = 25.0) -> None:
    """What the tracker takes by itself for people who sit still, as people do."""
    rng = np.random.default_rng(0)
    points = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
    vectors = rng.normal(size=(people, 128)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    tracker, looks, spent, frames = Tracker(), 0, 0.0, int(seconds * rate)

    def look(index: int) -> Floats:
        nonlocal looks
        looks += 1
        return np.asarray(vectors[index])

    for index in range(frames):
        sway = rng.normal(0, 2, (people, 2))
        boxes = [Box(200.0 * place + sway[place, 0], 200 + sway[place, 1], 100, 120) for place in range(people)]
        found = [Detection(box, 0.9, points * [100, 120] + [box.x, box.y]) for box in boxes]
        start = time.thread_time()
        tracker.update(index / rate, found, look)
        spent += time.thread_time() - start
    print(f"\n{people} faces: {spent / frames * 1e3:.2f} ms a frame, {looks / seconds:.1f} looks a second of video.")


def fusion(folder: Path, eyes: Eyes) -> None:
    """The rates of the mean of k photos against single photos of others and of the same person, at the same scores."""
    names, vectors = _embedded(folder, eyes)
    calibration = Calibration.for_model(eyes.embed.model)
    if calibration is None:
        raise SystemExit("There is no calibration for this embedder.")
    rates = np.array([1e-2, 1e-3, 1e-4, 1e-5])
    marks = np.array([calibration.threshold(rate) for rate in rates])
    counts = Counter(names.tolist())
    rng = np.random.default_rng(0)
    print("\n| photos in the probe | score times length to the | people | FMR over the rate asked for | FNMR, % |")
    print("|---|---|---|---|---|")
    for k, least in ((1, 5), (2, 5), (4, 5), (6, 7)):
        pool = [name for name, count in counts.items() if count >= least]
        for power in (0.0,) if k == 1 else (0.0, 0.5, 1.0):
            hits, misses, pairs, probes = np.zeros(4), np.zeros(4), 0, 0
            for name in pool * (800 // max(len(pool), 1) + 1):
                own = np.flatnonzero(names == name)
                picked = rng.choice(own, k, replace=False)
                mean = vectors[picked].mean(axis=0)
                length = np.linalg.norm(mean)
                scores = vectors @ (mean / length) * length**power
                others, rest = scores[names != name], scores[np.setdiff1d(own, picked)]
                hits += (others[:, None] >= marks).sum(axis=0)
                misses += (rest[:, None] < marks).mean(axis=0)
                pairs, probes = pairs + len(others), probes + 1
            said = ", ".join(f"{value:.2f}" for value in hits / pairs / rates)
            missed = ", ".join(f"{value:.2f}" for value in misses / probes * 100)
            print(f"| {k} | {power:g} | {len(pool)} | {said} | {missed} |", flush=True)


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    inside = max(0.0, width) * max(0.0, height)
    return inside / (one.width * one.height + other.width * other.height - inside)


def _walk(start: float, end: float, y: float, seconds: float) -> PathOf:
    return lambda now: (start + (end - start) * now / seconds, y + 4 * float(np.sin(9 * now)))


def _pause(start: float, stop: float, end: float, y: float, seconds: float, hold: float) -> PathOf:
    """To `stop`, a while there, and on to `end`; people gather speed and lose it."""
    times = [0, (seconds - hold) / 2, (seconds + hold) / 2, seconds]

    def path(now: float) -> tuple[float, float]:
        share = float(np.interp(now, times, [0, 1, 1, 2]))
        smooth = (share % 1) ** 2 * (3 - 2 * (share % 1)) if share % 1 else share % 1
        whole = int(share)
        places = [start, stop, end, end]
        return places[whole] + (places[whole + 1] - places[whole]) * smooth, y

    return path


def _picture(scene: Crossing, path: Path) -> None:
    """Four moments of a scene, to look at."""
    shots = []
    for seconds in np.linspace(0.3, 0.7, 4) * scene.seconds:
        canvas = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
        for place, actor in enumerate(scene.actors):
            actor.put(canvas, float(seconds), round(float(seconds) * 25) + 7 * place)
        shots.append(cv2.resize(canvas, (WIDTH // 2, HEIGHT // 2)))
    cv2.imwrite(str(path), np.vstack([np.hstack(shots[:2]), np.hstack(shots[2:])])[..., ::-1])


def _sprites(paths: Sequence[Path], photos: Path | None, eyes: Eyes, most: int = 100) -> list[Sprite]:
    """The people of clips, and of photos; those with several faces are left out."""
    found = []
    for path in paths:
        pictures = [pixels for _, pixels in frames_of(path)][:FRAMES_OF_A_SPRITE]
        found.append(sprite(path.stem, pictures, eyes))
    if photos:
        some = sorted({path.parent: path for path in sorted(photos.rglob("*.jpg"), reverse=True)}.values())
        for path in some[:: max(1, len(some) // most)]:
            found.append(sprite(path.stem, [np.asarray(open_photo(path).pixels().pixels)], eyes))
    return [one for one in found if one is not None]


def _embedded(folder: Path, eyes: Eyes) -> tuple[np.ndarray, Floats]:
    """(N,) names of folders and (N, D) embeddings of their photos' middle faces."""
    names, vectors = [], []
    for path in sorted(folder.rglob("*.jpg")):
        photo = open_photo(path)
        faces = eyes.detect(photo)
        if not faces:
            continue
        (made,) = eyes.embed([FaceView(photo, min(faces, key=lambda one: _off_centre(one.box, photo)))])
        if isinstance(made, Embedding):
            names.append(path.parent.name)
            vectors.append(made.vector)
    return np.array(names), np.array(vectors)


def _off_centre(box: Box, photo: Photo) -> float:
    return abs(box.x + box.width / 2 - photo.width / 2) + abs(box.y + box.height / 2 - photo.height / 2)


def _values(box: Box) -> tuple[float, float, float, float]:
    return box.x, box.y, box.width, box.height


def main() -> None:
    """As the file's first lines say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path)
    parser.add_argument("--people", nargs="*", default=["no_face_bottles.mp4=0"])
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--crossings", type=int, default=200)
    parser.add_argument("--fusion", type=Path)
    parser.add_argument("--show", type=Path, help="a folder for pictures of the first crossings")
    arguments = parser.parse_args()
    eyes = Eyes()
    people = {name: int(count) for name, count in (one.rsplit("=", 1) for one in arguments.people)}
    if arguments.clips:
        paths = sorted(path for path in arguments.clips.iterdir() if path.suffix in SUFFIXES)
        clips(paths, people, eyes)
        alone = [path for path in paths if people.get(path.name, 1) == 1]
        if arguments.crossings:
            crossings(_sprites(alone, arguments.photos, eyes), arguments.crossings, eyes, arguments.show)
    overhead(5)
    if arguments.fusion:
        fusion(arguments.fusion, eyes)


if __name__ == "__main__":
    main()
