"""Where a job's files lie: its upload until it ends, what is being written, and results that are whole."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from mien.gallery.store.disk import sync_folder

UPLOAD: Final = "upload"
RESULT: Final = "result"
PARTIAL: Final = "partial"
# An upload without a record that has not grown for so long was given up, or its process was killed: a body that stops
# is refused after `request_seconds`.
STALE_SECONDS: Final = 600.0
KINDS: Final = {
    "result": "result.json",
    "report": "report.html",
    "events": "events.jsonl",
    "table": "table.csv",
    "subtitles": "subtitles.vtt",
    "annotated": "annotated.mp4",
}


class JobFolders:
    """A folder a job, below one that only the service's user can enter. Job ids are the service's own, never a text
    from outside."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def free_bytes(self) -> int:
        """Left on the disk."""
        return shutil.disk_usage(self._root).free

    def make(self, job_id: str) -> Path:
        """A new folder; where its upload goes to."""
        (self._root / job_id).mkdir(mode=0o700)
        return self.upload(job_id)

    def upload(self, job_id: str) -> Path:
        """The video as it came."""
        return self._root / job_id / UPLOAD

    def sync(self, job_id: str) -> None:
        """Make the folder's names durable; files are by then."""
        sync_folder(self._root / job_id)
        sync_folder(self._root)

    def partial(self, job_id: str, tries: int) -> Path:
        """An empty folder for one try's results."""
        path = self._root / job_id / f"{PARTIAL}-{tries}"
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
        return path

    def publish(self, job_id: str, partial: Path) -> None:
        """All results of a try appear at once, durable, and for the service's user alone."""
        for path in partial.iterdir():
            path.chmod(0o600)
            with open(path, "rb") as file:
                os.fsync(file.fileno())
        sync_folder(partial)
        partial.rename(self._root / job_id / RESULT)
        self.sync(job_id)

    def result(self, job_id: str, kind: str) -> Path | None:
        """A result's file; None where it was not made, or is gone."""
        path = self._root / job_id / RESULT / KINDS[kind]
        return path if path.is_file() else None

    def finished(self, job_id: str) -> bool:
        """Whether results are there, although the record may not say so: the process was killed in between."""
        return (self._root / job_id / RESULT).is_dir()

    def drop_result(self, job_id: str) -> None:
        """The results alone, durable: no name comes back after a power cut."""
        folder = self._root / job_id
        if (folder / RESULT).exists():
            shutil.rmtree(folder / RESULT)
            sync_folder(folder)

    def drop_work(self, job_id: str) -> None:
        """The upload and whatever is half written: nobody's face stays longer than it is needed."""
        self.upload(job_id).unlink(missing_ok=True)
        for path in (self._root / job_id).glob(f"{PARTIAL}-*"):
            shutil.rmtree(path, ignore_errors=True)

    def drop(self, job_id: str) -> None:
        """Everything of a job."""
        shutil.rmtree(self._root / job_id, ignore_errors=True)

    def drop_strays(self, known: Collection[str]) -> int:
        """Folders without a record in which nothing has happened for a while; how many."""
        stray = [path for path in self._root.iterdir() if path.name not in known and _is_still(path)]
        for path in stray:
            shutil.rmtree(path, ignore_errors=True)
        return len(stray)


def _is_still(folder: Path) -> bool:
    latest = 0.0
    with suppress(OSError):  # it goes while we look
        latest = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    return time.time() - latest > STALE_SECONDS
