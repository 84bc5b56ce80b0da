"""Is memory flat over a long video?

    python benchmarks/video_memory.py --clip FILE [--minutes 60] [--save DIR] [--tolerance 10]

Puts the packets of a clip behind each other, again and again, into one file of the length asked for, and plays that
through the whole loop with every stage, with --save into an annotated video, a report, events, a table and subtitles
too. Fits a line to the resident set after the first minute of video: MB for an hour, with its standard error. Exit code
1 where it rises by more than the tolerance and by more than twice its error. Prints Markdown; how far it is goes to
standard error.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from array import array
from pathlib import Path

import av
import numpy as np
from memory import MEGABYTE, WINDOWS, peak_bytes, resident_bytes
from numpy.typing import NDArray

from mien import VideoAnalyzer, open_source
from mien.video.moment import VideoSummary
from mien.video.sink.open import sinks_for

WARM_UP_SECONDS = 60.0


def looped(clip: str, seconds: float, path: Path) -> Path:
    """A video of this length, nothing decoded: one file, since opening many leaves traces of its own in the memory."""
    with av.open(str(path), "w") as out:
        stream, shift, played = None, 0, 0.0
        while played < seconds:
            with av.open(clip) as source:
                pictures = source.streams.video[0]
                stream = stream or out.add_stream_from_template(pictures)
                end = shift
                for packet in source.demux(pictures):
                    if packet.pts is None or packet.dts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    end = max(end, packet.pts + max(packet.duration or 0, 1))
                    packet.stream = stream
                    out.mux(packet)
                shift, played = end, float(end * pictures.time_base)
    return path


def held_by(clip: Path, save: Path | None) -> tuple[VideoSummary, NDArray[np.float64]]:
    """Play a clip; (N, 2) video time in seconds and resident bytes at that time, twice a second."""
    suffixes = (".mp4", ".html", ".jsonl", ".csv", ".vtt")
    sinks = sinks_for([str(save / f"long{suffix}") for suffix in suffixes]) if save else []
    seen = array("d")
    with open_source(str(clip)) as source:
        run = VideoAnalyzer().run(source)
        for sink in sinks:
            sink.start(source.info)
        for frame, moment in run:
            for sink in sinks:
                sink.take(frame, moment)
            if not seen or moment.time_seconds - seen[-2] >= 0.5:
                seen.extend((moment.time_seconds, resident_bytes()))
                if len(seen) % 240 == 0:
                    print(f"{seen[-2]:.0f} s: {seen[-1] / MEGABYTE:.1f} MB", file=sys.stderr, flush=True)
        for sink in sinks:
            sink.finish(run.summary)
            sink.close()
        return run.summary, np.array(seen).reshape(-1, 2)


def main() -> int:
    """Run, and fit the line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--save", type=Path)
    parser.add_argument("--tolerance", type=float, default=10.0)
    asked = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        summary, seen = held_by(looped(asked.clip, asked.minutes * 60, Path(folder) / "long.mp4"), asked.save)
    parts = np.array_split(seen[seen[:, 0] >= WARM_UP_SECONDS], WINDOWS)
    hours = np.array([part[:, 0].mean() for part in parts]) / 3600
    sizes = [np.median(part[:, 1]) / MEGABYTE for part in parts]
    (rise, _), covariance = np.polyfit(hours, sizes, 1, cov=True)
    error = float(np.sqrt(covariance[0, 0]))
    flat = rise <= max(asked.tolerance, 2 * error)
    print("| video | frames | tracks | analysed in | resident after a minute | at the end | slope an hour | flat |")
    print("|---|---|---|---|---|---|---|---|")
    took = (time.monotonic() - started) / 60
    print(
        f"| {asked.minutes:g} min | {summary.frames} | {len(summary.tracks)} | {took:.1f} min | {sizes[0]:.0f} MB | "
        f"{sizes[-1]:.0f} MB | {rise:+.1f} ± {error:.1f} MB | {'yes' if flat else 'no'} |"
    )
    print(f"\nPeak {peak_bytes() / MEGABYTE:.0f} MB.")
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
