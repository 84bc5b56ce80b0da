"""A client of `mien serve`: `Client`, or `AsyncClient` under asyncio and trio; one method for each operation.

The answers are the models of `mien.client.models`. Nothing here loads the service or a network.
"""

from __future__ import annotations

from mien.errors import ExtraMissing

try:
    from mien.client.asynchronous import AsyncClient
    from mien.client.errors import ClientError, LiveEnded, NoAnswer, Refused, WrongAnswer
    from mien.client.synchronous import Client
except ModuleNotFoundError as error:
    if error.name not in ("anyio", "httpx2", "websockets"):
        raise
    raise ExtraMissing(f"{error.name} is not installed.", "Run `pip install 'mien[client]'`.") from error

__all__ = ["AsyncClient", "Client", "ClientError", "LiveEnded", "NoAnswer", "Refused", "WrongAnswer"]
