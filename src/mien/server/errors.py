"""What goes wrong in the service alone; routes raise these, `problem.py` turns them into RFC 9457."""

from __future__ import annotations

from typing import ClassVar

from mien.errors import MienError


class ServerError(MienError):
    """Something about a request; the subclasses say what. status: of the HTTP answer. retry_after: in seconds."""

    code = "server"
    status: ClassVar[int] = 500
    retry_after: float | None = None


class NotLoggedIn(ServerError):
    """No session, key or password, or a wrong one; which of them is not said."""

    code = "not-logged-in"
    status = 401


class NoAccount(NotLoggedIn):
    """Another service knows them, this one does not, or no more."""

    code = "no-account"


class NotAllowed(ServerError):
    """The caller's role or scope does not suffice, or the request came from another origin."""

    code = "not-allowed"
    status = 403


class NotFound(ServerError):
    """There is nothing of this id for this caller; another tenant's things are not there."""

    code = "not-found"
    status = 404


class Conflict(ServerError):
    """It exists already, or the same idempotency key came with another request."""

    code = "conflict"
    status = 409


class StillWorking(Conflict):
    """The first request with the same idempotency key has no answer yet; whoever sent it again need only wait."""

    code = "still-working"
    retry_after = 1.0


class Changed(ServerError):
    """The thing was changed since the ETag that was sent."""

    code = "changed"
    status = 412


class TooLarge(ServerError):
    """More bytes than the limit, refused before they are read."""

    code = "too-large"
    status = 413


class WrongKind(ServerError):
    """A body of a type that the route does not take."""

    code = "wrong-kind"
    status = 415


class Invalid(ServerError):
    """A parameter or field has a value that it cannot have."""

    code = "invalid"
    status = 422


class TooMany(ServerError):
    """Too many requests, or too many wrong passwords."""

    code = "too-many"
    status = 429

    def __init__(self, cause: str, cure: str = "", retry_after: float = 1.0) -> None:
        super().__init__(cause, cure)
        self.retry_after = retry_after


class Busy(ServerError):
    """The queue is full, or the request waited too long; nothing was done."""

    code = "busy"
    status = 503

    def __init__(self, cause: str, cure: str = "", retry_after: float = 1.0) -> None:
        super().__init__(cause, cure)
        self.retry_after = retry_after


class TooSlow(ServerError):
    """The body did not arrive within the time allowed."""

    code = "too-slow"
    status = 408


class ClientGone(ServerError):
    """Whoever asked has hung up; nothing was done, and nobody reads this."""

    code = "client-gone"
    status = 499


class BadRequest(ServerError):
    """The body cannot be read as what it says that it is."""

    code = "bad-request"
    status = 400


class NoSuchMethod(ServerError):
    """The address exists, the method does not."""

    code = "no-such-method"
    status = 405


class Internal(ServerError):
    """A fault of the service; its log has it under the request's id."""

    code = "internal"
    status = 500


class PortTaken(ServerError):
    """The address to listen at is another program's, or not this machine's."""

    code = "port-taken"
    status = 500


class OtherServiceFailed(ServerError):
    """The service to log in by is away, or is not what the settings say."""

    code = "other-service"
    status = 502


class OutOfRange(ServerError):
    """The part of a video's file that was asked for is not in it."""

    code = "out-of-range"
    status = 416


class DiskFull(ServerError):
    """There is no room for a video."""

    code = "disk-full"
    status = 507


class JobCrashed(ServerError):
    """The process that worked on a video died of it, or ran out of memory; the service did not."""

    code = "job-crashed"
    status = 500
