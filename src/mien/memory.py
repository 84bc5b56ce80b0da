"""The C library's allocator, set so that a process's memory follows what it holds, not what it once held."""

from __future__ import annotations

import ctypes
import os
from typing import Final

M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
OPERATORS_OWN: Final = {"MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"}
LARGE_BYTES: Final = 1 << 20
TRIM_BYTES: Final = 1 << 25
"""By itself this is 128 KB once the other is set: small blocks would go and come back with every frame."""


def return_large_blocks() -> bool:
    """Let blocks of a megabyte and more go back to the system when they are freed. False where that cannot be set.

    By itself glibc raises this limit to 32 MB with each large block that is freed: pixels of any size are then cut out
    of the threads' heaps, and what lies between two small blocks is never given back. mallopt(3). It holds for the
    whole process, so that only `mien`'s own processes call it; what an operator says in the environment holds.
    """
    if not _is_glibc() or OPERATORS_OWN & os.environ.keys() or "malloc" in os.environ.get("GLIBC_TUNABLES", ""):
        return False
    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(M_MMAP_THRESHOLD, LARGE_BYTES) and mallopt(M_TRIM_THRESHOLD, TRIM_BYTES))


def _is_glibc() -> bool:
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (AttributeError, ValueError, OSError):
        return False
