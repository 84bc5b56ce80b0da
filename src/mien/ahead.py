"""The next items made while the present one is used."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Final, TypeVar

Item = TypeVar("Item")
# Items that wait at most: more only take memory.
DEPTH: Final = 2


def ahead(items: Iterator[Item], depth: int = DEPTH) -> Generator[Item, None, None]:
    """The same items in the same order, made by one thread of its own; an error comes where its item would.

    depth: items that wait or are being made, at most. The thread ends with the last item, or when the generator closes.
    """
    with ThreadPoolExecutor(1, "mien-ahead") as worker:
        waiting = deque(worker.submit(_next, items) for _ in range(depth))
        try:
            while found := waiting.popleft().result():
                waiting.append(worker.submit(_next, items))
                yield found[0]
        finally:
            for one in waiting:
                one.cancel()


def _next(items: Iterator[Item]) -> tuple[Item, ...]:
    """The next item alone in a tuple, which is empty where there is none."""
    return tuple(islice(items, 1))
