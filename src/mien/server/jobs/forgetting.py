"""Results that name somebody who was removed: none is served, and none stays."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from mien.server.caller import Caller, Role
from mien.server.jobs.folders import JobFolders
from mien.server.networks import VideoNetworks
from mien.server.state.audit import AuditLog
from mien.server.state.database import State
from mien.server.state.events import EventLog
from mien.server.state.naming import REMOVED, PeopleInResults

BY_ITSELF: Final = Caller("machine", "", "mien serve", Role.ADMINISTRATOR, "")


class Forgetting:
    """What a kill leaves undone `sweep` does, and nothing of it is served before."""

    def __init__(self, state: State, folders: JobFolders, networks: VideoNetworks) -> None:
        self._state, self._folders, self._networks = state, folders, networks
        self._named = PeopleInResults(state)
        self._audit, self._events = AuditLog(state), EventLog(state)

    def note(self, job_id: str, people: Collection[str]) -> None:
        """Before the results are where they can be read; durable with the transaction it is called in."""
        self._named.note(job_id, people)

    def concerns(self, job_id: str) -> bool:
        """Whether the results of a job name somebody who is not on record any more."""
        return not all(self._networks.on_record(person_id) for person_id in self._named.people(job_id))

    def forget(self, person_id: str, caller: Caller | None = None) -> int:
        """Delete all results that name a person who is gone, and say so in the audit log; of how many videos.

        caller: who removed the person; None where the service found out by itself.
        """
        with self._state.write():
            found = self._named.withdraw(person_id)
            for job_id, tenant in found:
                whose = caller or Caller(BY_ITSELF.kind, "", BY_ITSELF.name, BY_ITSELF.role, tenant)
                self._audit.write(whose, "remove_result", job_id, detail={"person": person_id})
                self._events.publish(tenant, "job_failed", {"job": job_id, "code": REMOVED["code"]})
        for job_id in self._named.ended(person_id):
            self._folders.drop_result(job_id)
            self._named.forget(job_id)
        return len(found)

    def merging(self, person_id: str, into: str) -> None:
        """Before two people become one: what names the first is kept for as long as the second."""
        self._named.copy(person_id, into)

    def merged(self, person_id: str) -> None:
        """The first of the two is not on record any more."""
        self._named.forget_person(person_id)

    def sweep(self, job_id: str | None = None) -> None:
        """As `forget`, for everybody who is gone; whom one job names, or all."""
        for person_id in self._named.people(job_id):
            if not self._networks.on_record(person_id):
                self.forget(person_id)
