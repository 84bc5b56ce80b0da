"""Cuts: none missed where it costs little, none made up where it would uncover a face."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.redact.scene import Scenes


def run(frames: list[np.ndarray]) -> tuple[list[int], list[int]]:
    """Frames that may begin a scene, and those that surely do."""
    scenes = Scenes()
    maybe = [index for index, frame in enumerate(frames) if scenes.add(frame)]
    return maybe, scenes.cuts()


def test_a_cut_is_seen(astronaut: np.ndarray, coffee: np.ndarray) -> None:
    other = np.asarray(cv2.resize(coffee, (512, 512)), np.uint8)
    assert run([astronaut] * 4 + [other] * 4) == ([4], [4])


@pytest.mark.parametrize("light", [0.03, 0.3, 0.0])
def test_lights_that_go_out_are_no_cut(light: float, astronaut: np.ndarray) -> None:
    dark = (astronaut * light).astype(np.uint8)
    assert run([astronaut] * 6 + [dark] * 6)[1] == []


def test_a_flash_is_no_sure_cut(astronaut: np.ndarray) -> None:
    maybe, surely = run([astronaut] * 4 + [np.full_like(astronaut, 255)] + [astronaut] * 4)
    assert maybe == [4, 5] and surely == []


def test_a_fast_pan_is_no_sure_cut(astronaut: np.ndarray) -> None:
    maybe, surely = run([np.roll(astronaut, 90 * index, axis=1) for index in range(8)])
    assert maybe and surely == []


def test_a_still_picture_has_none(astronaut: np.ndarray) -> None:
    assert run([astronaut] * 5) == ([], [])
