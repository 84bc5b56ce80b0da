"""Shapes that come often get a session of their own, and nobody can tell but by the clock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from mien.engine.session import open_session
from mien.engine.shapes import MOST, USES, UsualShapes
from mien.settings import Settings
from mien.weights.fetch import ensure


class Recorded:
    """A session that knows the shape it was opened with and gives it as its answer."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def run(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        assert all(own in (-1, given) for own, given in zip(self.shape, batch.shape, strict=True))
        return {"opened with": np.array(self.shape)}


def usual() -> tuple[UsualShapes, list[tuple[int, ...]]]:
    opened: list[tuple[int, ...]] = []

    def open_with(shape: tuple[int, ...]) -> Recorded:
        opened.append(shape)
        return Recorded(shape)

    return UsualShapes(open_with, (1, -1)), opened  # type: ignore[arg-type]


def used(session: UsualShapes, width: int) -> tuple[int, ...]:
    return tuple(session.run(np.zeros((1, width), np.float32))["opened with"].tolist())


def test_a_shape_gets_its_session_once_it_is_usual() -> None:
    session, opened = usual()
    assert [used(session, 5) for _ in range(USES + 2)] == [(1, -1)] * (USES - 1) + [(1, 5)] * 3
    assert opened == [(1, -1), (1, 5)]
    assert used(session, 6) == (1, -1)


def test_no_more_than_a_few_are_kept() -> None:
    session, opened = usual()
    for width in range(1, MOST + 3):
        for _ in range(USES):
            used(session, width)
    assert opened == [(1, -1)] + [(1, width) for width in range(1, MOST + 1)]
    assert used(session, MOST + 2) == (1, -1)


def test_threads_open_a_session_once() -> None:
    session, opened = usual()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: used(session, 3), range(20 * USES)))
    assert opened == [(1, -1), (1, 3)]


def test_the_answer_stays_the_same_to_the_bit(weights: Settings) -> None:
    session = open_session(ensure("yunet", weights), "openvino", shape=(1, 3, -1, -1))
    rng = np.random.default_rng(6)
    batches = [rng.uniform(0, 255, (1, 3, *size)).astype(np.float32) for size in ((64, 96), (96, 64))]
    first = [session.run(batch) for batch in batches]
    for _ in range(USES):
        last = [session.run(batch) for batch in batches]
    for before, after in zip(first, last, strict=True):
        assert all(np.array_equal(before[name], after[name]) for name in before)


def test_free_dimensions_stay_free_to_the_caller(weights: Settings) -> None:
    session = open_session(ensure("yunet", weights), "openvino", shape=(1, 3, -1, -1))
    assert session.input_shape() == (1, 3, -1, -1)
    assert len(session.output_names()) == 12
    assert session.describe().startswith("OpenVINO")
