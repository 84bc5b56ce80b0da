"""Sessions of browsers: a random cookie, of which only the hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from mien.server.state.accounts import Account, Accounts, token_hash
from mien.server.state.database import State


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in. token: what the cookie holds. expires_at: microseconds since 1970."""

    account: Account
    token: str
    expires_at: int

    @property
    def csrf(self) -> str:
        """What the header X-CSRF-Token must hold; other sites' pages can read neither this nor the cookie."""
        return hmac.new(self.token.encode(), b"csrf", hashlib.sha256).hexdigest()


class Sessions:
    """All sessions of all accounts."""

    def __init__(self, state: State, accounts: Accounts, hours: float) -> None:
        self._state, self._accounts = state, accounts
        self._lasts = timedelta(hours=hours) // timedelta(microseconds=1)

    def begin(self, account: Account) -> Session:
        """Log an account in."""
        session = Session(account, secrets.token_urlsafe(32), self._state.now() + self._lasts)
        values = (token_hash(session.token), account.id, self._state.now(), session.expires_at)
        with self._state.write() as writing:
            writing.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", values)
            self._accounts.note_login(account.id)
        return session

    def find(self, token: str) -> Session | None:
        """The session of a cookie, while it and its account are in force."""
        found = self._state.row(
            "SELECT account, expires_at FROM sessions WHERE token = ? AND expires_at > ?",
            (token_hash(token), self._state.now()),
        )
        if found is None:
            return None
        account = self._accounts.get(found[0])
        return None if account.disabled else Session(account, token, found[1])

    def end(self, token: str) -> None:
        """Log out; nothing happens where there is no such session."""
        with self._state.write() as writing:
            writing.execute("DELETE FROM sessions WHERE token = ?", (token_hash(token),))

    def sweep(self) -> None:
        """Drop what has run out."""
        with self._state.write() as writing:
            for table in ("sessions", "welcomes", "errands"):
                writing.execute(f"DELETE FROM {table} WHERE expires_at <= ?", (self._state.now(),))
