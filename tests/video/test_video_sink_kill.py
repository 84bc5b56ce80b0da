"""All sinks that write files at once, in a process that is killed: what is there is whole."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHILD = """
import sys, time
from pathlib import Path
from tests.video.made_up_run import Run
from mien.video.sink.lines import EventLines
from mien.video.sink.report import HtmlReport
from mien.video.sink.subtitles import Subtitles
from mien.video.sink.table import FrameTable
folder, run = Path(sys.argv[1]), Run(seconds=20, rate=25, width=64, height=36)
sinks = [EventLines(folder / "a.jsonl", frames=True), FrameTable(folder / "a.csv"), Subtitles(folder / "a.vtt"),
         HtmlReport(folder / "a.html", refresh_seconds=0.2)]
for sink in sinks:
    sink.start(run.info())
time.sleep(0.3)  # so that the first frame is in a page
for frame, moment in run:
    for sink in sinks:
        sink.take(frame, moment)
    print(frame.time_seconds, flush=True)
time.sleep(600)
"""


class Elements(HTMLParser):
    """Which elements a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)


@pytest.mark.parametrize("seconds", [1.0, 4.1])
def test_all_that_was_given_is_there(seconds: float, tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert child.stdout
    given = next(float(line) for line in child.stdout if float(line) >= seconds)
    os.kill(child.pid, signal.SIGKILL)
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL

    lines = (tmp_path / "a.jsonl").read_text("utf-8")
    assert lines.endswith("\n")
    records = [json.loads(line) for line in lines.splitlines()]
    assert records[-1].get("time_seconds", 0.0) >= given - 1.0

    with open(tmp_path / "a.csv", encoding="utf-8", newline="") as table:
        rows = list(csv.reader(table))
    assert {len(row) for row in rows} == {len(rows[0])} and float(rows[-1][0]) >= given - 1.0

    cues = (tmp_path / "a.vtt").read_text("utf-8")
    assert cues.endswith("\n\n")
    hours, minutes, last = cues.rpartition(" --> ")[2].split("\n")[0].split(":")
    assert float(hours) * 3600 + float(minutes) * 60 + float(last) >= given - 1.0

    page = (tmp_path / "a.html").read_text("utf-8")
    assert page.endswith("</html>\n") and "The run still goes on" in page
    elements = Elements()
    elements.feed(page)
    assert "svg" in elements.seen
