"""One try at one job: from its upload to a folder with all results."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from math import inf
from pathlib import Path
from threading import Event, Thread
from typing import Final

from mien.errors import MienError
from mien.image import ImageLimits
from mien.server.jobs.folders import KINDS
from mien.server.jobs.timeline import ResultFile
from mien.server.networks import VideoNetworks
from mien.server.state.jobs import Job, Progress
from mien.settings import Settings
from mien.video.frame import VideoSource
from mien.video.loop import VideoAnalyzer
from mien.video.moment import Moment, TrackedFace, TrackIdentity, TrackSummary, VideoEvent, VideoSummary
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


class Attempt:
    """Works in a thread of its own from `start` on. Afterwards: a summary, trouble, or neither where it was stopped."""

    def __init__(self, job: Job, upload: Path, folder: Path, networks: VideoNetworks, settings: Settings) -> None:
        """folder: empty, for the results."""
        self._job, self._upload, self._folder = job, upload, folder
        self._networks, self._settings = networks, settings
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="mien-job", daemon=True)
        self.progress = Progress()
        self.summary: VideoSummary | None = None
        self.trouble: dict[str, str] | None = None
        self.people: set[str] = set()
        """Ids of everybody whom the results name."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ends after the frame that is worked on; returns at once."""
        self._stopped.set()

    def wait(self, seconds: float) -> bool:
        """Whether it is over, after so long at most."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._work()
        except MienError as error:
            # People see the name that they gave, never where the service keeps it.
            hidden = {str(self._upload): self._job.name, str(self._folder): "the results"}
            self.trouble = {"code": error.code, "cause": error.cause, "cure": error.cure}
            for path, name in hidden.items():
                self.trouble = {part: said.replace(path, name) for part, said in self.trouble.items()}
        except Exception:
            # One video must not end the others.
            LOG.exception("job %s", self._job.id)
            self.trouble = {
                "code": "error",
                "cause": "Something went wrong that should not have.",
                "cure": f"The service's log says more under the job's id, {self._job.id}.",
            }

    def _work(self) -> None:
        limits = ImageLimits(self._settings.max_pixels, self._settings.max_bytes)
        source = FileSource(self._upload, SourcePolicy(), limits)
        source.info = replace(source.info, name=self._job.name)
        with source:
            analyzer = self._networks.analyzer(self._job.asked, self._job.tenant)
            self.summary = self._play(analyzer, source, self._sinks(analyzer))

    def _play(self, analyzer: VideoAnalyzer, source: VideoSource, sinks: Sequence[Sink]) -> VideoSummary | None:
        """None where it was stopped."""
        run, began = analyzer.run(source), time.monotonic()
        with ExitStack() as stack:
            for sink in sinks:
                stack.callback(sink.close)
                sink.start(source.info)
            for frame, moment in run:
                for sink in sinks:
                    sink.take(frame, moment)
                self.people.update(_named(moment.faces), _told(moment.events))
                self._tell(moment, source.info.duration_seconds, time.monotonic() - began)
                if self._stopped.is_set():
                    source.__exit__(None, None, None)
                    return None
            summary = run.summary
            self.people.update(_named(summary.tracks), _told(summary.events))
            for sink in sinks:
                sink.finish(summary)
        return summary

    def _tell(self, moment: Moment, length: float | None, took: float) -> None:
        frames = self.progress.frames + 1
        share = min(ALMOST, moment.time_seconds / length) if length else 0.0
        self.progress = Progress(max(0.0, share), frames / took if took > 0 else None, frames)

    def _sinks(self, analyzer: VideoAnalyzer) -> list[Sink]:
        at = {kind: self._folder / name for kind, name in KINDS.items()}
        sinks: list[Sink] = [
            ResultFile(at["result"]),
            HtmlReport(at["report"], refresh_seconds=inf),
            EventLines(at["events"], models=analyzer.models),
            FrameTable(at["table"]),
            Subtitles(at["subtitles"]),
        ]
        return [*sinks, AnnotatedVideo(at["annotated"], self._upload)] if self._job.asked.annotate else sinks


def _named(shown: Iterable[TrackedFace | TrackSummary]) -> Iterator[str]:
    """People by whose name faces or tracks go."""
    for one in shown:
        if isinstance(one.identity, TrackIdentity) and one.identity.person_id:
            yield one.identity.person_id


def _told(events: Iterable[VideoEvent]) -> Iterator[str]:
    """People whom events name, either in their own detail or in what they say of a track."""
    for event in events:
        inner = event.detail.get("identity")
        for detail in (event.detail, inner if isinstance(inner, Mapping) else {}):
            if person_id := detail.get("person_id"):
                yield str(person_id)
