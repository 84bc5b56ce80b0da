"""How many faces are found, and how many things are taken for faces.

    python benchmarks/detection.py --groups DIR --fairface DIR --negatives PATH [--crops DIR]

--groups: a folder of dlib's example photos with `training.xml` and `testing.xml` (dlib's `examples/faces`); photos that
neither file names are counted without truth. --fairface: FairFace, with `val/` and `val.csv` (file, race). --negatives:
a folder of photos, or a video (needs PyAV), without any human face. --crops: where to write each box that no annotation
explains, to be looked at by eye.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from rich.console import Console
from rich.progress import track

from mien.align.view import FaceView
from mien.detect.choice import DETECTORS, Detector
from mien.detect.policy import DetectPolicy
from mien.face import Box, Detection
from mien.image import Photo, open_photo, write_image
from mien.settings import load_settings

SUFFIXES = {".jpg", ".jpeg", ".png"}
VIDEOS = {".mp4", ".mkv", ".mov", ".avi", ".mpg"}
SAME = 0.5


def iou(one: Box, other: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    inside = max(0.0, width) * max(0.0, height)
    return inside / (one.width * one.height + other.width * other.height - inside)


def truth(folder: Path) -> dict[str, list[Box]]:
    """Annotated boxes by file name."""
    boxes: dict[str, list[Box]] = {}
    for name in ("training.xml", "testing.xml"):
        for image in ElementTree.parse(folder / name).iter("image"):
            sides = (
                [float(box.attrib[side]) for side in ("left", "top", "width", "height")] for box in image.iter("box")
            )
            boxes[image.attrib["file"]] = [Box(*side) for side in sides]
    return boxes


def groups(detect: Detector, folder: Path, crops: Path | None) -> None:
    """Recall on the annotated photos, and every further box."""
    annotated, found_all = truth(folder), 0
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES):
        photo = open_photo(path)
        detections, boxes = detect(photo), annotated.get(path.name, [])
        found = sum(any(iou(box, one.box) >= SAME for one in detections) for box in boxes)
        further = [one for one in detections if not any(iou(box, one.box) >= SAME for box in boxes)]
        found_all += found
        print(f"{path.name:28} {len(detections):3} found, {found} of {len(boxes)} annotated, {len(further)} further")
        if crops and path.name in annotated:
            save(crops, path.stem, photo, further)
    print(f"groups: {found_all} of {sum(map(len, annotated.values()))} annotated boxes at IoU {SAME}")


def save(crops: Path, stem: str, photo: Photo, detections: list[Detection]) -> None:
    """Write the surroundings of each detection."""
    crops.mkdir(parents=True, exist_ok=True)
    for index, one in enumerate(detections):
        print(f"    {stem}-{index}: score {one.score:.2f}, {one.box.width:.0f} x {one.box.height:.0f} px")
        write_image(crops / f"{stem}-{index}.png", FaceView(photo, one).context(2.0, 192))


def fairface(detect: Detector, folder: Path) -> None:
    """Photos of one face each: the share in which a face is found, by race group as annotated."""
    with (folder / "val.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    total, lost, names = Counter(row["race"] for row in rows), Counter[str](), []
    for row in track(rows, "fairface", console=Console(stderr=True)):
        if not detect(open_photo(folder / row["file"])):
            lost[row["race"]] += 1
            names.append(row["file"])
    print(f"fairface: a face in {len(rows) - len(names)} of {len(rows)}; none in: {', '.join(names) or '-'}")
    for group in sorted(total):
        print(f"    {group:18} {lost[group]} of {total[group]} missed")


def negatives(detect: Detector, path: Path) -> None:
    """Photos or frames without a face: the number in which one is found."""
    frames = boxes = wrong = 0
    for frame in video(path) if path.suffix.lower() in VIDEOS else photos(path):
        found = len(detect(frame))
        frames, boxes, wrong = frames + 1, boxes + found, wrong + bool(found)
    print(f"{path.name}: {boxes} boxes in {wrong} of {frames} pictures")


def photos(folder: Path) -> Iterator[Photo]:
    """The photos in a folder, searched deeply."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            yield open_photo(path)


def video(path: Path) -> Iterator[Photo]:
    """Every frame of a video."""
    import av

    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield open_photo(np.ascontiguousarray(frame.to_ndarray(format="rgb24")))


def main() -> None:
    """Print the figures that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", type=Path)
    parser.add_argument("--fairface", type=Path)
    parser.add_argument("--negatives", type=Path, action="append", default=[])
    parser.add_argument("--crops", type=Path)
    parser.add_argument("--detector", choices=sorted(DETECTORS), default="yunet")
    parser.add_argument("--min-face-px", type=float)
    chosen = parser.parse_args()
    detect = DETECTORS[chosen.detector](load_settings(), DetectPolicy(min_face_px=chosen.min_face_px))
    if chosen.groups:
        groups(detect, chosen.groups, chosen.crops)
    if chosen.fairface:
        fairface(detect, chosen.fairface)
    for path in chosen.negatives:
        negatives(detect, path)


if __name__ == "__main__":
    main()
