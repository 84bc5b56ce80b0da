"""The C library's allocator, set so that a service's memory follows what it holds, not what it once held."""

from __future__ import annotations

import ctypes
import os
import platform
from typing import Final

M_MMAP_THRESHOLD: Final = -3
LARGE_BYTES: Final = 1 << 20


def return_large_blocks() -> bool:
    """Let blocks of a megabyte and more go back to the system when they are freed. False where that cannot be set.

    By itself glibc raises this limit to 32 MB with each large block that is freed: pixels of any size are then cut out
    of the threads' heaps, and what lies between two small blocks is never given back. mallopt(3), M_MMAP_THRESHOLD.
    An operator's own MALLOC_MMAP_THRESHOLD_ holds.
    """
    if platform.libc_ver()[0] != "glibc" or "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return False
    return bool(ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BYTES))
