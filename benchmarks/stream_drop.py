"""Is a stream that drops for half a minute picked up again, and the gap marked?

    python benchmarks/stream_drop.py [--seconds 30]

Starts cameras on 127.0.0.1 that send MPEG-TS and MJPEG over HTTP and H.264 over RTSP (those of the tests), runs
`mien watch` on each, all at once, cuts them off after some seconds for as long as asked for, and lets them come back.
Then reads what mien said: there must be one gap, as long as the camera was away and no longer than the longest wait
between two tries more, the run must go on after it to its end, and its clock must have gone on. Prints Markdown; exit
code 1 where something of this fails.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.video.stream_server import Cameras, HttpCamera, RtspCamera

from mien.video.source.live import LONGEST_WAIT_SECONDS

KINDS = {"MPEG-TS, HTTP": "http://{}/ts", "MJPEG, HTTP": "http://{}/mjpeg", "H.264, RTSP": "rtsp://{}/live"}
BEFORE_SECONDS, AFTER_SECONDS = 5.0, 15.0
# What connecting and decoding the first picture may take on a busy machine.
LATE_SECONDS = 3.0


def watch(address: str, until: float) -> subprocess.Popen[str]:
    """A run in a process of its own; its events on standard output."""
    command = [sys.executable, "-c", "from mien.cli.main import main; main()", "watch", address, "--stages", "detect"]
    environment = {name: value for name, value in os.environ.items() if name.lower() != "http_proxy"}
    return subprocess.Popen(
        [*command, "--to", "-", "--until", str(until)], stdout=subprocess.PIPE, text=True, env=environment
    )


def begun(camera: Cameras) -> None:
    """Wait until somebody watches."""
    while not camera.requests or camera.requests[-1] not in ("PLAY", "/ts", "/mjpeg"):
        time.sleep(0.05)


def row(kind: str, said: Sequence[dict[str, Any]], code: int, away: float) -> tuple[str, bool]:
    """A line of the table, and whether all is well."""
    gaps = [record for record in said if record["kind"] == "gap"]
    end = float(said[-1].get("seconds_analyzed", 0.0)) if said else 0.0
    lengths = [float(gap["detail"]["duration_seconds"]) for gap in gaps]
    fine = code == 0 and len(gaps) == 1 and away <= lengths[0] + 0.5 <= away + LONGEST_WAIT_SECONDS + LATE_SECONDS
    fine = fine and end >= away + BEFORE_SECONDS
    shown = ", ".join(
        f"{length:.1f} s from {gap['time_seconds']:.1f} s on" for length, gap in zip(lengths, gaps, strict=True)
    )
    return f"| {kind} | {away:.1f} s | {shown or 'none'} | {end:.1f} s | {'yes' if fine else 'no'} |", fine


def main() -> int:
    """Cut off, bring back, read."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    asked = parser.parse_args()
    until = BEFORE_SECONDS + asked.seconds + AFTER_SECONDS
    cameras = {kind: Cameras(RtspCamera if "RTSP" in kind else HttpCamera) for kind in KINDS}
    children = {}
    for kind, camera in cameras.items():
        camera.__enter__()
        children[kind] = watch(KINDS[kind].format(camera.place), until)
    for camera in cameras.values():
        begun(camera)
    time.sleep(BEFORE_SECONDS)
    cut = time.monotonic()
    for camera in cameras.values():
        camera.up.clear()
    time.sleep(asked.seconds)
    for camera in cameras.values():
        camera.up.set()
    away = time.monotonic() - cut
    print("| stream | away | gap that mien tells | its clock at the end | picked up, marked |\n|---|---|---|---|---|")
    good = True
    for kind, child in children.items():
        out, _ = child.communicate()
        line, fine = row(kind, [json.loads(one) for one in out.splitlines()], child.returncode, away)
        good = good and fine
        print(line, flush=True)
    for camera in cameras.values():
        camera.__exit__()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
