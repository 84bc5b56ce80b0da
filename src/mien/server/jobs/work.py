"""What is done for one job, in the process for videos: from its upload to a folder with all results."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from math import inf
from pathlib import Path
from typing import Any, Final, TypeAlias

from mien.errors import MienError
from mien.gallery.asking import embedder_of
from mien.gallery.gallery import Gallery
from mien.image import ImageLimits
from mien.server.errors import Internal
from mien.server.jobs.folders import KINDS
from mien.server.jobs.order import Order, Outcome, trouble_of
from mien.server.jobs.timeline import ResultFile
from mien.server.networks import VideoNetworks
from mien.settings import Settings, load_settings
from mien.video.frame import VideoSource
from mien.video.loop import VideoAnalyzer
from mien.video.moment import Moment, TrackedFace, TrackIdentity, TrackSummary, VideoEvent
from mien.video.policy import VideoPolicy
from mien.video.sink.annotated import AnnotatedVideo
from mien.video.sink.lines import EventLines
from mien.video.sink.report import HtmlReport
from mien.video.sink.sink import Sink
from mien.video.sink.subtitles import Subtitles
from mien.video.sink.table import FrameTable
from mien.video.source.file import FileSource
from mien.video.source.policy import SourcePolicy

LOG: Final = logging.getLogger("mien.server.jobs")
# Until a job is over it is never told to be.
ALMOST: Final = 0.999
Tell: TypeAlias = Callable[[dict[str, Any]], None]


class Work:
    """Keeps networks and gallery from one job to the next, as long as the settings are the same.

    tell: takes a `progress` after each frame, and at the end `done`, an Outcome, or `trouble`.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._settings: Mapping[str, Any] = {}
        self._networks: VideoNetworks | None = None
        self._opened = ExitStack()

    def __call__(self, order: Order) -> None:
        """Tells, too, what goes wrong."""
        try:
            self._tell({"done": asdict(self._done(order))})
        except MienError as error:
            # People see the name that they gave, never where the service keeps it.
            trouble = trouble_of(error)
            for path, name in {order.upload: order.name, order.folder: "the results"}.items():
                trouble = {part: said.replace(path, name) for part, said in trouble.items()}
            self._tell({"trouble": trouble})
        except Exception:
            # One video must not end the others.
            LOG.exception("job %s", order.job)
            fault = MienError(
                "Something went wrong that should not have.",
                f"The service's log says more under the job's id, {order.job}.",
            )
            self._tell({"trouble": trouble_of(fault)})

    def _done(self, order: Order) -> Outcome:
        limits = ImageLimits(order.settings["max_pixels"], order.settings["max_bytes"])
        source = FileSource(Path(order.upload), SourcePolicy(), limits)
        source.info = replace(source.info, name=order.name)
        with source:
            analyzer = self._open(order).analyzer(order.asked, order.tenant)
            return _play(analyzer, source, _sinks(order, analyzer), self._tell)

    def _open(self, order: Order) -> VideoNetworks:
        if self._networks is None or order.settings != self._settings:
            self._opened.close()
            self._networks, self._settings = None, order.settings
            try:
                self._networks = self._load(load_settings(**order.settings))
            except MienError as error:
                # It may say where the gallery lies, which is for whoever reads the log.
                LOG.error("job %s: %s", order.job, error)
                raise Internal(
                    "The service could not make ready for videos.",
                    f"Its log says why, under the job's id, {order.job}.",
                ) from error
        return self._networks

    def _load(self, settings: Settings) -> VideoNetworks:
        gallery = self._opened.enter_context(Gallery(None, settings))
        embedder, fast = embedder_of(gallery.info.model, settings)
        loaded = VideoAnalyzer(settings=settings, policy=VideoPolicy(embedder=embedder, fast=fast))
        return VideoNetworks(settings, gallery, loaded)


def _play(analyzer: VideoAnalyzer, source: VideoSource, sinks: Sequence[Sink], tell: Tell) -> Outcome:
    run, began, named = analyzer.run(source), time.monotonic(), Named()
    with ExitStack() as stack:
        for sink in sinks:
            stack.callback(sink.close)
            sink.start(source.info)
        for frames, (frame, moment) in enumerate(run, 1):
            for sink in sinks:
                sink.take(frame, moment)
            named.add(moment.faces, moment.events)
            tell({"progress": _progress(moment, source.info.duration_seconds, time.monotonic() - began, frames)})
        summary = run.summary
        named.add(summary.tracks, summary.events)
        for sink in sinks:
            sink.finish(summary)
    tracks = Counter(_recognised(summary.tracks))
    return Outcome({one: tracks[one] for one in sorted(named.recognised)}, sorted(named.recognised | named.mentioned))


def _progress(moment: Moment, length: float | None, took: float, frames: int) -> tuple[float, float | None, int]:
    """The values of a Progress."""
    share = min(ALMOST, moment.time_seconds / length) if length else 0.0
    return max(0.0, share), frames / took if took > 0 else None, frames


def _sinks(order: Order, analyzer: VideoAnalyzer) -> list[Sink]:
    at = {kind: Path(order.folder) / name for kind, name in KINDS.items()}
    sinks: list[Sink] = [
        ResultFile(at["result"]),
        HtmlReport(at["report"], refresh_seconds=inf),
        EventLines(at["events"], models=analyzer.models),
        FrameTable(at["table"]),
        Subtitles(at["subtitles"]),
    ]
    return [*sinks, AnnotatedVideo(at["annotated"], Path(order.upload))] if order.asked.annotate else sinks


def _recognised(tracks: Iterable[TrackSummary]) -> Iterator[str]:
    """Who each track is said to show; not whom it only may show."""
    for track in tracks:
        who = track.identity
        if isinstance(who, TrackIdentity) and who.answer == "person" and who.person_id:
            yield who.person_id


class Named:
    """People whom results name: recognised at one moment at least, or mentioned by a reason."""

    def __init__(self) -> None:
        self.recognised: set[str] = set()
        self.mentioned: set[str] = set()

    def add(self, shown: Iterable[TrackedFace | TrackSummary], events: Iterable[VideoEvent]) -> None:
        """Faces or tracks, and events, which name people in their own detail or in what they say of a track."""
        for one in shown:
            if isinstance(one.identity, TrackIdentity):
                self._add(one.identity.person_id, one.identity.mentions)
        for event in events:
            inner = event.detail.get("identity")
            for detail in (event.detail, inner if isinstance(inner, Mapping) else {}):
                self._add(detail.get("person_id"), detail.get("mentions", ()))

    def _add(self, person_id: str | None, mentions: Iterable[str]) -> None:
        self.mentioned.update(mentions)
        if person_id:
            self.recognised.add(person_id)
