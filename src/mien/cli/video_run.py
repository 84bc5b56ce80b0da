"""One video through the loop into its sinks, with what a person at a terminal wants to see meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from mien.attention.window import AttentionWindow
from mien.cli.gallery.showing import count_of
from mien.cli.interrupt import Interrupt
from mien.cli.printable import printable
from mien.errors import SinkError
from mien.face import NotAsked
from mien.settings import Settings
from mien.video.frame import Frame, VideoSource
from mien.video.loop import VideoAnalyzer
from mien.video.moment import Moment, TrackIdentity, TrackSummary, VideoEvent, VideoSummary
from mien.video.sink.open import OutputOptions
from mien.video.sink.sink import Sink
from mien.video.sink.words import clock

# Shares of less than ten seconds are not told.
TOO_SHORT = "too short"

Watcher = Callable[[Frame, Moment], bool]
"""Sees every moment; says whether to go on."""


def run_video(
    analyzer: VideoAnalyzer, source: VideoSource, sinks: Sequence[Sink], watcher: Watcher | None = None
) -> VideoSummary:
    """Run to the end of the source, to Ctrl-C, or to the watcher's word; all sinks get the summary in any case.

    Raises KeyboardInterrupt after that, a VideoError where the source is lost, a SinkError.
    """
    run = analyzer.run(source)

    def stop() -> None:
        source.__exit__(None, None, None)

    try:
        with source, Interrupt(stop) as interrupt, _progress(source) as advance:
            for sink in sinks:
                sink.start(source.info)
            try:
                for frame, moment in run:
                    for sink in sinks:
                        sink.take(frame, moment)
                    advance(moment.time_seconds)
                    if interrupt.asked or (watcher and not watcher(frame, moment)):
                        stop()  # or the loop's end would wait for the next frame of a camera
                        break
            except BaseException:
                stop()
                raise
            finally:
                # What was seen until a camera was lost, or somebody had enough, is not thrown away.
                summary = run.summary
                _finish(sinks, summary)
            if interrupt.asked and not source.info.live:
                raise KeyboardInterrupt
            return summary
    finally:
        with ExitStack() as stack:
            for sink in sinks:
                stack.callback(sink.close)


def _finish(sinks: Sequence[Sink], summary: VideoSummary) -> None:
    """All of them, whatever becomes of the others; then the first failure."""
    failures = []
    for sink in sinks:
        try:
            sink.finish(summary)
        except SinkError as error:
            failures.append(error)
    if failures:
        raise failures[0]


def output_options(source: str, analyzer: VideoAnalyzer, settings: Settings) -> OutputOptions:
    """What sinks need to know; the source's sound goes along where it is a file."""
    path = Path(source)
    return OutputOptions(
        path if path.is_file() else None, secret=settings.webhook_secret or None, models=analyzer.models
    )


@contextmanager
def _progress(source: VideoSource) -> Iterator[Callable[[float], None]]:
    """A bar over the length of a file, on a terminal."""
    length = source.info.duration_seconds
    if not length or not sys.stderr.isatty():
        yield lambda seconds: None
        return
    columns = BarColumn(), TaskProgressColumn(), TextColumn("{task.description}"), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=length)

        def advance(seconds: float) -> None:
            progress.update(task, completed=seconds, description=f"{progress.tasks[0].speed or 0:.1f} x real time")

        yield advance


def summary_table(summary: VideoSummary) -> Table | Text:
    """A title, and a row for each track."""
    count = len(summary.tracks)
    dropped = f", {summary.dropped} dropped" if summary.dropped else ""
    dropped += f", {summary.unreadable} places unreadable" if summary.unreadable else ""
    title = (
        f"{printable(summary.source.name)}  {summary.width} x {summary.height}  {summary.seconds_analyzed:.1f} s, "
        f"{count_of(summary.frames, 'frame')}{dropped}  {count_of(count, 'track') if count else 'no tracks'}"
    )
    if not count:
        return Text(title, style="bold")
    table = Table(title=Text(title, style="bold"), title_justify="left", show_edge=False, pad_edge=False)
    for column in ("track", "seen", "frames", "who", "apparent expression", "blinks", "eyes shut", "yawns", "away"):
        table.add_column(column, overflow="fold")
    for track in summary.tracks:
        # Names are taken as they are: one may look like markup.
        table.add_row(*(Text(cell) for cell in _cells(track)))
    return table


def _cells(track: TrackSummary) -> tuple[str, ...]:
    seen = f"{clock(track.start_seconds)} to {clock(track.end_seconds)}"
    shares = list(track.expressions.items())[:3]
    shown = ", ".join(f"{label} {share:.0%}" for label, share in shares) or "-"
    return str(track.track), seen, str(track.frames), who(track.identity), shown, *_attention_cells(track)


def _attention_cells(track: TrackSummary) -> tuple[str, str, str, str]:
    found, counts = track.attention, track.counts
    if not isinstance(found, AttentionWindow):
        return "-", "-", "-", "-"
    shut = f"{found.perclos:.0%} of the time" if found.perclos is not None else TOO_SHORT
    away = f"{1 - found.towards:.0%} of the time" if found.towards is not None else TOO_SHORT
    return str(counts.get("blink", 0)), shut, str(counts.get("yawn", 0)), away


def who(identity: TrackIdentity | NotAsked | None) -> str:
    """`Anna`, `unknown`, `inconclusive`, or `-` where nobody was asked for."""
    if isinstance(identity, NotAsked):
        return "-"
    if identity is None:
        return "inconclusive"
    return printable(identity.name or identity.answer)


def event_line(event: VideoEvent) -> str:
    """One event for a person: `0:04.2  track 1  expression  happiness (was neutral)`."""
    whose = f"track {event.track}" if event.track is not None else "source"
    return f"{clock(event.time_seconds)}  {whose:<9} {event.kind:<12} {_said(event)}".rstrip()


def _said(event: VideoEvent) -> str:
    detail = event.detail
    if event.kind == "expression":
        return f"{detail['label']} (was {detail['was']})" if detail.get("was") else str(detail["label"])
    if event.kind == "identity":
        return printable(str(detail.get("name") or detail["answer"]))
    if event.kind == "track_start":
        return "came back" if detail.get("returned") else ""
    if event.kind == "track_end":
        return f"after {event.time_seconds - detail['start_seconds']:.1f} s"
    lasts = "" if detail.get("ended", True) else " and on"
    return f"{detail['duration_seconds']:.1f} s{lasts}" if detail.get("duration_seconds") else ""
