"""What goes wrong with files of videos alone."""

from __future__ import annotations

from mien.server.errors import ServerError


class DiskFull(ServerError):
    """There is no room for the upload."""

    code = "disk-full"
    status = 507


class OutOfRange(ServerError):
    """The part of a file that was asked for is not in it."""

    code = "out-of-range"
    status = 416
