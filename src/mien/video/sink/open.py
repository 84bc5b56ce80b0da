"""From what a user writes behind `--out` to sinks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from mien.errors import SinkError
from mien.video.sink.annotated import AnnotatedVideo
from mien.video.sink.encoder import CONTAINERS
from mien.video.sink.lines import EventLines
from mien.video.sink.mqtt import Mqtt
from mien.video.sink.report import HtmlReport
from mien.video.sink.sink import Sink
from mien.video.sink.subtitles import Subtitles
from mien.video.sink.table import FrameTable
from mien.video.sink.webhook import Webhook

TOPIC = "mien"


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """What sinks need to know beyond their names.

    source: the source's file, whose sound goes along and which is never overwritten; None for streams and cameras.
    frames: a JSON line for each frame, too. secret: signs what goes to webhooks. models: by stage, for the first line.
    """

    source: Path | None = None
    frames: bool = False
    secret: str | None = None
    models: Mapping[str, str] | None = None


_FILES: Mapping[str, Callable[[Path, OutputOptions], Sink]] = {
    **dict.fromkeys(CONTAINERS, lambda path, options: AnnotatedVideo(path, options.source)),
    **dict.fromkeys(
        (".jsonl", ".ndjson"), lambda path, options: EventLines(path, frames=options.frames, models=options.models)
    ),
    ".csv": lambda path, _: FrameTable(path),
    ".vtt": lambda path, _: Subtitles(path),
    **dict.fromkeys((".html", ".htm"), lambda path, _: HtmlReport(path)),
}


def sinks_for(outputs: Sequence[str], options: OutputOptions | None = None) -> list[Sink]:
    """A sink for each output, in order; nothing is written or sent before their `start`.

    An output is a file whose ending says what it gets, `-` for JSON Lines on standard output, `mqtt[s]://...` with the
    topic as its path, or `http[s]://...`. Raises SinkError for anything else, for the same output twice, and for the
    source itself.
    """
    options = options or OutputOptions()
    seen: set[str] = set()
    for output in outputs:
        key = output if output == "-" or "://" in output else str(Path(output).resolve())
        if key in seen:
            raise SinkError(f"{_shown(output)} is named twice.", "Name each output once.")
        seen.add(key)
    return [_sink(output, options) for output in outputs]


def _sink(output: str, options: OutputOptions) -> Sink:
    if output == "-":
        return EventLines("-", frames=options.frames, models=options.models)
    scheme = output.partition("://")[0].lower() if "://" in output else ""
    if scheme in ("mqtt", "mqtts"):
        return Mqtt(output, _topic(output))
    if scheme in ("http", "https"):
        return Webhook(output, options.secret)
    path = Path(output)
    make = _FILES.get(path.suffix.lower())
    if scheme or make is None:
        raise SinkError(
            f"{_shown(output)} says nothing that mien can write.",
            f"End a file in one of {', '.join(_FILES)}, or give -, mqtt://HOST/TOPIC or https://hook.example/path.",
        )
    if options.source is not None and _same(path, options.source):
        raise SinkError(f"{output} is the source itself.", "Name another file.")
    return make(path, options)


def _topic(output: str) -> str:
    try:
        return urlsplit(output).path.strip("/") or TOPIC
    except ValueError:
        return TOPIC  # the sink says what is wrong with the address


def _same(path: Path, source: Path) -> bool:
    if path.exists() and source.exists():
        return path.samefile(source)
    return path.resolve() == source.resolve()


def _shown(output: str) -> str:
    """Without what may be a password."""
    return f"{output.partition('://')[0]}://..." if "://" in output else output
