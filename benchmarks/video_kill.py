"""What is left of the outputs when the process is killed in the middle of writing them?

    python benchmarks/video_kill.py --clip FILE [--kills 20]

Starts `mien watch FILE --to` an annotated video in MP4 and in Matroska, events, a table and subtitles, kills it with
SIGKILL at a random moment, and reads what lies on the disk: the videos must play without an error up to a second before
the last event that was written, or to the first frames, every line of JSON must be whole, every row of the table and
every cue complete. Prints Markdown; exit code 1 where one is not. The clip should be a minute long or more.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av

CUE = re.compile(r"^(\d+:)?\d\d:\d\d\.\d{3} --> (\d+:)?\d\d:\d\d\.\d{3}")


def played(path: Path) -> tuple[int, float]:
    """Frames that decode, and the time of the last; (0, 0.0) for a file without any."""
    if not path.exists() or not path.stat().st_size:
        return 0, 0.0
    try:
        with av.open(str(path)) as container:
            times = [frame.time or 0.0 for frame in container.decode(video=0)]
    except av.error.InvalidDataError:
        return 0, 0.0
    return len(times), max(times, default=0.0)


def broken(folder: Path) -> list[str]:
    """What is wrong with the files of a killed run."""
    found = []
    rows = (folder / "frames.csv").read_text(encoding="utf-8").splitlines()
    table = list(csv.reader(rows))
    if any(len(row) != len(table[0]) for row in table):
        found.append("a row of the table is not whole")
    last = max((float(row[0]) for row in table[1:]), default=0.0)
    for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines():
        try:
            json.loads(line)
        except json.JSONDecodeError:
            found.append(f"a line of JSON is not whole: {line[:60]}")
    cues = (folder / "subs.vtt").read_text(encoding="utf-8").split("\n\n")
    if not cues[0].startswith("WEBVTT") or any("-->" in cue and not CUE.search(cue.strip()) for cue in cues[1:]):
        found.append("the subtitles are not whole")
    for name in ("video.mp4", "video.mkv"):
        frames, end = played(folder / name)
        if last > 1.5 and (not frames or end < last - 1.5):
            found.append(f"{name} ends at {end:.1f} s, the table at {last:.1f} s")
    return found


def main() -> int:
    """Kill, look, count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", required=True)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    chance, problems, seconds = random.Random(asked.seed), [], []
    for kill in range(asked.kills):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            outputs = ["video.mp4", "video.mkv", "events.jsonl", "frames.csv", "subs.vtt"]
            to = [part for output in outputs for part in ("--to", str(folder / output))]
            command = [sys.executable, "-c", "from mien.cli.main import main; main()", "watch", asked.clip, *to]
            child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            while child.poll() is None and not (folder / "video.mp4").exists():
                time.sleep(0.05)
            time.sleep(chance.uniform(0, 8))
            child.send_signal(signal.SIGKILL)
            child.wait()
            problems += [f"kill {kill}: {problem}" for problem in broken(folder)]
            seconds.append(played(folder / "video.mp4")[1])
    print("| kills | seconds of video written when killed | broken outputs |\n|---|---|---|")
    print(f"| {asked.kills} | {min(seconds):.1f} to {max(seconds):.1f} | {len(problems)} |")
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
