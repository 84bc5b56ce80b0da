"""Contact sheets: made sequences as a picture that a person looks at before believing in them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np

from mien.expression.classes import FERPLUS
from mien.face import Pixels
from mien.image.write import write_image
from mien.train.sequence.make import MakeOrder, scene_of
from mien.train.sequence.render import render
from mien.train.sequence.scene import Scene
from mien.train.sequence.stills import Stills

FRAMES: Final = 20
TITLE_PX: Final = 14
EDGE_PX: Final = 2


def write_sheets(stills: Stills, order: MakeOrder, folder: Path, count: int) -> list[Path]:
    """One PNG each of the first `count` sequences: twenty frames over its length, black where no face is seen."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for number in range(count):
        scene = scene_of(stills, order, number)
        sheet = _sheet(scene, render(scene, stills))
        files.append(folder / f"sequence-{number:04}.png")
        write_image(files[-1], np.repeat(sheet[:, :, None], 3, axis=2))
    return files


def _sheet(scene: Scene, frames: Pixels) -> Pixels:
    rows = np.unique(np.linspace(0, len(frames) - 1, min(FRAMES, len(frames))).astype(int))
    tiles = [np.pad(frames[row] if scene.seen[row] else frames[row] * 0, EDGE_PX) for row in rows]
    strip = np.concatenate(tiles, axis=1)
    title = np.full((TITLE_PX, strip.shape[1]), 255, np.uint8)
    labels = [FERPLUS[place] for place in scene.shares[rows].argmax(axis=1)]
    turns = [labels[0], *(f"{one} at {time:.1f} s" for one, time in _turns(scene))]
    text = f"{', '.join(scene.kinds) or 'clean'}; {scene.times[-1]:.1f} s; {', then '.join(turns)}"
    cv2.putText(title, text, (2, TITLE_PX - 4), cv2.FONT_HERSHEY_SIMPLEX, 0.35, 0, 1, cv2.LINE_AA)
    return np.asarray(np.concatenate([title, strip]), np.uint8)


def _turns(scene: Scene) -> list[tuple[str, float]]:
    labels = scene.shares.argmax(axis=1)
    return [(FERPLUS[labels[np.searchsorted(scene.times, time)]], time) for time in scene.changes]
