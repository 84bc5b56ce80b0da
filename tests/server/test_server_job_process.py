"""The process in which videos are worked on: what its crashes cost, when it ends, and what it is allowed."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from tests.server.shared_process import SharedProcess
from tests.server.videos_to_send import ended, film, send, until

from mien.server.errors import JobCrashed
from mien.server.jobs import process as process_module
from mien.server.jobs.attempt import Attempt
from mien.server.jobs.order import Order
from mien.server.jobs.process import VideoProcess, video_command
from mien.server.service import Service
from mien.server.state.jobs import Asked
from mien.settings import Settings

pytest.importorskip("av", reason="needs PyAV, which the extra `video` brings")

DONE = '{"done": {"recognised": {}, "named": []}}'
PROGRESS = '{"progress": [0.5, 1.0, 1]}'
# What children do with their orders; each has as much as an answer takes, and no networks.
TALKS = "for _ in sys.stdin: print(answer, flush=True)"
LEAVES = "sys.stdin.readline(); sys.exit(3)"
STOPS = "import os, signal as s; sys.stdin.readline(); s.signal(s.{0}, s.SIG_DFL); os.kill(os.getpid(), s.{0})"
STAMMERS = "sys.stdin.readline(); print(answer[:5], end='', flush=True)"
DEAF = "import os, time; os.close(0); print(answer, flush=True); time.sleep(60)"
RAVES = "sys.stdin.readline(); print('at your service', flush=True); sys.stdin.readline()"
ORDER = Order("a", "", "clip.mp4", Asked(), "upload", "folder", {})

# A service's end of it, and nothing else of a service: prints its child once that is in the middle of a video.
PARENT = """
import sys
from mien.server.jobs.order import Order
from mien.server.jobs.process import VideoProcess, video_command
process = VideoProcess(video_command("text"))
answers = process.begin(Order.of(sys.stdin.buffer.readline()))
assert "progress" in next(answers)
print(process.pid, flush=True)
for answer in answers:
    pass
