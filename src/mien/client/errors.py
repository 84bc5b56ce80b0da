"""What goes wrong between a client and its service."""

from __future__ import annotations

from mien.errors import MienError
from mien.server.problem import Problem
from mien.server.schema.people import JudgedPhoto


class ClientError(MienError):
    """Base of what a client raises; the subclasses say what."""

    code = "client"


class Refused(ClientError):
    """The service said no, and why: `cause` and `cure` are its own words.

    code: the service's, as docs/errors.md lists them. request_id: by which its log has the request. photos: of an
    enrolment, what speaks against each.
    """

    code = "refused"

    def __init__(self, problem: Problem, photos: tuple[JudgedPhoto, ...] = ()) -> None:
        super().__init__(problem.detail or problem.title, problem.cure)
        self.code = problem.code
        self.status = problem.status
        self.reasons = tuple(problem.reasons)
        self.request_id = problem.request_id
        self.photos = photos

    def __str__(self) -> str:
        return " ".join((self.cause, *(f"({reason})" for reason in self.reasons), self.cure)).strip()


class NoAnswer(ClientError):
    """The service cannot be reached, or the connection broke. Whether a change was made is not known then."""

    code = "no-answer"


class WrongAnswer(ClientError):
    """What answered is no mien service, or one of another version."""

    code = "wrong-answer"


class LiveEnded(ClientError):
    """A live session was ended by the service. close_code: of the WebSocket, as GET /v1/live lists them."""

    code = "live-ended"

    def __init__(self, close_code: int, reason: str) -> None:
        super().__init__(reason or f"The live session ended with code {close_code}.", "Begin another one.")
        self.close_code = close_code
