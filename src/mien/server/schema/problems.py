"""What the OpenAPI document says of errors."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from mien.server.problem import MEDIA_TYPE, Problem

WHEN: Final = {
    400: "The body cannot be read.",
    401: "Nobody is logged in, or the key opens nothing.",
    403: "The role does not suffice, or the request came from another origin or without its CSRF token.",
    404: "There is no such thing for this caller.",
    405: "The address has no such method.",
    406: "No such form of the answer.",
    408: "The body did not arrive in time.",
    409: "It exists already, or the idempotency key came with another request.",
    412: "It was changed since the ETag that was sent.",
    413: "More bytes or pixels than the limit.",
    415: "A body of a type that the route does not take.",
    416: "The range is not within the content.",
    422: "A parameter, field or photo that cannot be used.",
    428: "If-Match is missing.",
    429: "Too many requests, or too many wrong passwords.",
    500: "A fault of the service; the log has it under the request's id.",
    501: "The service was installed without what this needs.",
    502: "The service to log in by is away, or is not what the settings say.",
    503: "The service is starting, or its queue is full; nothing was done.",
    507: "The disk is full.",
}
ALWAYS: Final = (400, 408, 413, 422, 429, 503)
"""What any route may answer. 500 is not among them: it is a fault."""


Responses = dict[int | str, dict[str, Any]]


def problems(*statuses: int) -> Responses:
    """`responses=` of a route: the statuses named, and those that any route may answer."""
    return {status: _answer(status) for status in sorted({*statuses, *ALWAYS})}


def _answer(status: int) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "description": WHEN[status],
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}},
    }
    if status in (429, 503):
        answer["headers"] = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return answer


def title_of(status: int) -> str:
    """The words of a status."""
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Error"
