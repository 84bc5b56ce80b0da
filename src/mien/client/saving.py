"""A file that is there as a whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO

from mien.client.errors import ClientError


class TargetRefused(ClientError):
    """A file cannot be written."""

    code = "target-refused"


class Saving:
    """Beside its place until the block ends well, then in it. Raises TargetRefused."""

    def __init__(self, to: Path) -> None:
        self._to = to
        self._file: IO[bytes] | None = None

    def __enter__(self) -> IO[bytes]:
        try:
            self._file = tempfile.NamedTemporaryFile(dir=self._to.parent, prefix=f".{self._to.name}.", delete=False)
        except OSError as error:
            raise self._refused(error) from error
        return self._file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None
        self._file.close()
        if kind is not None:
            os.unlink(self._file.name)
            return
        try:
            os.replace(self._file.name, self._to)
        except OSError as trouble:
            os.unlink(self._file.name)
            raise self._refused(trouble) from trouble

    def _refused(self, error: OSError) -> TargetRefused:
        return TargetRefused(f"{self._to} cannot be written: {error.strerror or error}.", "Name another place.")
