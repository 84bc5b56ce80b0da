"""Places in lists whose newest item comes first, by number."""

from __future__ import annotations

from mien.server.errors import Invalid
from mien.server.schema.page import place_of


def before_of(cursor: str) -> int | None:
    """The number that a page ends before; None for the first page. Raises Invalid."""
    place = place_of(cursor)
    if not place:
        return None
    if not (place.isdigit() and len(place) < 19):
        raise Invalid("The cursor is none of this list.", "Send `next` of the page before, as it is.")
    return int(place)
