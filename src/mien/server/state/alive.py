"""Which processes of the service still run: each holds a lock that the system takes away when it is gone, however."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from time import time
from typing import Final

from filelock import FileLock, Timeout

from mien.server.state.database import new_id

FOLDER: Final = "running"
YOUNG_SECONDS: Final = 60


class Alive:
    """This process. `token` names it; after a restart it is another."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / FOLDER
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self.token = new_id()
        self._lock = self._of(self.token)
        self._lock.acquire()
        self._sweep()

    def runs(self, token: str) -> bool:
        """Whether the process of this name still runs."""
        if token == self.token:
            return True
        lock = self._of(token)
        if not Path(lock.lock_file).exists():
            return False
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
        return False

    def close(self) -> None:
        """From now on it counts as gone."""
        self._lock.release()
        Path(self._lock.lock_file).unlink(missing_ok=True)

    def _of(self, token: str) -> FileLock:
        return FileLock(self._folder / f"{token}.lock", thread_local=False)

    def _sweep(self) -> None:
        """A file that was made a moment ago may be about to be locked."""
        for path in self._folder.glob("*.lock"):
            with suppress(OSError):
                if time() - path.stat().st_mtime > YOUNG_SECONDS and not self.runs(path.stem):
                    path.unlink()