"""


def child(code: str, answer: str = DONE) -> VideoProcess:
    return VideoProcess([sys.executable, "-c", f"import sys; answer = sys.argv[1]\n{code}", answer])


def test_an_order_arrives_as_it_was_sent() -> None:
    order = Order("a", "north", "Ä.mp4", Asked(("landmark",), True, False, 0.02, "why"), "u", "f", {"threads": 2})
    assert Order.of(order.line()) == order and order.line().count(b"\n") == 1


@pytest.mark.parametrize(("code", "how"), [(LEAVES, "ended with code 3"), (STAMMERS, "ended with code 0")])
def test_who_ends_before_the_answer_has_crashed(code: str, how: str) -> None:
    process = child(code)
    with pytest.raises(JobCrashed, match=how):
        next(process.begin(ORDER))
    process.end()


def test_who_takes_no_more_orders_can_still_be_ended() -> None:
    process = child(DEAF)
    assert "done" in next(process.begin(ORDER))
    with pytest.raises(OSError):
        process.begin(ORDER)
    process.end()
    assert process.pid is None


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT"])
def test_who_is_told_to_stop_before_being_ready_has_not_crashed(how: str) -> None:
    """systemd and terminals tell all processes of a service at once."""
    attempt = Attempt(child(STOPS.format(how)), ORDER)
    attempt.start()
    until(lambda: attempt.wait(1))
    attempt.stop()
    assert attempt.outcome is None and attempt.trouble is None


def test_who_answers_as_another_version_would_is_not_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    attempt = Attempt(child(TALKS, '{"done": {"recognised": {}, "more": []}}'), ORDER)
    attempt.start()
    until(lambda: attempt.wait(1))
    attempt.stop()
    assert attempt.trouble and attempt.trouble["code"] == "internal" and "job a" in caplog.text


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_who_says_what_cannot_be_understood_is_ended() -> None:
    process = child(RAVES)
    with pytest.raises(JobCrashed, match="SIGKILL"):
        next(process.begin(ORDER))
    process.end()


def test_the_process_is_kept_while_there_is_work_and_ended_when_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    process = child(TALKS)
    pids = []
    for _ in range(2):
        assert "done" in next(process.begin(ORDER))
        pids.append(process.pid)
        process.rest()
    assert pids[0] == pids[1]
    monkeypatch.setattr(process_module, "REST_SECONDS", -1.0)
    process.rest()
    assert process.pid is None
    assert "done" in next(process.begin(ORDER)) and process.pid not in (None, *pids)
    process.end()


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_process_that_was_killed_while_it_rested_is_replaced() -> None:
    process = child(TALKS)
    assert "done" in next(process.begin(ORDER)) and process.pid
    gone = process.pid
    os.kill(gone, signal.SIGKILL)
    os.waitid(os.P_PID, gone, os.WEXITED | os.WNOWAIT)
    assert "done" in next(process.begin(ORDER)) and process.pid != gone
    process.end()


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
@pytest.mark.parametrize("how", ["SIGSEGV", "SIGKILL"])
def test_what_ended_it_is_named_and_the_next_order_finds_another(how: str) -> None:
    process = child(TALKS, PROGRESS)
    for _ in range(2):
        answers = process.begin(ORDER)
        assert next(answers) == json.loads(PROGRESS) and process.pid
        os.kill(process.pid, getattr(signal, how))
        with pytest.raises(JobCrashed, match=how):
            next(answers)
    process.end()


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_a_crash_costs_the_job_that_crashed_alone(
    client: TestClient,
    operator: dict[str, str],
    tmp_path: Path,
    astronaut: np.ndarray,
    service: Service,
    process: SharedProcess,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A service that logs, in a test before, may have it keep its lines to itself.
    monkeypatch.setattr(logging.getLogger("mien.server.jobs"), "handlers", [caplog.handler])
    long, short = (film(tmp_path / f"{count}.mp4", astronaut, count) for count in (1500, 3))
    hurt, next_ = (send(client, operator, video, annotate=False)["id"] for video in (long, short))
    until(lambda: client.get(f"/v1/videos/{hurt}", headers=operator).json()["frames"] > 0)
    assert process.pid and process.pid != os.getpid()
    # As systemd does, and a terminal: the service says what becomes of the video, not they.
    for ignored in (signal.SIGINT, signal.SIGTERM):
        os.kill(process.pid, ignored)
    os.kill(process.pid, signal.SIGSEGV)
    failed = ended(client, operator, hurt)
    assert (failed["state"], failed["trouble"]["code"], failed["tries"]) == ("failed", "job-crashed", 1)
    assert "SIGSEGV" in failed["trouble"]["cause"] and failed["trouble"]["cure"]
    assert any(hurt in record.getMessage() and "SIGSEGV" in record.getMessage() for record in caplog.records)
    assert ended(client, operator, next_)["state"] == "done"
    assert not (service.state.folder / "jobs" / hurt / "upload").exists()
    assert list((service.state.folder / "jobs" / hurt).iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="needs signals")
def test_nothing_goes_on_when_the_service_is_killed(
    own_settings: Settings, tmp_path: Path, astronaut: np.ndarray
) -> None:
    film(tmp_path / "long.mp4", astronaut, 1500)
    (tmp_path / "results").mkdir()
    order = Order(
        *("a", "", "long.mp4", Asked(("landmark",), annotate=False)),
        *(str(tmp_path / "long.mp4"), str(tmp_path / "results"), own_settings.model_dump(mode="json")),
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert parent.stdin and parent.stdout and parent.stderr
    parent.stdin.write(order.line())
    parent.stdin.flush()
    assert int(parent.stdout.readline()) != parent.pid
    parent.kill()
    # The two of them share it: it ends with the last.
    parent.communicate(timeout=60)


@pytest.mark.skipif(not Path("/proc/self/oom_score_adj").exists(), reason="needs Linux")
def test_it_stands_back_and_is_told_no_secret_where_others_can_read_it(
    client: TestClient, operator: dict[str, str], process: SharedProcess, service: Service
) -> None:
    ended(client, operator, send(client, operator, b"no video")["id"])
    assert process.pid
    place = Path(f"/proc/{process.pid}")
    assert os.getpriority(os.PRIO_PROCESS, process.pid) > os.getpriority(os.PRIO_PROCESS, 0)
    assert int((place / "oom_score_adj").read_text()) > int(Path("/proc/self/oom_score_adj").read_text())
    (core,) = [line for line in (place / "limits").read_text().splitlines() if line.startswith("Max core file size")]
    assert core.split()[4:6] == ["0", "0"]
    assert set(video_command("json")) == {sys.executable, "-P", "-m", "mien.server.jobs.child", "json"}


def test_a_gallery_that_cannot_be_opened_fails_the_job_and_keeps_its_place_to_the_log(
    client: TestClient, operator: dict[str, str], tmp_path: Path, astronaut: np.ndarray, own_settings: Settings
) -> None:
    gallery = Path(own_settings.gallery)
    gallery.rename(tmp_path / "elsewhere")
    video = film(tmp_path / "clip.mp4", astronaut, 3)
    failed = ended(client, operator, send(client, operator, video, annotate=False)["id"])
    assert (failed["state"], failed["trouble"]["code"]) == ("failed", "internal")
    assert str(tmp_path) not in json.dumps(failed) and failed["id"] in failed["trouble"]["cure"]
    shutil.rmtree(gallery, ignore_errors=True)
    (tmp_path / "elsewhere").rename(gallery)
    assert ended(client, operator, send(client, operator, video, annotate=False)["id"])["state"] == "done"
