"""What the allocator keeps of large photos."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from mien.memory import return_large_blocks

# Pixels of photos, each with something small behind it that stays; prints what is still resident of 160 MB.
PHOTOS_COME_AND_GO = """
from mien.memory import return_large_blocks
if {tamed}:
    assert return_large_blocks()
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
bytearray(8_000_000)
before, small = resident(), []
def photo():
    pixels = bytearray(8_000_000)
    small.extend(bytearray(2000) for _ in range(20))
    return pixels
photos = [photo() for _ in range(20)]
del photos
print(resident() - before)
"""


def kept_bytes(tamed: bool) -> int:
    command = [sys.executable, "-c", PHOTOS_COME_AND_GO.format(tamed=tamed)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.parametrize(
    ("name", "said"), [("MALLOC_TRIM_THRESHOLD_", "1"), ("GLIBC_TUNABLES", "glibc.malloc.mmap_threshold=1")]
)
def test_what_an_operator_says_holds(monkeypatch: pytest.MonkeyPatch, name: str, said: str) -> None:
    monkeypatch.setenv(name, said)
    assert not return_large_blocks()


@pytest.mark.skipif("CS_GNU_LIBC_VERSION" not in getattr(os, "confstr_names", {}), reason="only glibc can be set")
def test_large_photos_leave_no_memory_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_", raising=False)
    assert kept_bytes(tamed=True) < 16_000_000 < 100_000_000 < kept_bytes(tamed=False)
