"""A camera's last picture from the process that follows it to the others; in memory alone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from threading import Thread
from typing import Final

LOG: Final = logging.getLogger("mien.server.cameras")
PATIENCE_SECONDS: Final = 5.0
LONGEST_NAME: Final = 1000


class PictureServer:
    """Hands pictures to processes that know the key, by a socket of this machine. Only bytes go over it, no objects."""

    def __init__(self, key: bytes, picture: Callable[[str], bytes | None]) -> None:
        """picture: of a camera by name, None where this process has none. `address`: where other processes find it."""
        self._key, self._picture = key, picture
        self._listener = Listener(None, authkey=key)
        self.address = str(self._listener.address)
        self._closing = False
        self._thread = Thread(target=self._run, name="mien-pictures", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread, which waits for whoever asks."""
        self._closing = True
        # Without a greeting: nobody may be there any more to answer it.
        with suppress(OSError):
            Client(self.address).close()
        self._thread.join(PATIENCE_SECONDS)
        self._listener.close()

    def _run(self) -> None:
        while not self._closing:
            try:
                with self._listener.accept() as connection:
                    self._answer(connection)
            except (OSError, EOFError, AuthenticationError):
                # Whoever asked is gone, or is nobody of ours.
                LOG.debug("A picture was asked for in vain.", exc_info=True)

    def _answer(self, connection: Connection) -> None:
        if not self._closing and connection.poll(PATIENCE_SECONDS):
            name = connection.recv_bytes(LONGEST_NAME).decode(errors="replace")
            connection.send_bytes(self._picture(name) or b"")


def fetch_picture(address: str, key: bytes, name: str) -> bytes | None:
    """A camera's picture from the process at the address; None where it has none, or is gone."""
    try:
        with Client(address, authkey=key) as connection:
            connection.send_bytes(name.encode())
            return (connection.recv_bytes() or None) if connection.poll(PATIENCE_SECONDS) else None
    except (OSError, EOFError, AuthenticationError):
        return None
