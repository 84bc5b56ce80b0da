"""Where the detector's five points lie in FER2013's training faces, on average: how mien cuts faces for the model.

`python benchmarks/face_points.py --data ../shared/data/fer2013` prints five pairs (x, y), as shares of the face's side.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from mien.dataset.read import read_faces
from mien.detect.choice import DETECTORS
from mien.detect.policy import DetectPolicy
from mien.image import open_photo
from mien.settings import load_settings

# The face is scaled up and set in a grey border, since the detector expects some room around it.
SCALE, BORDER = 3, 48


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--faces", type=int, default=2000)
    chosen = parser.parse_args()
    faces = read_faces(chosen.data, "train").faces
    rows = np.random.default_rng(0).choice(len(faces), min(chosen.faces, len(faces)), replace=False)
    detect = DETECTORS["yunet"](load_settings(), DetectPolicy())
    found = []
    for face in faces[rows]:
        side = face.shape[0] * SCALE
        large = cv2.resize(face, (side, side), interpolation=cv2.INTER_CUBIC)
        framed = cv2.copyMakeBorder(large, *[BORDER] * 4, cv2.BORDER_REPLICATE)
        detections = detect(open_photo(np.repeat(framed[:, :, None], 3, axis=2)))
        if len(detections) == 1:
            found.append((detections[0].landmarks - BORDER) / side)
    points = np.array(found)
    print(f"{len(found)} of {len(rows)} faces found alone")
    for name, mean, spread in zip(
        ("right eye", "left eye", "nose tip", "right mouth", "left mouth"), points.mean(0), points.std(0), strict=True
    ):
        print(f"{name:12} {mean[0]:.3f} {mean[1]:.3f}   spread {spread[0]:.3f} {spread[1]:.3f}")


if __name__ == "__main__":
    main()
