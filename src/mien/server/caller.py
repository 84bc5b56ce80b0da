"""Who is asking."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Each may do what those before it may.

    VIEWER sees people, events and results. OPERATOR analyses, compares, identifies, enrols, corrects, removes, runs
    videos and live sessions. ADMINISTRATOR has accounts, keys, preferences and the audit log.
    """

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"

    @property
    def rank(self) -> int:
        """0 for the one who may least."""
        return list(Role).index(self)


@dataclass(frozen=True, slots=True)
class Caller:
    """An account that is logged in, or an API key; `tenant` is the only one whose people, jobs and events it sees.

    kind: account or key. id: of the account or key. name: for the audit log and for people.
    """

    kind: str
    id: str
    name: str
    role: Role
    tenant: str

    @property
    def tag(self) -> str:
        """What tells callers apart where they are counted."""
        return f"{self.kind} {self.id}"

    def may(self, role: Role) -> bool:
        """Whether the caller may do what this role may."""
        return self.role.rank >= role.rank
