"""Candidates as arrays."""

from __future__ import annotations

import numpy as np
import pytest

from mien.detect.rows import covered, detection, mirrored, moved, overlaps, scaled, suppress


def rows(*boxes: tuple[float, float, float, float, float]) -> np.ndarray:
    """One candidate a (x, y, width, height, score), its five points spread over its box."""
    spread = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
    made = [[*box[:4], *(spread * box[2:4] + box[:2]).reshape(-1), box[4]] for box in boxes]
    return np.array(made, np.float32).reshape(-1, 15)


def test_of_what_overlaps_the_best_stays() -> None:
    kept = suppress(rows((0, 0, 10, 10, 0.7), (1, 0, 10, 10, 0.9), (30, 0, 10, 10, 0.8)), 0.3)
    assert kept[:, 14] == pytest.approx([0.9, 0.8])
    assert suppress(rows(), 0.3).shape == (0, 15)


def test_overlap_is_intersection_over_union() -> None:
    others = rows((0, 0, 10, 10, 1), (5, 0, 10, 10, 1), (20, 0, 10, 10, 1), (0, 0, 10, 5, 1))
    assert overlaps(others, np.array([0, 0, 10, 10], np.float32)) == pytest.approx([1, 1 / 3, 0, 0.5])


def test_covered_is_overlapped_or_held() -> None:
    face = rows((0, 0, 100, 100, 0.9))
    for box, expected in (((10, 10, 90, 90), True), ((40, 40, 20, 20), True), ((95, 95, 20, 20), False)):
        assert covered(face, np.array(box, np.float32), 0.3) is expected
    assert not covered(rows(), np.array([0, 0, 1, 1], np.float32), 0.3)


def test_moving_scaling_and_mirroring_take_box_and_points_along() -> None:
    one = rows((10, 20, 30, 40, 0.9))
    assert moved(one, 5, 7) == pytest.approx(rows((15, 27, 30, 40, 0.9)))
    assert scaled(one, 2, 3) == pytest.approx(rows((20, 60, 60, 120, 0.9)))
    assert mirrored(one, 100) == pytest.approx(rows((60, 20, 30, 40, 0.9)))
    assert mirrored(mirrored(one, 100), 100) == pytest.approx(one)


def test_a_detection_holds_read_only_points_and_a_score_of_at_most_one() -> None:
    made = detection(rows((1, 2, 3, 4, 1.01))[0])
    assert (made.box.x, made.box.y, made.box.width, made.box.height, made.score) == (1, 2, 3, 4, 1)
    assert made.landmarks.shape == (5, 2) and not made.landmarks.flags.writeable
