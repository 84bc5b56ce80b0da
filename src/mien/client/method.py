"""How one definition of a call becomes a method of both clients, with its parameters and types."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Generic, ParamSpec, TypeVar

from mien.client.call import Action, LaterTransport, Transport

P = ParamSpec("P")
R = TypeVar("R")


class Now(Generic[P, R]):
    """A method of the client that waits."""

    def __init__(self, make: Callable[P, Action[R, Any]]) -> None:
        self.make = make
        self.__doc__ = make.__doc__

    def __get__(self, client: Transport | None, owner: type | None = None) -> Callable[P, R]:
        @wraps(self.make)
        def method(*args: P.args, **kwargs: P.kwargs) -> R:
            assert client is not None, "a method of an instance"
            return self.make(*args, **kwargs).now(client)

        return method


class Later(Generic[P, R]):
    """A method of the client that is awaited, or iterated."""

    def __init__(self, make: Callable[P, Action[Any, R]]) -> None:
        self.make = make
        self.__doc__ = make.__doc__

    def __get__(self, client: LaterTransport | None, owner: type | None = None) -> Callable[P, R]:
        @wraps(self.make)
        def method(*args: P.args, **kwargs: P.kwargs) -> R:
            assert client is not None, "a method of an instance"
            return self.make(*args, **kwargs).later(client)

        return method
