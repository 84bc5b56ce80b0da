"""Results as plain dictionaries and JSON: one rule for all of them, so that no result needs code of its own."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

DIGITS = 7


def plain(value: Any) -> Any:
    """A result as dictionaries, lists, strings and numbers.

    A dataclass becomes a dictionary of its fields, led by `status` where its class has one: `ok`, `failed` or
    `not_asked`. Floats keep seven significant digits, what float32 holds. NaN and infinity become None. Times are ISO
    8601 in UTC, bytes are base64.
    """
    if is_dataclass(value) and not isinstance(value, type):
        status = getattr(value, "status", None)
        head = {"status": status} if status else {}
        return head | {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if hasattr(value, "tolist"):
        # An array or a number of NumPy's, which whoever reads results elsewhere need not load.
        return plain(value.tolist())
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value


class Record:
    """What makes a result turn into a dictionary or a line of JSON by itself."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """As `plain` has it."""
        result: dict[str, Any] = plain(self)
        return result

    def to_json(self) -> str:
        """One line of JSON, UTF-8 text without line breaks."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)
