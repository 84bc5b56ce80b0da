"""Addresses as people may see them: without passwords, tokens and keys."""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "***"
# name=value, in a query or, as some cameras have it, in the path.
SECRET: Final = re.compile(
    r"(?i)([\w.-]*(?:pass|pwd|psw|token|secret|key|auth|sig|cred|session|user|usr|login|account)[\w.-]*=)[^&;/?#]*"
)
# A long run of letters and digits: a token that somebody put into the path.
TOKEN: Final = re.compile(r"(?<=[/=])(?=[\w.~%-]*\d)(?=[\w.~%-]*[A-Za-z])[\w.~%-]{24,}")
USER: Final = re.compile(r"^([a-zA-Z][\w+.-]*://).*@", re.DOTALL)


def shown(address: str) -> str:
    """The address without user and password, and with `***` for values that look like secrets."""
    address = USER.sub(r"\1", address)
    return TOKEN.sub(HIDDEN, SECRET.sub(rf"\1{HIDDEN}", address))
