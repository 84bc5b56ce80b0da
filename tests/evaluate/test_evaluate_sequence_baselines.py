from __future__ import annotations

import numpy as np
import pytest

from mien.dataset.sequences.seen import SeenSequence
from mien.evaluate.sequence_baselines import fit_head, last, mean, smooth_course, smoothed, words


def seen(features: np.ndarray, unseen: tuple[int, ...] = ()) -> SeenSequence:
    """A sequence of these features, 25 frames a second."""
    flags = np.ones(len(features), np.bool_)
    flags[list(unseen)] = False
    rows = (features * flags[:, None]).astype(np.float32)
    return SeenSequence(np.arange(len(rows), dtype=np.float32) / 25, rows, rows, flags)


def people(n: int, seed: int, spread: float = 1.0) -> tuple[list[SeenSequence], np.ndarray]:
    """Three classes along three axes of eight; the other axes are the person's own, and loud."""
    random = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    rows = random.normal(size=(n, 1, 8)) * np.array([spread] * 3 + [20.0] * 5) + random.normal(size=(n, 4, 8)) * 0.1
    rows[:, :, :3] += 6 * np.eye(3)[labels][:, None]
    return [seen(row) for row in rows], labels.astype(np.int64)


def test_the_three_ways() -> None:
    said, times = np.array([[0.9, 0.1], [0.6, 0.4], [0.0, 1.0]]), np.array([0, 0.3, 0.6], np.float32)
    assert np.allclose(last(said, times), [0, 1]) and np.allclose(mean(said, times), [0.5, 0.5])
    kept = np.exp(-1)
    middle = kept * 0.9 + (1 - kept) * 0.6
    assert smoothed(said, times)[0] == pytest.approx(kept * middle, abs=1e-6)
    assert smooth_course(said, times, 1e-6)[-1] == pytest.approx([0, 1], abs=1e-6)


def test_frames_without_a_face_have_no_say() -> None:
    one = seen(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), unseen=(2,))
    none = seen(np.ones((2, 2)), unseen=(0, 1))
    table = words([one, none], lambda features, logits: features.astype(np.float64), "mean of frames")
    assert np.allclose(table[0], [0.5, 0.5]) and np.isnan(table[1]).all()


def test_the_head_finds_what_tells_the_classes_apart() -> None:
    train, labels = people(60, 1)
    test, truth = people(300, 2)
    head = fit_head([train], labels, [str(row) for row in range(60)], 3)
    table = words(test, head, "mean of frames")
    assert np.allclose(table.sum(axis=1), 1) and (table.argmax(axis=1) == truth).mean() > 0.9


def test_a_class_without_sequences_is_never_said() -> None:
    train, labels = people(60, 1)
    head = fit_head([train], labels, [str(row) for row in range(60)], 4)
    assert (words(train, head, "last frame")[:, 3] < 1e-6).all()


def test_long_sequences_weigh_no_more_than_short_ones() -> None:
    """The prior is none, so that only means and scatter could move: the means do not."""
    train, labels = people(60, 1, spread=0.1)
    longer = [seen(np.repeat(one.features, 30, axis=0)) if row < 30 else one for row, one in enumerate(train)]
    test, truth = people(60, 3)
    groups = [str(row) for row in range(60)]
    for data in (train, longer):
        head = fit_head([data], labels, groups, 3)
        assert (words(test, head, "last frame").argmax(axis=1) == truth).mean() > 0.9


def test_the_same_data_give_the_same_head() -> None:
    train, labels = people(30, 5)
    groups = [str(row) for row in range(30)]
    first, second = (fit_head([train, train], labels, groups, 3) for _ in range(2))
    assert np.array_equal(first.logits(train[0].features), second.logits(train[0].features))
