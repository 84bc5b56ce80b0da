from __future__ import annotations

import numpy as np
import pytest

from mien.errors import DataError
from mien.expression.temperature import HIGHEST, LOWEST, cross_entropy, fit_temperature, log_softmax, softmax


def drawn(temperature: float, n: int = 20_000, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are too sure by `temperature`, and labels that follow the true probabilities."""
    random = np.random.default_rng(seed)
    true = random.normal(size=(n, 5)) * 1.5
    labels = (np.cumsum(softmax(true), axis=1) > random.random((n, 1))).argmax(axis=1)
    return (true * temperature).astype(np.float32), labels


def test_softmax_by_hand() -> None:
    assert softmax(np.log([[1.0, 3.0]])) == pytest.approx(np.array([[0.25, 0.75]]))
    assert softmax(np.log([[1.0, 9.0]]), 2.0) == pytest.approx(np.array([[0.25, 0.75]]))
    assert np.isfinite(log_softmax(np.array([[1e4, -1e4, 0]], np.float32))).all()


def test_cross_entropy_by_hand() -> None:
    logits = np.log([[1.0, 3.0], [1.0, 1.0]])
    assert cross_entropy(logits, np.array([1, 0])) == pytest.approx([np.log(4 / 3), np.log(2)])
    shares = np.array([[0.5, 0.5], [0.0, 1.0]])
    assert cross_entropy(logits, shares) == pytest.approx([(np.log(4) + np.log(4 / 3)) / 2, np.log(2)])


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_a_known_temperature_is_found_again(temperature: float) -> None:
    assert fit_temperature(*drawn(temperature)) == pytest.approx(temperature, rel=0.03)


def test_soft_labels_give_the_exact_temperature() -> None:
    """With the true probabilities as targets no chance is left in it."""
    logits, _ = drawn(1.7, n=500)
    assert fit_temperature(logits, softmax(logits, 1.7)) == pytest.approx(1.7, rel=1e-4)


def test_labels_and_their_one_hot_rows_agree() -> None:
    logits, labels = drawn(1.3, n=300)
    assert fit_temperature(logits, np.eye(5)[labels]) == pytest.approx(fit_temperature(logits, labels))


def test_nothing_near_is_cheaper() -> None:
    logits, labels = drawn(2.0, n=300)
    found = fit_temperature(logits, labels)
    costs = [cross_entropy(logits, labels, found * step).mean() for step in (0.99, 1.0, 1.01)]
    assert costs[1] == min(costs)


def test_faces_without_a_target_have_no_say() -> None:
    logits, labels = drawn(1.6, n=400)
    some = np.where(np.arange(400) < 300, labels, -1)
    assert fit_temperature(logits, some) == fit_temperature(logits[:300], labels[:300])
    rows = np.where(np.arange(400)[:, None] < 300, np.eye(5)[labels], 0.0)
    assert fit_temperature(logits, rows) == pytest.approx(fit_temperature(logits[:300], labels[:300]))


def test_it_is_bounded_where_the_model_is_always_or_never_right() -> None:
    logits = np.tile([[0.1, 0.0]], (10, 1))
    assert fit_temperature(logits, np.zeros(10, np.int64)) == pytest.approx(LOWEST, rel=1e-3)
    assert fit_temperature(logits, np.ones(10, np.int64)) == pytest.approx(HIGHEST, rel=1e-3)


@pytest.mark.parametrize("targets", [np.full(4, -1), np.zeros((4, 3))])
def test_no_label_at_all_is_an_error(targets: np.ndarray) -> None:
    with pytest.raises(DataError, match="no face has a label"):
        fit_temperature(np.zeros((4, 3)), targets)
