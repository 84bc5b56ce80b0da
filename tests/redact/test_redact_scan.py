"""Which frames are looked at more closely."""

from __future__ import annotations

import pytest

from mien.redact.scan import Turns


@pytest.mark.parametrize(("rate", "aside", "fine"), [(25, 3, 5), (30, 3, 6), (60, 6, 12), (10, 1, 2), (4, 1, 1)])
def test_extras_come_by_the_time_of_the_frames(rate: int, aside: int, fine: int) -> None:
    turns = Turns()
    found = [turns(index / rate) for index in range(40)]
    assert [one.aside for one in found] == [index % aside == 0 for index in range(40)]
    assert [one.fine for one in found] == [index % fine == 0 for index in range(40)]
