"""Passwords: hashed by argon2id, checked in the same time whether the account is there or not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from argon2 import PasswordHasher, profiles
from argon2.exceptions import InvalidHashError, VerificationError

from mien.server.errors import Busy, Invalid

T = TypeVar("T")

SHORTEST: Final = 10
LONGEST: Final = 200
AT_ONCE: Final = 2
"""Each takes 64 MiB for the time being."""
IN_LINE: Final = 8
"""Who may wait for a turn or have one: the rest of the service needs threads, too."""


def default_hasher() -> PasswordHasher:
    """RFC 9106's second recommended set of parameters, for machines without 2 GiB to spare."""
    return PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)


@dataclass(frozen=True, slots=True)
class Passwords:
    """Hashes and checks, a few at once, so that a flood of log-ins takes neither memory nor all cores."""

    hasher: PasswordHasher = field(default_factory=default_hasher)
    _turn: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(AT_ONCE))
    _line: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(IN_LINE))
    _nobody: list[str] = field(default_factory=list)

    def hash(self, password: str) -> str:
        """What is kept. Raises Invalid for a password that is too short or too long."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise Invalid(
                f"A password has {SHORTEST} to {LONGEST} characters.", "Take a few words that nobody guesses."
            )
        return self._in_turn(lambda: self.hasher.hash(password))

    def check(self, hashed: str | None, password: str) -> bool:
        """Whether it is the one; takes as long where there is no hash."""
        return self._in_turn(lambda: self._verify(hashed or self._decoy(), password)) and hashed is not None

    def is_old(self, hashed: str) -> bool:
        """Whether it was hashed by other parameters than today's."""
        return self.hasher.check_needs_rehash(hashed)

    def _decoy(self) -> str:
        if not self._nobody:
            self._nobody.append(self.hasher.hash("nobody's password"))
        return self._nobody[0]

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self.hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    def _in_turn(self, work: Callable[[], T]) -> T:
        if not self._line.acquire(blocking=False):
            raise Busy("Too many people are logging in at once.", "Try again in a moment.", 2.0)
        try:
            with self._turn:
                return work()
        finally:
            self._line.release()
