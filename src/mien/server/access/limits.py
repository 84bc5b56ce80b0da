"""How often somebody may ask, and how often somebody may be wrong."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import threading
from collections import OrderedDict
from time import monotonic
from typing import Final

from mien.server.errors import TooMany
from mien.server.state.accounts import same_name
from mien.server.state.database import SECOND, State

MOST_CALLERS: Final = 10_000
LOCK_SECONDS: Final = 15 * 60
LONGEST_SECONDS: Final = 24 * 3600
FORGET_SECONDS: Final = 24 * 3600
"""Wrong passwords count together when no more than this lies between them."""
ADDRESS_FACTOR: Final = 10
"""People behind one address share it, and most of them only mistype."""


class Rate:
    """A token bucket for each caller, in this process: a minute's worth at once, then as many as come back."""

    def __init__(self, per_minute: int) -> None:
        self._most = float(per_minute)
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> None:
        """One request of a caller. Raises TooMany."""
        now = monotonic()
        with self._lock:
            left, at = self._buckets.pop(who, (self._most, now))
            left = min(self._most, left + (now - at) * self._most / 60)
            self._buckets[who] = (max(left - 1, 0) if left >= 1 else left, now)
            while len(self._buckets) > MOST_CALLERS:
                self._buckets.popitem(last=False)
        if left < 1:
            wait = math.ceil((1 - left) * 60 / self._most)
            raise TooMany(f"More than {self._most:.0f} requests in a minute.", f"Wait {wait} s.", wait)


class Lockout:
    """Wrong passwords by account and by address; kept in the state, so that neither a restart nor a worker forgets.

    Those of a browser that has logged in to the account before (`device`) count by themselves, so that strangers' do
    not lock it out. Names that no account has are counted too: a lock tells nobody who is here. Only keyed tags are
    kept. An address of this machine itself is never locked: everybody who comes through a proxy that no setting names
    comes from it.
    """

    def __init__(self, state: State, failures: int) -> None:
        self._state = state
        self._key = state.key("lock-out")
        self._failures = failures

    def begin(self, name: str, address: str, device: str | None = None) -> None:
        """Before a password is looked at: it counts as wrong until `succeeded` says otherwise.

        So a hundred tries at once are no more than a hundred one after the other. Raises TooMany while one of what it
        counts for is locked. The first lock lasts 15 minutes, each one after it twice as long.
        """
        now = self._state.now()
        with self._state.write() as writing:
            for tag, most in self._subjects(name, address, device):
                row = writing.execute("SELECT * FROM failures WHERE subject = ?", (tag,)).fetchone()
                _, count, locks, last, until = row or (tag, 0, 0, now, 0)
                if until > now:
                    raise _locked(until - now)
                count = 1 if now - last > FORGET_SECONDS * SECOND else count + 1
                if count >= most:
                    until = now + min(LOCK_SECONDS << min(locks, 10), LONGEST_SECONDS) * SECOND
                    count, locks = 0, locks + 1
                writing.execute(
                    "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?)", (tag, count, locks, now, until)
                )

    def succeeded(self, name: str, address: str, device: str | None = None) -> None:
        """The password was right: the account's count, or the device's, begins anew.

        Of the address's, only this try is taken back: one account of one's own must not let one try all others.
        """
        (own, _), *places = self._subjects(name, address, device)
        with self._state.write() as writing:
            writing.execute("DELETE FROM failures WHERE subject = ?", (own,))
            writing.executemany(
                "UPDATE failures SET count = iif(count > 0, count, ?2) - 1, locks = locks - (count = 0),"
                " locked_until = 0 WHERE subject = ?1",
                places,
            )

    def forgive(self, name: str) -> None:
        """Whoever came by a one-time link is the account's owner, and wants to log in by the new password, too."""
        with self._state.write() as writing:
            writing.execute("DELETE FROM failures WHERE subject = ?", (self._tag("account", same_name(name)),))

    def sweep(self) -> None:
        """Forget what no longer counts."""
        old = self._state.now() - FORGET_SECONDS * SECOND
        with self._state.write() as writing:
            writing.execute("DELETE FROM failures WHERE last_at < ?1 AND locked_until < ?1", (old,))

    def _subjects(self, name: str, address: str, device: str | None) -> list[tuple[bytes, int]]:
        if device is not None:
            return [(self._tag("device", device), self._failures)]
        account = (self._tag("account", same_name(name)), self._failures)
        if _is_loopback(address):
            return [account]
        return [account, (self._tag("address", address), self._failures * ADDRESS_FACTOR)]

    def _tag(self, kind: str, text: str) -> bytes:
        return hmac.digest(self._key, f"{kind} {text}".encode(), hashlib.sha256)


def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return ((found.ipv4_mapped if found.version == 6 else None) or found).is_loopback


def _locked(micros: int) -> TooMany:
    wait = math.ceil(micros / SECOND)
    return TooMany("Too many wrong passwords.", f"Wait {math.ceil(wait / 60)} minutes, or use a one-time link.", wait)
