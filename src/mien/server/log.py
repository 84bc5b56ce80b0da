"""The service's log: one line an answer, with the request's id and without anything about a person.

Neither addresses, nor query strings, nor ids in a path, nor what was sent: a route is named as the OpenAPI document
has it.
"""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, TextIO

NAME: Final = "mien.server"
# It warns of each form that is none, as often as somebody sends one; the answer says so already.
FORMS: Final = "python_multipart"
log: Final = logging.getLogger(NAME)
request_id: ContextVar[str] = ContextVar("request_id", default="")


class _Formatter(logging.Formatter):
    """Lines of text or of JSON; `fields` of a record are what is said besides its message."""

    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = {"request_id": request_id.get()} | getattr(record, "fields", {})
        if record.exc_info and record.exc_info[0]:
            fields["where"] = _where(record)
        fields = {name: value for name, value in fields.items() if value != ""}
        if self._as_json:
            head = {"at": at, "level": record.levelname.lower(), "message": record.getMessage()}
            return json.dumps(head | fields, ensure_ascii=False)
        said = " ".join(f"{name}={value}" for name, value in fields.items())
        return f"{at} {record.levelname.lower()} {record.getMessage()} {said}".rstrip()


def _where(record: logging.LogRecord) -> str:
    """The kind of an exception and where it came from; its text may hold what somebody sent."""
    kind, _, trace = record.exc_info or (None, None, None)
    places = []
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_filename.rpartition('mien/')[2]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f"{kind.__name__ if kind else ''} at {' < '.join(reversed(places[-8:]))}"


def set_up(log_format: str, to: TextIO | None = None) -> None:
    """Let the lines of mien, uvicorn and the parser of forms go to standard error in one form.

    The library itself never calls this.
    """
    handler = logging.StreamHandler(to or sys.stderr)
    handler.setFormatter(_Formatter(log_format == "json"))
    for name, level in ((NAME, logging.INFO), ("uvicorn", logging.WARNING), (FORMS, logging.ERROR)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level)
