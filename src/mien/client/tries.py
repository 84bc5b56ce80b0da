"""When to send a request again, and how long to wait before; the same for both transports."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

import httpx2
from pydantic import ValidationError

from mien.client.errors import ClientError, NoAnswer, Refused, WrongAnswer
from mien.server.problem import MEDIA_TYPE, Problem
from mien.server.schema.people import EnrolmentProblem

# Nothing was done when these are answered.
PATIENT: Final = (429, 503)
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 8.0


@dataclass(slots=True)
class Tries:
    """Of one request. patience: how many seconds of waiting are left."""

    patience: float
    failures: int = 0

    def after_answer(self, reply: httpx2.Response) -> float | None:
        """How long to wait before the next try; None: this answer is the one."""
        # 409 says when to come back where the first try is still being worked on.
        if reply.status_code not in PATIENT and not (reply.status_code == 409 and "Retry-After" in reply.headers):
            return None
        return self._wait(_seconds(reply.headers.get("Retry-After", "")))

    def after_trouble(self, error: httpx2.TransportError, again: bool) -> float:
        """How long to wait before the next try. Raises NoAnswer where there is none."""
        pause = None
        if again or isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout):
            pause = self._wait(None)
        if pause is None:
            raise no_answer(error) from error
        return pause

    def _wait(self, asked: float | None) -> float | None:
        """Twice as long each time, and not all clients at once; at least what was asked for."""
        grown = min(FIRST_PAUSE * 2**self.failures, LONGEST_PAUSE)
        pause = max(asked or 0.0, grown * random.uniform(0.5, 1.0))
        self.failures += 1
        self.patience -= pause
        return pause if self.patience >= 0 else None


def no_answer(error: Exception) -> NoAnswer:
    """In words."""
    said = str(error) or type(error).__name__
    return NoAnswer(f"The service gave no answer: {said}.", "See that it runs, and that the address is right.")


def refusal(reply: httpx2.Response) -> ClientError:
    """What an answer says that is no success; its content has been read."""
    if reply.is_redirect:
        to = reply.headers.get("Location", "nowhere")[:200]
        return WrongAnswer(f"The address sends on to {to}, where keys are not sent.", "Name that address, if it is so.")
    if reply.headers.get("Content-Type", "").partition(";")[0] == MEDIA_TYPE:
        try:
            problem = Problem.model_validate_json(reply.content, extra="ignore")
            judged = EnrolmentProblem.model_validate_json(reply.content, extra="ignore").photos
            return Refused(problem, tuple(judged))
        except ValidationError:
            pass
    return WrongAnswer(
        f"Status {reply.status_code} came without a reason that mien gives.",
        "See what stands between the client and the service.",
    )


def _seconds(said: str) -> float | None:
    return float(said) if said.isascii() and said.isdigit() and len(said) < 6 else None
