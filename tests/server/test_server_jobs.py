"""The queue of videos: leases, kills, tries, retention; without networks where none are needed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.videos_to_send import until

from mien.gallery.errors import GalleryBusy
from mien.server.caller import Caller, Role
from mien.server.jobs import folders as folders_module
from mien.server.jobs.folders import JobFolders
from mien.server.jobs.process import VideoProcess
from mien.server.jobs.runner import JobRunner, JobTools
from mien.server.networks import VideoNetworks
from mien.server.service import Service
from mien.server.state.audit import AuditLog
from mien.server.state.database import SECOND, State, new_id
from mien.server.state.events import EventLog
from mien.server.state.jobs import MOST_TRIES, Asked, Job, JobRecords, JobState, Progress
from mien.server.state.leases import LEASE_SECONDS, Lease
from mien.server.state.preferences import PreferenceShelf
from mien.settings import Settings

CALLER = Caller("account", "a", "Ann", Role.OPERATOR, "")
DAY = 86_400 * SECOND
# A process for videos that is never done with one.
ENDLESS = """
import sys
for order in sys.stdin:
    print('{"progress": [0.5, 25.0, 2]}', flush=True)
"""


class Clock:
    """The time of day, which tests move."""

    def __init__(self) -> None:
        self.micros = 1_800_000_000 * SECOND

    def __call__(self) -> int:
        return self.micros

    def pass_(self, seconds: float) -> None:
        self.micros += round(seconds * SECOND)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(tmp_path: Path, clock: Clock) -> Iterator[State]:
    with State(tmp_path, bytes(32), clock) as opened:
        yield opened


def job(records: JobRecords, caller: Caller = CALLER) -> Job:
    return records.add(new_id(), caller, "clip.mp4", 5, Asked(("landmark",), True, False, 0.02))


def test_a_record_is_as_it_was_given(state: State) -> None:
    records = JobRecords(state)
    made = job(records)
    assert records.get(made.id) == made and made.asked == Asked(("landmark",), True, False, 0.02)
    assert (made.caller, made.state, made.created_at) == (CALLER, JobState.QUEUED, state.now())
    assert records.get(made.id, "") == made and records.get(made.id, "north") is None


def test_each_job_is_held_by_one_process_in_order(state: State) -> None:
    here, there = JobRecords(state), JobRecords(state)
    first, second = job(here), job(here)
    claims = [here.claim(), there.claim(), here.claim()]
    assert [one and one.id for one in claims] == [first.id, second.id, None]
    assert not there.renew(first.id, Progress()) and here.renew(first.id, Progress(0.5, 12.0, 6))
    known = there.get(first.id)
    assert known and (known.progress, known.moments_per_second, known.frames) == (0.5, 12.0, 6)
    assert not there.end(first.id, JobState.FAILED)


def test_a_job_of_a_killed_process_is_taken_over_when_its_lease_is_over(state: State, clock: Clock) -> None:
    dead, living = JobRecords(state), JobRecords(state)
    one = job(dead)
    assert dead.claim()
    clock.pass_(LEASE_SECONDS - 1)
    assert living.claim() is None
    clock.pass_(2)
    taken = living.claim()
    assert taken and (taken.id, taken.tries) == (one.id, 2)
    assert not dead.renew(one.id, Progress()) and not dead.end(one.id, JobState.DONE)
    assert living.end(one.id, JobState.DONE)


def test_what_is_given_back_does_not_count_as_a_try(state: State) -> None:
    records = JobRecords(state)
    one = job(records)
    for _ in range(5):
        claimed = records.claim()
        assert claimed and claimed.tries == 1
        records.give_back(one.id)


def test_what_is_cancelled_or_deleted_is_not_given_back(state: State, clock: Clock) -> None:
    """Somebody does so in another process, between the last look and the giving back."""
    records = JobRecords(state)
    for ask in (records.ask_to_cancel, records.ask_to_delete):
        one = job(records)
        assert records.claim()
        ask(one.id)
        records.give_back(one.id)
        clock.pass_(LEASE_SECONDS + 1)
        assert [found.id for found in JobRecords(state).abandoned()] == [one.id]
        records.delete(one.id)


def test_cancelling_and_deleting(state: State) -> None:
    records = JobRecords(state)
    running, waiting = job(records), job(records)
    assert records.claim()
    for one in (running, waiting):
        records.ask_to_cancel(one.id)
    assert [found.state for found in records.page("", 5)] == [JobState.CANCELLED, JobState.RUNNING]
    assert not records.renew(running.id, Progress())
    assert records.ask_to_delete(waiting.id) and not records.ask_to_delete(running.id)
    assert records.page("", 5) == [] and records.get(running.id) is None
    assert records.known() == {running.id, waiting.id}


def test_a_lease_is_one_holders_until_it_runs_out(state: State, clock: Clock) -> None:
    here, there = Lease(state, "door"), Lease(state, "door")
    assert here.hold() and here.hold() and not there.hold() and Lease(state, "yard").hold()
    clock.pass_(LEASE_SECONDS + 1)
    assert there.hold() and not here.hold()
    there.let_go()
    assert here.hold()


class TestRunner:
    """The thread, on uploads that are no videos, with a process that never ends one.

    `service` is only there for its gallery.
    """

    @pytest.fixture
    def runner(self, state: State, own_settings: Settings, service: Service) -> Iterator[JobRunner]:
        networks = VideoNetworks(own_settings, service.gallery)
        process = VideoProcess([sys.executable, "-c", ENDLESS])
        made = JobRunner(JobTools(state, own_settings, process, networks, EventLog(state), AuditLog(state), 1000))
        yield made
        made.close()

    def uploaded(self, runner: JobRunner) -> Job:
        job_id = new_id()
        runner.folders.make(job_id).write_bytes(b"video")
        return runner.submit(job_id, CALLER, "clip.mp4", 5, Asked())

    def test_a_try_that_nobody_attends_any_more_is_stopped(
        self, runner: JobRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its lease ends, and another try at the same video may begin."""
        stopped = []

        class Endless:
            progress = Progress()

            def start(self) -> None: ...

            def wait(self, seconds: float) -> bool:
                return False

            def stop(self) -> None:
                stopped.append(True)

        def busy(*_: object) -> bool:
            raise GalleryBusy("The state is locked.", "Wait.")

        monkeypatch.setattr(runner.records, "renew", busy)
        with pytest.raises(GalleryBusy):
            runner._attend(job(runner.records), Endless())  # type: ignore[arg-type]
        assert stopped

    def test_a_try_for_which_no_process_can_be_had_does_not_count(
        self, runner: JobRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Memory may have run out, for a moment."""
        tries = []

        def none_to_be_had(_: object) -> None:
            tries.append(True)
            raise BlockingIOError

        monkeypatch.setattr(runner._tools.process, "begin", none_to_be_had)
        one = self.uploaded(runner)
        runner.start()
        until(lambda: len(tries) > MOST_TRIES)
        runner.close()
        back = runner.records.get(one.id)
        assert back and (back.state, back.tries) == (JobState.QUEUED, 0)
        assert runner.folders.upload(one.id).exists()

    def test_closing_gives_the_job_back_and_ends_the_process(self, runner: JobRunner, state: State) -> None:
        one = self.uploaded(runner)
        runner.start()
        until(lambda: (now := runner.records.get(one.id)) and now.frames == 2)
        runner.close()
        back = runner.records.get(one.id)
        assert back and (back.state, back.tries, back.progress) == (JobState.QUEUED, 0, 0.0)
        assert runner.folders.upload(one.id).exists() and runner._tools.process.pid is None

    def test_a_job_that_killed_the_process_thrice_says_so(self, runner: JobRunner, state: State, clock: Clock) -> None:
        one, dead = self.uploaded(runner), JobRecords(state)
        for _ in range(MOST_TRIES):
            assert dead.claim()
            clock.pass_(LEASE_SECONDS + 1)
        runner.start()
        until(lambda: not runner.folders.upload(one.id).exists())
        found = runner.records.get(one.id)
        assert found and found.state is JobState.FAILED and found.trouble
        assert found.trouble["code"] == "job-interrupted" and found.trouble["cure"]
        kinds = [event.kind for event in EventLog(state).after("", 0)]
        assert kinds == ["job_queued", "job_failed"]

    def test_killed_between_the_results_and_their_record_it_is_done(
        self, runner: JobRunner, state: State, clock: Clock
    ) -> None:
        one = self.uploaded(runner)
        assert JobRecords(state).claim()
        partial = runner.folders.partial(one.id, 1)
        (partial / "result.json").write_text("{}")
        runner.folders.publish(one.id, partial)
        clock.pass_(LEASE_SECONDS + 1)
        runner.start()
        until(lambda: not runner.folders.upload(one.id).exists())
        found = runner.records.get(one.id)
        assert found and (found.state, found.progress) == (JobState.DONE, 1.0)
        assert runner.folders.result(one.id, "result")

    def test_half_written_results_are_never_served(self, runner: JobRunner) -> None:
        one = self.uploaded(runner)
        (runner.folders.partial(one.id, 1) / "result.json").write_text("{")
        assert runner.folders.result(one.id, "result") is None

    def test_results_go_when_they_are_old_and_uploads_with_the_end(
        self, runner: JobRunner, state: State, clock: Clock
    ) -> None:
        old, young = self.uploaded(runner), self.uploaded(runner)
        for one in (old, young):
            assert runner.records.claim()
            assert runner.records.end(one.id, JobState.DONE)
            clock.pass_(20 * DAY / SECOND)
        PreferenceShelf(state).change("", None, {"result_days": 25, "event_days": 30})
        assert len(EventLog(state).after("", 0)) == 2
        runner.start()
        until(lambda: runner.records.known() == {young.id} and not runner.folders.upload(young.id).exists())
        until(lambda: EventLog(state).after("", 0) == [])
        assert not runner.folders.upload(old.id).parent.exists()


def test_strays_go_once_nothing_happens_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = JobFolders(tmp_path / "jobs")
    for name in ("known", "given-up", "coming"):
        found.make(name).write_bytes(b"part")
    past = time.time() - folders_module.STALE_SECONDS - 10
    for path in (found.upload("given-up"), found.upload("given-up").parent, found.upload("known").parent):
        os.utime(path, (past, past))
    os.utime(found.upload("known"), (past, past))
    assert found.drop_strays({"known"}) == 1
    assert sorted(path.name for path in (tmp_path / "jobs").iterdir()) == ["coming", "known"]
