"""`mien analyze`: photos in; a table, JSON Lines, annotated copies and aligned crops out."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer
from rich.console import Console

from mien.align.view import FaceView
from mien.analyze import STAGES, Analyzer, Stage
from mien.cli.interrupt import Interrupt
from mien.cli.lines import open_lines, write_line
from mien.cli.sources import NamedSource, expand
from mien.cli.terminal import analysis_table, counter, saved_name, stages_allowed, stdout_console, warn
from mien.cli.weights import reporter
from mien.detect.policy import DetectPolicy
from mien.draw import draw_analysis
from mien.errors import ImageError, MienError, SettingsError, SinkError, VideoError
from mien.face import Analysis
from mien.image import ImageLimits, open_photo, write_image
from mien.settings import Settings, load_settings
from mien.video.source.sniff import is_video

if TYPE_CHECKING:
    from mien.video.loop import VideoAnalyzer

SCHEMA = "mien.analysis/1"
SET_HELP = "Any setting, repeatable: profile=document, min_confidence=0.7, expression_classes=fer2013, ..."
EXIT_SOME_FAILED = 1
# What --save makes of a video.
KINDS = (".html", ".mp4", ".jsonl", ".csv", ".vtt")

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def analyze(
    paths: Annotated[list[str], typer.Argument(help="Files, folders, patterns, or - for standard input.")],
    stages: Annotated[str | None, typer.Option(help=f"Any of {','.join(STAGES)}; or detect for none of them.")] = None,
    json_to: Annotated[str | None, typer.Option("--json", metavar="FILE|-", help="JSON Lines, one a photo.")] = None,
    save: Annotated[Path | None, typer.Option(metavar="DIR", help="Write annotated copies here.")] = None,
    crops: Annotated[Path | None, typer.Option(metavar="DIR", help="Write aligned 112 x 112 faces here.")] = None,
    min_face: Annotated[float | None, typer.Option(help="Smallest face width in px that must be found.", min=4)] = None,
    detector: Annotated[str, typer.Option(help="yunet, or blazeface for webcams.")] = "yunet",
    embedder: Annotated[str, typer.Option(help="Name of an embedder's card.")] = "sface",
    fast: Annotated[bool, typer.Option("--fast", help="Half the time, a little less accurate.")] = False,
    threads: Annotated[int | None, typer.Option(help="Photos worked on at once.", min=1)] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=SET_HELP)] = None,
) -> None:
    """Find and describe the faces in photos, folders and videos.

    Of a video, --save writes an annotated copy, a report to open in a browser, events, frames and subtitles, and --json
    its events; `mien watch` has more to choose.

    The expression is the apparent one: what a face shows, not what the person feels.

    Exit code: 0; 1 where some photos or videos could not be read (the others are done all the same); 2 for an error.
    """
    settings = load_settings(**parse_settings(set_ or ()) | {"threads": threads})
    limits = ImageLimits(settings.max_pixels, settings.max_bytes)
    sources = expand(paths, limits, videos=True)
    wanted = stages_allowed(settings) if stages is None else parse_stages(stages)
    policy = DetectPolicy(detector, min_face)
    videos = [one for one in sources if isinstance(one.source, Path) and is_video(one.source)]
    photos = [one for one in sources if one not in videos]
    if videos and crops:
        raise SettingsError("--crops is for photos.", "--save keeps the best pictures of each track in its report.")
    with ExitStack() as stack:
        lines = open_lines(json_to, stack)
        output = Output(lines, None if lines is sys.stdout else stdout_console(), save, crops, limits)
        failed = 0
        if photos:
            analyzer = Analyzer(wanted, settings, policy, embedder=embedder, fast=fast, progress=reporter())
            failed += _run(analyzer, photos, output)
        if videos:
            watcher = video_analyzer(wanted, settings, policy, embedder, fast)
            failed += analyze_videos(watcher, videos, output)
        raise typer.Exit(EXIT_SOME_FAILED if failed else 0)


def parse_stages(text: str) -> list[Stage]:
    """`landmark,quality` as stages; `detect` stands for finding alone. `Analyzer` refuses what it does not know."""
    names = [name.strip() for name in text.split(",") if name.strip() not in ("", "detect")]
    return names  # type: ignore[return-value]


def parse_settings(pairs: Iterable[str]) -> dict[str, str]:
    """`min_confidence=0.7` and the like as names and values, which `load_settings` checks."""
    over = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if name not in Settings.model_fields or not equals:
            known = ", ".join(Settings.model_fields)
            raise SettingsError(f"--set {pair} sets nothing.", f"Give NAME=VALUE, where NAME is one of: {known}.")
        over[name] = value
    return over


@dataclass(frozen=True, slots=True)
class Output:
    """Where results go; `console` is None where standard output holds JSON."""

    lines: TextIO | None
    console: Console | None
    save: Path | None
    crops: Path | None
    limits: ImageLimits

    def result(self, index: int, named: NamedSource, analysis: Analysis) -> None:
        """Write one photo's results, pictures first, so that a line of JSON means that all is there."""
        if self.save or self.crops:
            self._pictures(index, named, analysis)
        if self.lines:
            write_line(self.lines, {"schema": SCHEMA, "source": named.name} | analysis.to_dict())
        if self.console:
            self.console.print(analysis_table(named.name, analysis))
            self.console.print()

    def failure(self, named: NamedSource, error: MienError) -> None:
        """Report one photo that could not be read."""
        warn(f"{named.name}: {error}")
        if self.lines:
            problem = {"code": error.code, "cause": error.cause, "cure": error.cure}
            write_line(self.lines, {"schema": SCHEMA, "source": named.name, "error": problem})

    def _pictures(self, index: int, named: NamedSource, analysis: Analysis) -> None:
        photo = open_photo(named.source, self.limits)
        stem = saved_name(named.name, index)
        if self.save:
            self.save.mkdir(parents=True, exist_ok=True)
            write_image(self.save / f"{stem}.jpg", draw_analysis(photo.pixels().pixels, analysis))
        if self.crops:
            self.crops.mkdir(parents=True, exist_ok=True)
            for number, face in enumerate(analysis.faces):
                write_image(self.crops / f"{stem}-{number + 1}.png", FaceView(photo, face.detection).aligned)


