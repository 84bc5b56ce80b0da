"""The thread that takes jobs from the queue, one after the other, and keeps their records true."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Final

from mien.server.caller import Caller
from mien.server.jobs.attempt import Attempt
from mien.server.jobs.folders import JobFolders
from mien.server.jobs.forgetting import Forgetting
from mien.server.jobs.order import Order, Outcome
from mien.server.jobs.process import VideoProcess
from mien.server.jobs.upload import Receiver
from mien.server.networks import VideoNetworks
from mien.server.state.audit import AuditLog, Plain
from mien.server.state.database import SECOND, State
from mien.server.state.events import EventLog
from mien.server.state.jobs import GAVE_UP, Asked, Job, JobRecords, JobState, Progress
from mien.server.state.preferences import PreferenceShelf
from mien.settings import Settings

LOG: Final = logging.getLogger("mien.server.jobs")
# How often it is looked whether a job is to be cancelled, and told how far it is.
GLANCE_SECONDS: Final = 0.5
IDLE_SECONDS: Final = 1.0
TIDY_SECONDS: Final = 600.0
DAY: Final = 86_400 * SECOND


@dataclass(frozen=True, slots=True)
class JobTools:
    """What a runner works with."""

    state: State
    settings: Settings
    process: VideoProcess
    networks: VideoNetworks
    events: EventLog
    audit: AuditLog
    video_bytes: int


class JobRunner:
    """One job a process at a time. What a killed process leaves behind is taken over by whoever runs next."""

    def __init__(self, tools: JobTools) -> None:
        self._tools = tools
        self.records = JobRecords(tools.state)
        self.folders = JobFolders(tools.state.folder / "jobs")
        self.forgetting = Forgetting(tools.state, self.folders, tools.networks)
        self.receiver = Receiver(self.folders, tools.video_bytes)
        self._preferences = PreferenceShelf(tools.state)
        self._closing, self._news = Event(), Event()
        self._thread: Thread | None = None
        self._tidied = -TIDY_SECONDS

    def start(self) -> None:
        """Begin to take jobs."""
        self._thread = Thread(target=self._run, name="mien-jobs", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """The job that runs is given back, to be begun anew by the next process."""
        self._closing.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join()
        self._tools.process.end()

    def submit(self, job_id: str, caller: Caller, name: str, size: int, asked: Asked) -> Job:
        """Put an upload that is whole and durable on record; durable, too, with the transaction it is called in."""
        with self._tools.state.write():
            job = self.records.add(job_id, caller, name, size, asked)
            self._tools.events.publish(job.tenant, "job_queued", {"job": job.id})
            self._tools.state.once_kept(self._news.set)
        return job

    def cancel(self, job: Job) -> None:
        """Takes a second where it runs; the upload goes."""
        self.records.ask_to_cancel(job.id)
        after = self.records.get(job.id)
        if after and after.state is JobState.CANCELLED and job.state is JobState.QUEUED:
            self._told_ended(after)

    def delete(self, job: Job) -> None:
        """It is not there any more, although its files may be for a second, where it runs."""
        if self.records.ask_to_delete(job.id):
            self.folders.drop(job.id)
            self.records.delete(job.id)

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                job = self._next()
                if job is not None:
                    self._follow(job)
                    continue
                self._tools.process.rest()
            except Exception:
                # A full disk, a locked state: whatever it is may be over in a moment, and jobs must not stand still.
                LOG.exception("The queue of videos")
            self._news.wait(IDLE_SECONDS)
            self._news.clear()

    def _next(self) -> Job | None:
        self._tidy()
        for job in self.records.abandoned():
            self._give_up(job)
        return self.records.claim()

    def _give_up(self, job: Job) -> None:
        if job.removed:
            self.folders.drop(job.id)
            self.records.delete(job.id)
        elif self.folders.finished(job.id):
            self._end(job, JobState.DONE, Progress(1.0, job.moments_per_second, job.frames))
        elif job.cancel:
            self._end(job, JobState.CANCELLED)
        else:
            self._end(job, JobState.FAILED, trouble=GAVE_UP)

    def _follow(self, job: Job) -> None:
        """One try."""
        if self.folders.finished(job.id):
            # It was killed between the results and the record of them.
            self._end(job, JobState.DONE, Progress(1.0, job.moments_per_second, job.frames))
            return
        self._tools.events.publish(job.tenant, "job_started", {"job": job.id, "try": job.tries})
        folder = self.folders.partial(job.id, job.tries)
        attempt = Attempt(self._tools.process, self._order(job, folder))
        wanted = self._attend(job, attempt)
        if attempt.trouble is not None:
            self._end(job, JobState.FAILED, attempt.progress, attempt.trouble)
        elif attempt.outcome is not None and self.records.renew(job.id, attempt.progress):
            self._tell_who(job, attempt.outcome)
            self.folders.publish(job.id, folder)
            last = attempt.progress
            self._end(job, JobState.DONE, Progress(1.0, last.moments_per_second, last.frames))
        else:
            self._stopped(job, wanted)

    def _order(self, job: Job, folder: Path) -> Order:
        upload, settings = self.folders.upload(job.id), self._tools.settings.model_dump(mode="json")
        return Order(job.id, job.tenant, job.name, job.asked, str(upload), str(folder), settings)

    def _attend(self, job: Job, attempt: Attempt) -> bool:
        """Until the try is over, however that comes; whether it was still wanted."""
        wanted = True
        try:
            self._start(job, attempt)
            while not attempt.wait(GLANCE_SECONDS):
                wanted = self.records.renew(job.id, attempt.progress)
                if self._closing.is_set() or not wanted:
                    attempt.stop()
        except BaseException:
            # Nobody would renew the lease: another try at the same video may begin.
            attempt.stop()
            raise
        return wanted

    def _start(self, job: Job, attempt: Attempt) -> None:
        try:
            attempt.start()
        except OSError:
            # There is no process to be had now; there may be one in a moment, and this was no try.
            self.records.give_back(job.id)
            raise

    def _stopped(self, job: Job, wanted: bool) -> None:
        now = self.records.get(job.id)
        if now is None:
            self._drop_removed(job)
        elif now.cancel:
            self._end(now, JobState.CANCELLED)
        elif wanted:
            self.records.give_back(job.id)

    def _drop_removed(self, job: Job) -> None:
        """Somebody deleted it while it ran here."""
        self.folders.drop(job.id)
        self.records.delete(job.id)

    def _end(
        self, job: Job, state: JobState, progress: Progress | None = None, trouble: Mapping[str, str] | None = None
    ) -> None:
        if self.records.end(job.id, state, progress, trouble) and (after := self.records.get(job.id)):
            self._told_ended(after)
            # Somebody may have been removed while it ran.
            self.forgetting.sweep(job.id)
        elif self.records.get(job.id) is None:
            self._drop_removed(job)

    def _told_ended(self, job: Job) -> None:
        """The record says so by now: tell others, and let go of the upload."""
        data = {"job": job.id} | ({"code": job.trouble["code"]} if job.trouble else {})
        try:
            self._tools.events.publish(job.tenant, f"job_{job.state}", data)
        finally:
            self.folders.drop_work(job.id)

    def _tell_who(self, job: Job, outcome: Outcome) -> None:
        """An entry of the audit log for everybody whom the results name, before anybody can see them."""
        with self._tools.state.write():
            self.forgetting.note(job.id, outcome.named)
            for person_id in outcome.named:
                tracks = outcome.recognised.get(person_id, 0)
                answer = "person" if person_id in outcome.recognised else "candidate"
                detail: dict[str, Plain] = {"source": "video", "job": job.id, "tracks": tracks, "answer": answer}
                self._tools.audit.write(job.caller, "identify", person_id, job.asked.why, detail)

    def _tidy(self) -> None:
        """Now and then: what has been kept for long enough goes."""
        now = self._tools.state.now()
        if now - self._tidied < TIDY_SECONDS * SECOND:
            return
        self._tidied = now
        for job in self.records.ended():
            days = self._preferences.get(job.tenant)[0].result_days
            if job.removed or (job.ended_at or now) < now - days * DAY:
                self.folders.drop(job.id)
                self.records.delete(job.id)
            else:
                # It was killed before it let go of them.
                self.folders.drop_work(job.id)
        for tenant in self._tools.events.tenants():
            self._tools.events.forget(tenant, now - self._preferences.get(tenant)[0].event_days * DAY)
        self.folders.drop_strays(self.records.known())
