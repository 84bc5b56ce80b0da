"""API keys: `mien_<id>_<secret>`, of which only the hash is kept; they act for the account that made them."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from mien.server.caller import Caller, Role
from mien.server.errors import NotAllowed, NotFound
from mien.server.state.accounts import Accounts, token_hash
from mien.server.state.database import SECOND, Row, State, new_id

PREFIX: Final = "mien_"
COLUMNS: Final = "id, tenant, account, name, role, created_at, expires_at, revoked_at, last_used_at"
# Noting each use would be a write for each request.
NOTE_EVERY: Final = 60 * SECOND


@dataclass(frozen=True, slots=True)
class Key:
    """Times in microseconds since 1970. account: id of who made it."""

    id: str
    tenant: str
    account: str
    name: str
    role: Role
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None


class Keys:
    """A key may never do more than its account may at this moment, and nothing where that is disabled or gone."""

    def __init__(self, state: State, accounts: Accounts) -> None:
        self._state, self._accounts = state, accounts

    def owner(self, caller: Caller) -> str:
        """Id of the account that a caller acts for."""
        return caller.id if caller.kind == "account" else self._row(caller.id).account

    def make(self, caller: Caller, name: str, role: Role, expires_at: int | None) -> tuple[Key, str]:
        """The key and its text, which is never seen again; one made by a key ends with it, at the latest.

        Raises NotAllowed above the caller's own role.
        """
        if not caller.may(role):
            raise NotAllowed(f"A key of the role {role} is more than you are.", f"Ask for {caller.role} or less.")
        key, secret = new_id(), secrets.token_urlsafe(32)
        maker = self._row(caller.id) if caller.kind == "key" else None
        # Else a key that runs out could go on for ever under another name.
        ends = [end for end in (expires_at, maker.expires_at if maker else None) if end is not None]
        values = (key, caller.tenant, self.owner(caller), name, role.value, token_hash(secret), self._state.now())
        with self._state.write() as writing:
            writing.execute(
                "INSERT INTO keys (id, tenant, account, name, role, secret, created_at, expires_at, maker)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, min(ends, default=None), maker.id if maker else None),
            )
        return self._row(key), f"{PREFIX}{key}_{secret}"

    def page(self, caller: Caller, after: str, most: int) -> list[Key]:
        """Those that the caller may see, by rising id: an administrator the tenant's, others their own."""
        everybody = caller.may(Role.ADMINISTRATOR)
        sql = f"SELECT {COLUMNS} FROM keys WHERE tenant = ? AND (? OR account = ?) AND id > ? ORDER BY id LIMIT ?"
        rows = self._state.read(sql, (caller.tenant, everybody, self.owner(caller), after, most))
        return [_key(row) for row in rows]

    def revoke(self, caller: Caller, key: str) -> Key:
        """From now on it opens nothing, nor do those that it made.

        Raises NotFound for a key that the caller may not see, NotAllowed for one of a higher role.
        """
        found = self._row(key)
        sees = found.tenant == caller.tenant and (caller.may(Role.ADMINISTRATOR) or found.account == self.owner(caller))
        if not sees:
            raise _missing()
        if not caller.may(found.role):
            raise NotAllowed(f"The key has the role {found.role}; you have {caller.role}.", "Ask an administrator.")
        with self._state.write() as writing:
            writing.execute(
                "WITH RECURSIVE made (id) AS (VALUES (?1) UNION SELECT keys.id FROM keys JOIN made ON maker = made.id)"
                " UPDATE keys SET revoked_at = ?2 WHERE id IN (SELECT id FROM made) AND revoked_at IS NULL",
                (key, self._state.now()),
            )
        return self._row(key)

    def find(self, text: str) -> Caller | None:
        """Whom a key's text makes the caller, while it is in force."""
        key, _, secret = text.removeprefix(PREFIX).partition("_")
        row = self._state.row(f"SELECT {COLUMNS}, secret FROM keys WHERE id = ?", (key,))
        kept = row[-1] if row else bytes(32)
        if not hmac.compare_digest(token_hash(secret), kept) or row is None or not text.startswith(PREFIX):
            return None
        found, now = _key(row[:-1]), self._state.now()
        account = self._accounts.get(found.account)
        if found.revoked_at is not None or account.disabled or (found.expires_at or now + 1) <= now:
            return None
        self._note_use(found, now)
        return Caller(
            "key", found.id, found.name, min(found.role, account.role, key=lambda one: one.rank), found.tenant
        )

    def _note_use(self, key: Key, now: int) -> None:
        if key.last_used_at is None or now - key.last_used_at > NOTE_EVERY:
            with self._state.write() as writing:
                writing.execute("UPDATE keys SET last_used_at = ? WHERE id = ?", (now, key.id))

    def _row(self, key: str) -> Key:
        found = self._state.row(f"SELECT {COLUMNS} FROM keys WHERE id = ?", (key,))
        if found is None:
            raise _missing()
        return _key(found)


def _missing() -> NotFound:
    return NotFound("There is no such key.", "GET /v1/keys lists those that there are.")


def _key(row: Row) -> Key:
    key, tenant, account, name, role, *times = row
    return Key(key, tenant, account, name, Role(role), *times)
