"""What administrators choose while the service runs, for each tenant."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from mien.decide.verify import DEFAULT_FMR
from mien.gallery.identify import DEFAULT_FPIR
from mien.record import Record
from mien.server.errors import Changed
from mien.server.state.database import State


@dataclass(frozen=True, slots=True)
class Preferences(Record):
    """purpose: why faces are processed here, shown to everybody. why_required: look-ups need a reason.

    fmr, fpir: error rates where a request names none. event_days, result_days, audit_days: after which events, results
    of videos, and audit entries are deleted; the audit log is cut at the longest of all tenants. oidc_makes_viewers:
    whether somebody whom only the other service knows gets an account, of the tenant "", by logging in.
    """

    purpose: str = ""
    why_required: bool = False
    fmr: float = DEFAULT_FMR
    fpir: float = DEFAULT_FPIR
    event_days: int = 30
    result_days: int = 30
    audit_days: int = 365
    oidc_makes_viewers: bool = False


class PreferenceShelf:
    """The preferences of all tenants, each with a version that rises with every change."""

    def __init__(self, state: State) -> None:
        self._state = state

    def get(self, tenant: str) -> tuple[Preferences, int]:
        """Those of a tenant, and their version; 0 where nobody has chosen yet."""
        found = self._state.row("SELECT content, version FROM preferences WHERE tenant = ?", (tenant,))
        return (Preferences(**json.loads(found[0])), found[1]) if found else (Preferences(), 0)

    def change(self, tenant: str, version: int | None, fields: dict[str, Any]) -> tuple[Preferences, int]:
        """Others of them for some fields. version: the one that was seen. Raises Changed where it is another now."""
        with self._state.write() as writing:
            before, now = self.get(tenant)
            if version is not None and version != now:
                raise Changed("Somebody else has changed the preferences.", "Read them anew.")
            after = replace(before, **fields)
            writing.execute(
                "INSERT INTO preferences VALUES (?1, ?2, ?3)"
                " ON CONFLICT (tenant) DO UPDATE SET content = ?2, version = ?3",
                (tenant, json.dumps(asdict(after)), now + 1),
            )
        return after, now + 1

    def by_tenant(self) -> dict[str, Preferences]:
        """Those of every tenant that has an account."""
        tenants = self._state.read("SELECT DISTINCT tenant FROM accounts")
        return {tenant: self.get(tenant)[0] for (tenant,) in tenants}