def video_analyzer(
    stages: Iterable[Stage], settings: Settings, detect: DetectPolicy, embedder: str, fast: bool
) -> VideoAnalyzer:
    """What looks at videos. Raises ExtraMissing without the extra `video`."""
    from mien.video.loop import VideoAnalyzer
    from mien.video.policy import VideoPolicy

    policy = VideoPolicy(embedder=embedder, fast=fast, detect=detect)
    return VideoAnalyzer(stages, settings, policy, progress=reporter())


def analyze_videos(analyzer: VideoAnalyzer, sources: list[NamedSource], output: Output) -> int:
    """One after the other; how many could not be read, or written."""
    from mien.cli.video_run import output_options, run_video, summary_table
    from mien.video.sink.lines import EventLines
    from mien.video.sink.open import sinks_for
    from mien.video.source.open import open_source

    failed = 0
    for index, named in enumerate(sources):
        try:
            options = output_options(str(named.source), analyzer, analyzer.analyzer.settings)
            sinks = sinks_for(_files(output.save, index, named) if output.save else (), options)
            if output.lines:
                sinks.append(EventLines(output.lines, models=analyzer.models))
            summary = run_video(analyzer, open_source(str(named.source), limits=output.limits), sinks)
        except (VideoError, SinkError) as error:
            failed += 1
            output.failure(named, error)
            continue
        if output.console:
            output.console.print(summary_table(summary))
            if output.save:
                output.console.print(f"Wrote {_written(output.save, index, named)}.", soft_wrap=True, markup=False)
            output.console.print()
    return failed


def _files(folder: Path, index: int, named: NamedSource) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    return [f"{folder / saved_name(named.name, index)}{suffix}" for suffix in KINDS]


def _written(folder: Path, index: int, named: NamedSource) -> str:
    first, *others = KINDS
    return f"{folder / saved_name(named.name, index)}{first} (for a browser), {', '.join(others)}"


def _run(analyzer: Analyzer, sources: list[NamedSource], output: Output) -> int:
    """How many could not be read."""
    failed = 0
    with Interrupt() as interrupt, counter(len(sources), output.console or Console(stderr=True)) as bar:
        results: Iterable[Analysis | ImageError] = analyzer.analyze_many(
            named.source for named in sources if not interrupt.asked
        )
        for index, (named, result) in enumerate(zip(sources, results, strict=False)):
            if isinstance(result, ImageError):
                failed += 1
                output.failure(named, result)
            else:
                output.result(index, named, result)
            bar.step()
        if interrupt.asked:
            raise KeyboardInterrupt
    if failed:
        warn(f"{failed} of {len(sources)} photos could not be read.")
    return failed
