"""Audit entries around a change: what was begun, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mien.errors import MienError
from mien.server.caller import Caller
from mien.server.service import Service

Plain = str | int | float | bool


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
