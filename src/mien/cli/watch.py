"""`mien watch`: a camera, stream, file or folder of pictures as tracks and events, while they happen."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated

import typer

from mien.analyze import STAGES
from mien.cli.analyze import SET_HELP, parse_settings, parse_stages
from mien.cli.gallery.opening import Place, open_gallery
from mien.cli.terminal import stages_allowed, stdout_console, warn
from mien.cli.video_run import event_line, output_options, run_video, summary_table
from mien.cli.weights import reporter
from mien.errors import SettingsError
from mien.image import ImageLimits
from mien.settings import load_settings
from mien.video.frame import Frame
from mien.video.moment import Moment

TO_HELP = "Repeatable: FILE.mp4, .mkv, .jsonl, .csv, .vtt, .html; - (JSON Lines); an address (mqtt, https)."

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def watch(
    source: Annotated[str, typer.Argument(help="camera:0, an address (rtsp, http), a video, a folder of pictures.")],
    to: Annotated[list[str] | None, typer.Option("--to", metavar="TARGET", help=TO_HELP)] = None,
    place: Place = None,
    fpir: Annotated[float, typer.Option(help="Share of strangers who may be called somebody.", min=0, max=1)] = 0.01,
    window: Annotated[bool, typer.Option("--window", help="Show it; closing the window ends it.")] = False,
    stages: Annotated[str | None, typer.Option(help=f"Any of {','.join(STAGES)}; or detect for none of them.")] = None,
    start: Annotated[float, typer.Option("--from", metavar="SECONDS", help="Of a file: begin here.", min=0)] = 0,
    end: Annotated[float | None, typer.Option("--until", metavar="SECONDS", help="End here.", min=0)] = None,
    every: Annotated[float, typer.Option(metavar="SECONDS", help="One frame in so long; 0: all.", min=0)] = 0,
    fast: Annotated[bool, typer.Option("--fast", help="Half the time, a little less accurate.")] = False,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help=SET_HELP)] = None,
) -> None:
    """Follow the faces of a camera, stream or video: who they are, what they show, what their eyes and heads do.

    Events are printed as they happen, and a table of tracks at the end. Identity is asked where --gallery is given.
    Ctrl-C ends a live source in good order. Exit code: 0; 2 for an error, also where a stream is lost for good.
    """
    from mien.cli.window import Screen
    from mien.gallery.asking import Ask
    from mien.gallery.identify import IdentifyPolicy
    from mien.video.loop import VideoAnalyzer
    from mien.video.policy import VideoPolicy
    from mien.video.sink.open import sinks_for
    from mien.video.source.open import SourcePolicy, open_source

    settings = load_settings(**parse_settings(set_ or ()))
    limits = ImageLimits(settings.max_pixels, settings.max_bytes)
    opened = open_source(source, SourcePolicy(start_seconds=start, end_seconds=end, every_seconds=every), limits)
    with ExitStack() as stack:
        stack.enter_context(opened)
        gallery = stack.enter_context(open_gallery(place)) if place is not None else None
        policy = VideoPolicy(fast=fast, ask=Ask(IdentifyPolicy(fpir)))
        wanted = stages_allowed(settings) if stages is None else parse_stages(stages)
        analyzer = VideoAnalyzer(wanted, settings, policy, gallery=gallery, progress=reporter())
        quiet = "-" in (to or ())
        screen = stack.enter_context(Screen(opened.info.name)) if window else None

        def look(frame: Frame, moment: Moment) -> bool:
            if not quiet:
                for event in moment.events:
                    print(event_line(event), flush=True)
            return screen is None or screen.show(frame, moment)

        sinks = sinks_for(to or (), output_options(source, analyzer, settings))
        summary = run_video(analyzer, opened, sinks, look)
    if not summary.frames and start:
        length = opened.info.duration_seconds
        raise SettingsError(
            f"Nothing is shown from {start:g} s on; the video has {length or 0:.1f} s.", "Give an earlier --from."
        )
    if quiet:
        warn(f"{summary.frames} frames, {len(summary.tracks)} tracks, {summary.dropped} dropped")
    else:
        console = stdout_console()
        console.print()
        console.print(summary_table(summary))
