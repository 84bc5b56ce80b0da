"""Videos to be worked on, on record: who holds which, how far it is, what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final

import apsw

from mien.analyze import Stage
from mien.server.caller import Caller, Role
from mien.server.state.database import SECOND, Row, State, new_id
from mien.server.state.leases import LEASE_SECONDS

MOST_TRIES: Final = 3
COLUMNS: Final = (
    "seq, id, tenant, name, bytes, caller, asked, state, tries, created_at, started_at, ended_at, progress, "
    "moments_per_second, frames, trouble, cancel, removed"
)
GAVE_UP: Final = {
    "code": "job-interrupted",
    "cause": f"The service ended {MOST_TRIES} times while it worked on this video.",
    "cure": "Upload it again; if it happens again, see the service's log.",
}


class JobState(StrEnum):
    """Queued and running come to one of the others."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED: Final = (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class Asked:
    """stages: None for all. identify: recognise the tenant's people, at the rate fpir. annotate: make a video, too.

    why: the reason that was given for recognising people.
    """

    stages: tuple[Stage, ...] | None = None
    identify: bool = False
    annotate: bool = True
    fpir: float = 0.01
    why: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Asked:
        """From what JSON keeps of its dictionary."""
        stages = fields["stages"]
        return cls(**{**fields, "stages": None if stages is None else tuple(stages)})


