"""The network is blocked, not trusted."""

from __future__ import annotations

import socket
import urllib.request

import pytest


def test_connections_are_refused() -> None:
    with pytest.raises(RuntimeError, match="never touch the network"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(RuntimeError, match="never touch the network"), socket.socket() as sock:
        sock.connect(("192.0.2.1", 80))


def test_names_are_not_looked_up() -> None:
    with pytest.raises(RuntimeError, match="never touch the network"):
        urllib.request.urlopen("http://example.invalid/", timeout=1)
