"""What is wrong with a request's values, in words for whoever sent them; never the values themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

MOST: Final = 3
LONGEST: Final = 60
SAID: Final = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "json_invalid": "is no JSON",
    "string_type": "must be text",
    "bool_parsing": "must be true or false",
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
}


def said_plainly(errors: Sequence[Any]) -> str:
    """One sentence about the first few of pydantic's errors: `person.name must not be empty.`"""
    told = list(dict.fromkeys(f"{_field(one['loc'])} {_trouble(one)}" for one in errors))
    more = f"; and {len(told) - MOST} more" if len(told) > MOST else ""
    return f"{'; '.join(told[:MOST])}{more}."


def _field(place: Sequence[Any]) -> str:
    """Without where it was sent, body or query."""
    parts = [str(part)[:LONGEST] for part in (place[1:] or place)]
    return ".".join(parts)[: 2 * LONGEST] or "the request"


def _trouble(one: Any) -> str:
    kind, context = one["type"], one.get("ctx", {})
    if kind in ("string_too_short", "too_short") and context.get("min_length") == 1:
        return "must not be empty"
    if kind == "string_too_long":
        return f"must have {context['max_length']} characters at most"
    if kind in SAID:
        return SAID[kind]
    text = str(one["msg"]).removeprefix("Value error, ")
    for head in ("Input should be ", "String should ", "Value should "):
        if text.startswith(head):
            verb = "must be " if head.startswith("Input") else "must "
            return verb + text.removeprefix(head)
    return f"cannot be: {text[:1].lower()}{text[1:]}".rstrip(".")