@dataclass(frozen=True, slots=True)
class Job:
    """Times in microseconds since 1970. progress: 0..1. trouble: code, cause and cure of a job that failed."""

    seq: int
    id: str
    caller: Caller
    name: str
    bytes: int
    asked: Asked
    state: JobState
    tries: int
    created_at: int
    started_at: int | None
    ended_at: int | None
    progress: float
    moments_per_second: float | None
    frames: int
    trouble: Mapping[str, str] | None = field(default=None)
    cancel: bool = False
    removed: bool = False

    @property
    def tenant(self) -> str:
        """Whose it is."""
        return self.caller.tenant


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: share 0..1, moments a second, frames so far."""

    share: float = 0.0
    moments_per_second: float | None = None
    frames: int = 0


class JobRecords:
    """The queue that all processes on one state share. Thread-safe; whatever returns is durable."""

    def __init__(self, state: State) -> None:
        self._state, self._holder = state, new_id()

    def add(self, job_id: str, caller: Caller, name: str, size: int, asked: Asked) -> Job:
        """Put a job behind the others; its upload must be durable."""
        with self._state.write() as connection:
            connection.execute(
                "INSERT INTO jobs (id, tenant, name, bytes, caller, asked, state, created_at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(job_id, caller.tenant, name, size, json.dumps(asdict(caller)), json.dumps(asdict(asked))),
                    *(JobState.QUEUED, self._state.now()),
                ),
            )
        found = self.get(job_id)
        assert found is not None
        return found

    def get(self, job_id: str, tenant: str | None = None) -> Job | None:
        """None where there is no such job, or it is another tenant's or about to be deleted."""
        found = self._found("id = ? AND removed = 0", (job_id,))
        return found[0] if found and tenant in (None, found[0].tenant) else None

    def page(self, tenant: str, limit: int, before: int | None = None) -> list[Job]:
        """The newest first; before: a number, excluded."""
        where = "tenant = ?1 AND removed = 0 AND (?2 IS NULL OR seq < ?2) ORDER BY seq DESC LIMIT ?3"
        return self._found(where, (tenant, before, limit))

    def unfinished(self, tenant: str) -> int:
        """How many of a tenant's jobs wait or run."""
        row = self._state.row("SELECT count(*) FROM jobs WHERE tenant = ? AND state IN (?, ?)", (tenant, *UNFINISHED))
        return int(row[0]) if row else 0

    def claim(self) -> Job | None:
        """Take the oldest job that nobody holds; None where there is none. One that was tried too often fails first."""
        now = self._state.now()
        with self._state.write() as connection:
            free = "(state = ? OR (state = ? AND until < ?))"
            left = connection.execute(
                f"SELECT id FROM jobs WHERE {free} AND tries < ? AND cancel = 0 AND removed = 0 ORDER BY seq LIMIT 1",
                (*UNFINISHED, now, MOST_TRIES),
            ).fetchone()
            if left is None:
                return None
            connection.execute(
                "UPDATE jobs SET state = ?, holder = ?, until = ?, tries = tries + 1, progress = 0, frames = 0, "
                "moments_per_second = NULL, started_at = ? WHERE id = ?",
                (JobState.RUNNING, self._holder, self._until(now), now, left[0]),
            )
        return self.get(left[0])

    def abandoned(self) -> list[Job]:
        """Jobs whose holder is gone and that nobody may try again: to be cancelled, deleted, or tried too often."""
        return self._found(
            "state = ? AND until < ? AND (tries >= ? OR cancel = 1 OR removed = 1)",
            (JobState.RUNNING, self._state.now(), MOST_TRIES),
        )

    def renew(self, job_id: str, progress: Progress) -> bool:
        """Say that this process still works on it; False where it is another's by now, or must be stopped."""
        now = self._state.now()
        with self._state.write() as connection:
            connection.execute(
                "UPDATE jobs SET until = ?, progress = ?, moments_per_second = ?, frames = ? "
                "WHERE id = ? AND holder = ? AND state = ?",
                (
                    *(self._until(now), progress.share, progress.moments_per_second, progress.frames),
                    *(job_id, self._holder, JobState.RUNNING),
                ),
            )
            held: int = connection.changes()
        row = self._state.row("SELECT cancel OR removed FROM jobs WHERE id = ?", (job_id,))
        return held > 0 and row is not None and not row[0]

    def end(
        self, job_id: str, state: JobState, progress: Progress | None = None, trouble: Mapping[str, str] | None = None
    ) -> bool:
        """What became of a job that this process holds, or that nobody does; False where it is another's by now."""
        now = self._state.now()
        with self._state.write() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, ended_at = ?, holder = NULL, until = NULL, trouble = ?, "
                "progress = coalesce(?, progress), frames = coalesce(?, frames), "
                "moments_per_second = coalesce(?, moments_per_second) "
                "WHERE id = ? AND state IN (?, ?) AND (holder IS NULL OR holder = ? OR until < ?)",
                (
                    *(state, now, json.dumps(dict(trouble)) if trouble else None),
                    *((progress.share, progress.frames, progress.moments_per_second) if progress else (None,) * 3),
                    *(job_id, *UNFINISHED, self._holder, now),
                ),
            )
            ended: int = connection.changes()
        return ended > 0

    def give_back(self, job_id: str) -> None:
        """Let another process, or this one after a restart, begin it anew; this try does not count.

        One that somebody has just cancelled or deleted is found once its lease is over.
        """
        with self._state.write() as connection:
            connection.execute(
                "UPDATE jobs SET state = ?, holder = NULL, until = NULL, tries = tries - 1, progress = 0 "
                "WHERE id = ? AND holder = ? AND cancel = 0 AND removed = 0",
                (JobState.QUEUED, job_id, self._holder),
            )

    def ask_to_cancel(self, job_id: str) -> None:
        """One that waits is cancelled now, one that runs as soon as its holder sees it."""
        with self._state.write() as connection:
            self._cancel(connection, job_id)

    def ask_to_delete(self, job_id: str) -> bool:
        """Nobody sees it any more; whether its files may go now. Else its holder deletes them."""
        with self._state.write() as connection:
            self._cancel(connection, job_id)
            connection.execute("UPDATE jobs SET removed = 1 WHERE id = ?", (job_id,))
        row = self._state.row("SELECT state FROM jobs WHERE id = ?", (job_id,))
        return row is None or row[0] != JobState.RUNNING

    def delete(self, job_id: str) -> None:
        """The record; its files must be gone."""
        with self._state.write() as connection:
            connection.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

    def ended(self, tenant: str | None = None, before: int | None = None) -> list[Job]:
        """Jobs that came to an end; before: by then, in microseconds since 1970."""
        where = "state NOT IN (?1, ?2) AND (?3 IS NULL OR tenant = ?3) AND (?4 IS NULL OR ended_at < ?4)"
        return self._found(where, (*UNFINISHED, tenant, before))

    def known(self) -> set[str]:
        """The ids of all jobs on record."""
        return {job_id for (job_id,) in self._state.read("SELECT id FROM jobs")}

    def _cancel(self, connection: apsw.Connection, job_id: str) -> None:
        connection.execute("UPDATE jobs SET cancel = 1 WHERE id = ? AND state IN (?, ?)", (job_id, *UNFINISHED))
        connection.execute(
            "UPDATE jobs SET state = ?, ended_at = ? WHERE id = ? AND state = ?",
            (JobState.CANCELLED, self._state.now(), job_id, JobState.QUEUED),
        )

    def _until(self, now: int) -> int:
        return now + round(LEASE_SECONDS * SECOND)

    def _found(self, where: str, values: Sequence[str | int | None]) -> list[Job]:
        return [_job(row) for row in self._state.read(f"SELECT {COLUMNS} FROM jobs WHERE {where}", values)]


def _job(row: Row) -> Job:
    seq, job_id, _, name, size, caller, asked, state, *numbers, trouble, cancel, removed = row
    told = json.loads(caller)
    fields: list[Any] = [
        *(seq, job_id, Caller(**told | {"role": Role(told["role"])}), name, size),
        Asked.of(json.loads(asked)),
        *(JobState(state), *numbers, json.loads(trouble) if trouble else None, bool(cancel), bool(removed)),
    ]
    return Job(*fields)
