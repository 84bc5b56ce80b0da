"""Accounts: who can log in. No password is kept, only its argon2id hash."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from dataclasses import dataclass, replace
from typing import Any, Final

from mien.server.caller import Caller, Role
from mien.server.errors import Conflict, NotFound
from mien.server.state.database import SECOND, Row, State, new_id

COLUMNS: Final = "id, tenant, name, role, must_change, disabled, created_at, last_login_at"
LINK_SECONDS: Final = 24 * 3600
FIRST: Final = "admin"


@dataclass(frozen=True, slots=True)
class Account:
    """Times in microseconds since 1970. must_change: a password must be set before anything else works."""

    id: str
    tenant: str
    name: str
    role: Role
    must_change: bool
    disabled: bool
    created_at: int
    last_login_at: int | None

    @property
    def caller(self) -> Caller:
        """Whom the account's sessions act as."""
        return Caller("account", self.id, self.name, self.role, self.tenant)


def same_name(name: str) -> str:
    """What two spellings of one name have in common."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def token_hash(token: str) -> bytes:
    """What is kept of a random token; it has 256 bits, so a fast hash is enough."""
    return hashlib.sha256(token.encode()).digest()


class Accounts:
    """Every change of an account's rights ends its sessions."""

    def __init__(self, state: State) -> None:
        self._state = state

    def make(self, name: str, role: Role, tenant: str = "") -> Account:
        """Without a password yet. Raises Conflict for a name that is taken; names are the whole server's."""
        values = (new_id(), tenant, name.strip(), same_name(name), role.value, 1, self._state.now())
        with self._state.write() as writing:
            if self.called(name) is not None:
                raise Conflict(f"There is an account called {name.strip()!r}.", "Take another name.")
            writing.execute(
                "INSERT INTO accounts (id, tenant, name, same_name, role, must_change, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                values,
            )
        return self.get(values[0])

    def make_first(self) -> str | None:
        """An administrator, where there is no account at all; the token of the one-time link.

        A new one as long as it is the only account and nobody has followed its link; then None.
        """
        with self._state.write():
            found = self._state.read("SELECT id, must_change FROM accounts LIMIT 2")
            if not found:
                return self.invite(self.make(FIRST, Role.ADMINISTRATOR).id)
            return self.invite(found[0][0]) if len(found) == 1 and found[0][1] else None

    def get(self, account: str, tenant: str | None = None) -> Account:
        """By id; of any tenant where none is named. Raises NotFound."""
        found = self._state.row(f"SELECT {COLUMNS} FROM accounts WHERE id = ?", (account,))
        if found is None or (tenant is not None and found[1] != tenant):
            raise NotFound("There is no such account.", "GET /v1/accounts lists those that there are.")
        return _account(found)

    def called(self, name: str) -> Account | None:
        """By name."""
        found = self._state.row(f"SELECT {COLUMNS} FROM accounts WHERE same_name = ?", (same_name(name),))
        return _account(found) if found else None

    def page(self, tenant: str, after: str, most: int) -> list[Account]:
        """Of a tenant, by rising id, from after the one named."""
        sql = f"SELECT {COLUMNS} FROM accounts WHERE tenant = ? AND id > ? ORDER BY id LIMIT ?"
        return [_account(row) for row in self._state.read(sql, (tenant, after, most))]

    def change(self, account: str, tenant: str, **fields: Any) -> Account:
        """role, disabled. Raises NotFound, and Conflict for the tenant's last administrator."""
        before = self.get(account, tenant)
        after = replace(before, **fields)
        with self._state.write() as writing:
            values = (after.role.value, int(after.disabled), account)
            writing.execute("UPDATE accounts SET role = ?, disabled = ? WHERE id = ?", values)
            self._check_administrator(before)
            self.end_sessions(account)
        return self.get(account)

    def remove(self, account: str, tenant: str) -> None:
        """With its sessions and keys. Raises NotFound, and Conflict for the tenant's last administrator."""
        before = self.get(account, tenant)
        with self._state.write() as writing:
            writing.execute("DELETE FROM accounts WHERE id = ?", (account,))
            self._check_administrator(before)

    def invite(self, account: str) -> str:
        """A one-time link's token; earlier ones, the password and sessions end, and a new password must be set."""
        token = secrets.token_urlsafe(32)
        until = self._state.now() + LINK_SECONDS * SECOND
        with self._state.write() as writing:
            writing.execute("DELETE FROM welcomes WHERE account = ?", (account,))
            writing.execute("INSERT INTO welcomes VALUES (?, ?, ?)", (token_hash(token), account, until))
            writing.execute("UPDATE accounts SET must_change = 1, password = NULL WHERE id = ?", (account,))
            self.end_sessions(account)
        return token

    def welcomed(self, token: str, account: str | None = None) -> Account | None:
        """Whose one-time token it is, used up by this; of that account only, where one is named."""
        with self._state.write() as writing:
            found = writing.execute(
                "DELETE FROM welcomes WHERE token = ?1 AND expires_at > ?2 AND account = coalesce(?3, account)"
                " RETURNING account",
                (token_hash(token), self._state.now(), account),
            ).fetchall()
            return self.get(str(found[0][0])) if found else None

    def password_of(self, account: str) -> str | None:
        """The hash, None where no password was set."""
        found = self._state.row("SELECT password FROM accounts WHERE id = ?", (account,))
        return found[0] if found else None

    def set_password(self, account: str, hashed: str) -> None:
        """Ends every session and one-time link of the account."""
        with self._state.write() as writing:
            writing.execute("UPDATE accounts SET password = ?, must_change = 0 WHERE id = ?", (hashed, account))
            writing.execute("DELETE FROM welcomes WHERE account = ?", (account,))
            self.end_sessions(account)

    def trust(self, account: str) -> None:
        """Another service vouches for its owner: no password is needed."""
        with self._state.write() as writing:
            writing.execute("UPDATE accounts SET must_change = 0 WHERE id = ?", (account,))

    def rehash(self, account: str, hashed: str) -> None:
        """The same password under today's parameters."""
        with self._state.write() as writing:
            writing.execute("UPDATE accounts SET password = ? WHERE id = ?", (hashed, account))

    def note_login(self, account: str) -> None:
        """It logged in now."""
        with self._state.write() as writing:
            writing.execute("UPDATE accounts SET last_login_at = ? WHERE id = ?", (self._state.now(), account))

    def end_sessions(self, account: str) -> None:
        """Log it out everywhere."""
        with self._state.write() as writing:
            writing.execute("DELETE FROM sessions WHERE account = ?", (account,))

    def _check_administrator(self, before: Account) -> None:
        """Nobody could let anybody in again."""
        sql = "SELECT 1 FROM accounts WHERE tenant = ? AND role = ? AND disabled = 0"
        was = before.role is Role.ADMINISTRATOR and not before.disabled
        if was and self._state.row(sql, (before.tenant, Role.ADMINISTRATOR.value)) is None:
            raise Conflict("It is the last administrator.", "Make another one first.")


def _account(row: Row) -> Account:
    account, tenant, name, role, must_change, disabled, created_at, last_login_at = row
    return Account(account, tenant, name, Role(role), bool(must_change), bool(disabled), created_at, last_login_at)
