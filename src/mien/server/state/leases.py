"""What only one of several processes does at a time: whoever says so again and again."""

from __future__ import annotations

from typing import Final

from mien.server.state.database import SECOND, State, new_id

LEASE_SECONDS: Final = 10.0


class Lease:
    """One thing that a process wants to be the only one to do. A holder that is killed loses it ten seconds later."""

    def __init__(self, state: State, name: str) -> None:
        """name: of the thing, the same in all processes."""
        self._state, self._name, self._holder = state, name, new_id()

    def hold(self) -> bool:
        """Take it, or keep it for ten seconds more; whether it is held now."""
        now = self._state.now()
        with self._state.write() as connection:
            connection.execute(
                "INSERT INTO leases (name, holder, until) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE "
                "SET holder = ?2, until = ?3 WHERE holder = ?2 OR until < ?4",
                (self._name, self._holder, now + round(LEASE_SECONDS * SECOND), now),
            )
            held: int = connection.changes()
        return held > 0

    def let_go(self) -> None:
        """Another process may have it at once."""
        with self._state.write() as connection:
            connection.execute("DELETE FROM leases WHERE name = ? AND holder = ?", (self._name, self._holder))
