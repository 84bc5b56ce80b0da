"""Is memory flat over a long video?

    python benchmarks/video_memory.py --clip FILE [--minutes 60] [--save DIR] [--tolerance 10]

Plays a clip again and again as one video of the length asked for, through the whole loop with every stage, and with
--save into an annotated video, a report, events, a table and subtitles too. Fits a line to the resident set after the
first minute of video: MB for an hour, with its standard error. Exit code 1 where it rises by more than the tolerance
and by more than twice its error. Prints Markdown.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from memory import MEGABYTE, WINDOWS, peak_bytes, resident_bytes

from mien import VideoAnalyzer, open_source
from mien.video.frame import Frame, SourceInfo
from mien.video.sink.open import sinks_for

WARM_UP_SECONDS = 60.0


@dataclass
class Looped:
    """One long video of a short one."""

    clip: str
    seconds: float
    info: SourceInfo
    unreadable: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        index, start = 0, 0.0
        while start < self.seconds:
            with open_source(self.clip) as source:
                step = 1 / (source.info.frames_per_second or 25)
                for frame in source:
                    last = start + frame.time_seconds
                    yield replace(frame, index=index, time_seconds=last)
                    index += 1
            start = last + step


def main() -> int:
    """Run, and fit the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--save", type=Path)
    parser.add_argument("--tolerance", type=float, default=10.0)
    asked = parser.parse_args()
    with open_source(asked.clip) as source:
        info = replace(source.info, duration_seconds=asked.minutes * 60)
    run = VideoAnalyzer().run(Looped(asked.clip, asked.minutes * 60, info))
    suffixes = (".mp4", ".html", ".jsonl", ".csv", ".vtt")
    sinks = sinks_for([str(asked.save / f"long{suffix}") for suffix in suffixes]) if asked.save else []
    times, held, started = [], [], time.monotonic()
    for sink in sinks:
        sink.start(info)
    for frame, moment in run:
        for sink in sinks:
            sink.take(frame, moment)
        times.append(moment.time_seconds)
        held.append(resident_bytes())
    for sink in sinks:
        sink.finish(run.summary)
        sink.close()
    steady = [(at, size) for at, size in zip(times, held, strict=True) if at >= WARM_UP_SECONDS]
    parts = np.array_split(np.array(steady), WINDOWS)
    hours = np.array([part[:, 0].mean() for part in parts]) / 3600
    (rise, _), covariance = np.polyfit(hours, [np.median(part[:, 1]) / MEGABYTE for part in parts], 1, cov=True)
    error = float(np.sqrt(covariance[0, 0]))
    flat = rise <= max(asked.tolerance, 2 * error)
    print("| video | frames | tracks | analysed in | resident after a minute | at the end | slope an hour | flat |")
    print("|---|---|---|---|---|---|---|---|")
    first, last = (np.median(part[:, 1]) / MEGABYTE for part in (parts[0], parts[-1]))
    took = time.monotonic() - started
    print(
        f"| {asked.minutes:g} min | {len(times)} | {len(run.summary.tracks)} | {took / 60:.1f} min | {first:.0f} MB | "
        f"{last:.0f} MB | {rise:+.1f} ± {error:.1f} MB | {'yes' if flat else 'no'} |"
    )
    print(f"\nPeak {peak_bytes() / MEGABYTE:.0f} MB.")
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
