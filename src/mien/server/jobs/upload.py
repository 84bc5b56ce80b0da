"""A video from a request's body to the disk: bounded in bytes, in time and by what the disk has left."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from mien.server.errors import DiskFull, Invalid, TooLarge, TooSlow
from mien.server.jobs.folders import JobFolders

# What a chunk may take to arrive: whoever sends nothing for longer has gone.
CHUNK_SECONDS: Final = 30.0
# Left free for the results of jobs and for everything else of the service.
SPARE_BYTES: Final = 500_000_000
WRITE_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Received:
    """digest: SHA-256 of the body, in hex."""

    bytes: int
    digest: str


class Receiver:
    """Takes bodies in, each into a file of its own."""

    def __init__(self, folders: JobFolders, most_bytes: int) -> None:
        self._folders, self._most = folders, most_bytes

    def check(self, announced: int | None) -> None:
        """Refuse by the length that a request announces, before anything is read. Raises TooLarge, DiskFull."""
        if announced is not None and announced > self._most:
            raise self._too_large()
        self._check_room(announced or 0)

    async def take(self, chunks: AsyncIterator[bytes], path: Path) -> Received:
        """Write the body to `path`, durable. Raises TooLarge, DiskFull, TooSlow, and Invalid for an empty one."""
        digest, size, waiting = hashlib.sha256(), 0, bytearray()
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb", buffering=0) as file:
            while (chunk := await _next(chunks)) is not None:
                size += len(chunk)
                if size > self._most:
                    raise self._too_large()
                digest.update(chunk)
                waiting += chunk
                if len(waiting) >= WRITE_BYTES:
                    await asyncio.to_thread(self._write, file, bytes(waiting))
                    waiting.clear()
            if not size:
                raise Invalid("The body is empty.", "Send the video as the body of the request.")
            await asyncio.to_thread(self._write, file, bytes(waiting), last=True)
        return Received(size, digest.hexdigest())

    def _write(self, file: IO[bytes], data: bytes, last: bool = False) -> None:
        self._check_room(len(data))
        left = memoryview(data)
        while left:
            left = left[file.write(left) :]
        if last:
            os.fsync(file.fileno())

    def _check_room(self, wanted: int) -> None:
        if self._folders.free_bytes - wanted < SPARE_BYTES:
            raise DiskFull("The disk has no room for this video.", "Delete videos or results, or free some space.")

    def _too_large(self) -> TooLarge:
        return TooLarge(f"A video may have {self._most:,} bytes.", "Send a shorter or smaller one.")


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    try:
        async with asyncio.timeout(CHUNK_SECONDS):
            return await anext(chunks, None)
    except TimeoutError as error:
        raise TooSlow(f"Nothing came for {CHUNK_SECONDS:.0f} s.", "Send it again.") from error
