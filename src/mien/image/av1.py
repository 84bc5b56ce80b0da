"""How large the pictures of an AV1 stream may be: its decoder believes the stream, not the container around it."""

from __future__ import annotations

from typing import Final

from mien.errors import ImageCorrupt
from mien.image.limits import MAX_PARTS, busy

SEQUENCE_HEADER: Final = 1
MAX_HEADER_BYTES: Final = 1024


def largest_frame(stream: bytes) -> int:
    """Pixels of the largest frame that the stream's sequence headers allow, 0 without any (AV1 specification, 5.3).

    Raises ImageCorrupt for a header that is cut off, or for more units than any picture needs.
    """
    at, largest = 0, 0
    for _ in range(MAX_PARTS):
        if at >= len(stream):
            return largest
        head = stream[at]
        at += 2 if head & 4 else 1
        length, at = _leb128(stream, at) if head & 2 else (len(stream) - at, at)
        if head >> 3 & 15 == SEQUENCE_HEADER:
            largest = max(largest, _allowed(stream[at : min(at + length, at + MAX_HEADER_BYTES)]))
        at += length
    raise busy("AVIF", "units of AV1")


def _leb128(stream: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(stream[at : at + 8]):
        value |= (byte & 127) << 7 * index
        if byte < 128:
            return value, at + index + 1
    raise ImageCorrupt("The AVIF has a unit of impossible length.")


class _Bits:
    """A reader of bits, the most significant first."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise ImageCorrupt("The AVIF's sequence header is cut off.")
        return self._value >> self._left & ((1 << count) - 1)


def _allowed(header: bytes) -> int:
    """Largest frame, in px, of one sequence header (section 5.5.1).

    A frame may override the size in as many bits as the header provides, except in the reduced header of a still
    picture. Encoders provide the fewest that hold the size; where there are more, they count.
    """
    bits = _Bits(header)
    bits.take(4)
    reduced = bits.take(1)
    if reduced:
        bits.take(5)
    else:
        _skip_operating_points(bits)
    widths = [bits.take(4) + 1 for _ in range(2)]
    width, height = (
        side if reduced or (side - 1).bit_length() >= provided - 1 else 1 << provided
        for provided, side in [(provided, bits.take(provided) + 1) for provided in widths]
    )
    return width * height


def _skip_operating_points(bits: _Bits) -> None:
    delay_bits = _skip_timing(bits) if bits.take(1) else 0
    display_delays = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if display_delays and bits.take(1):
            bits.take(4)


def _skip_timing(bits: _Bits) -> int:
    """Past the timing and the decoder model (5.5.3, 5.5.4); the length of its delays in bits, 0 without a model."""
    bits.take(64)
    if bits.take(1):
        zeros = 0
        while not bits.take(1):
            zeros += 1
        bits.take(zeros if zeros < 32 else 0)
    if not bits.take(1):
        return 0
    delay_bits = bits.take(5) + 1
    bits.take(42)
    return delay_bits
