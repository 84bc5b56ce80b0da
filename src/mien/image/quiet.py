"""Silence for Pillow's warnings, without touching what other threads or callers see of their own."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, cast

SILENCE: Final = ("ignore", None, Warning, re.compile(r"PIL\."), 0)


@contextmanager
def quiet() -> Iterator[None]:
    """Drop warnings of Pillow's own modules meanwhile.

    Pillow warns of what mien either checks itself or does not read. `warnings.catch_warnings` would put back the whole
    list of filters, and lose what another thread has changed; this adds and takes away one filter.
    """
    filters = cast("list[Any]", warnings.filters)
    filters.insert(0, SILENCE)
    try:
        yield
    finally:
        with suppress(ValueError):
            filters.remove(SILENCE)
