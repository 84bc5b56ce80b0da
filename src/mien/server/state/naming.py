"""Whom the results of videos name, so that these go when a person goes."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Final

from mien.server.state.database import State
from mien.server.state.jobs import UNFINISHED, JobState

TABLE: Final = "people_in_results"
REMOVED: Final = {
    "code": "result-removed",
    "cause": "The results named a person who was removed, and were deleted.",
    "cure": "Upload the video again: people who are on record will be recognised.",
}


class PeopleInResults:
    """Rows stay until the files are gone. Thread-safe; whatever returns is durable."""

    def __init__(self, state: State) -> None:
        self._state = state

    def note(self, job_id: str, people: Collection[str]) -> None:
        """Before the results are where they can be read."""
        with self._state.write() as connection:
            sql = f"INSERT OR IGNORE INTO {TABLE} VALUES (?, ?)"
            connection.executemany(sql, [(job_id, person_id) for person_id in sorted(people)])

    def people(self, job_id: str | None = None) -> set[str]:
        """Those whom the results of a job name; of all jobs where it is None."""
        sql = f"SELECT DISTINCT person FROM {TABLE} WHERE ?1 IS NULL OR job = ?1"
        return {person_id for (person_id,) in self._state.read(sql, (job_id,))}

    def copy(self, person_id: str, into: str) -> None:
        """What names one person names another as well: the two are about to be one."""
        with self._state.write() as connection:
            sql = f"INSERT OR IGNORE INTO {TABLE} SELECT job, ?2 FROM {TABLE} WHERE person = ?1"
            connection.execute(sql, (person_id, into))

    def withdraw(self, person_id: str) -> list[tuple[str, str]]:
        """From now on jobs that name this person have no results: id and tenant of those that had some."""
        with self._state.write() as connection:
            sql = (
                f"UPDATE jobs SET state = ?, trouble = ? WHERE state = ? "
                f"AND id IN (SELECT job FROM {TABLE} WHERE person = ?) RETURNING id, tenant"
            )
            values = (JobState.FAILED, json.dumps(REMOVED), JobState.DONE, person_id)
            return [(job_id, tenant) for job_id, tenant in connection.execute(sql, values)]

    def ended(self, person_id: str) -> list[str]:
        """Jobs that name this person and do not run: their files may go."""
        sql = f"SELECT job FROM {TABLE} JOIN jobs ON jobs.id = job WHERE person = ? AND state NOT IN (?, ?)"
        return [job_id for (job_id,) in self._state.read(sql, (person_id, *UNFINISHED))]

    def forget(self, job_id: str) -> None:
        """The files of a job are gone."""
        with self._state.write() as connection:
            connection.execute(f"DELETE FROM {TABLE} WHERE job = ?", (job_id,))

    def forget_person(self, person_id: str) -> None:
        """Another one stands in the place of this person."""
        with self._state.write() as connection:
            connection.execute(f"DELETE FROM {TABLE} WHERE person = ?", (person_id,))
