"""How much of a source is asked for at once."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from mien.errors import ImageTooLarge
from mien.image.limits import ImageLimits
from mien.image.source import CHUNK_BYTES, read_source

LIMITS = ImageLimits(max_bytes=10_000_000)


class Watched(io.BytesIO):
    """Remembers how much it was asked for, and gives a little less."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.asked: list[int] = []

    def read(self, size: int | None = -1) -> bytes:
        self.asked.append(size or 0)
        return super().read(min(size or 0, 1000))


def test_a_stream_is_read_in_parts_to_its_end() -> None:
    stream = Watched(bytes(range(256)) * 50)
    assert read_source(stream, LIMITS) == bytes(range(256)) * 50
    assert max(stream.asked) <= CHUNK_BYTES


def test_a_stream_beyond_the_limit_is_refused_and_not_read_on() -> None:
    stream = io.BytesIO(b"x" * 30_000)
    with pytest.raises(ImageTooLarge):
        read_source(stream, ImageLimits(max_bytes=9_999))
    assert stream.tell() <= 10_000


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    for size in (1, CHUNK_BYTES - 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 7):
        path = tmp_path / "file"
        path.write_bytes(b"ab" * (size // 2) + b"c" * (size % 2))
        assert read_source(path, LIMITS) == path.read_bytes()
