"""Audit entries around a change: what was begun, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mien.errors import MienError
from mien.server.caller import Caller
from mien.server.errors import Invalid
from mien.server.service import Service
from mien.server.state.audit import Plain
from mien.server.state.preferences import Preferences


def check_why(preferences: Preferences, why: str) -> None:
    """For a look-up. Raises Invalid where the tenant demands a reason and there is none."""
    if preferences.why_required and not why.strip():
        raise Invalid("A reason is asked for: `why` is empty.", "Say in `why` what the look-up is for.")


@dataclass(slots=True)
class Note:
    """What is known of a change when it is over. subject: the id of the person; detail: no names."""

    subject: str | None
    detail: dict[str, Plain] = field(default_factory=dict)


@contextmanager
def noted(service: Service, caller: Caller, action: str, subject: str | None = None, why: str = "") -> Iterator[Note]:
    """One entry before the block and one after it, which says what the caller puts into the note."""
    note = Note(subject)
    service.audit.write(caller, action, subject, why, {"outcome": "begun"})
    try:
        yield note
    except BaseException as error:
        code = error.code if isinstance(error, MienError) else "fault"
        service.audit.write(caller, action, note.subject, why, note.detail | {"outcome": "failed", "code": code})
        raise
    service.audit.write(caller, action, note.subject, why, note.detail | {"outcome": "done"})
