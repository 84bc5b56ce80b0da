"""The loop of every video, live or from a file: frames in, moments out, each step ahead of the next.

One thread decodes, one finds and tracks faces, a few look at faces, and whoever iterates puts together what they say.
All wait for each other at short queues, so that memory does not depend on the length of the video.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from copy import copy
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from mien.ahead import ahead
from mien.analyze import Analyzer, Stage
from mien.decide.calibration import Calibration
from mien.errors import SettingsError
from mien.expression.policy import ExpressionPolicy
from mien.expression.sequence import SequenceExpression
from mien.gallery.asking import Ask, embedder_of
from mien.gallery.gallery import Gallery
from mien.image import ImageLimits
from mien.settings import Settings, load_settings
from mien.track.policy import TrackPolicy
from mien.track.tracker import Seen
from mien.video.face_work import FaceResult, FaceWork
from mien.video.follow import Follower, Found
from mien.video.frame import Frame, VideoSource
from mien.video.identity import IdentityJudge
from mien.video.moment import Moment, VideoEvent, VideoSummary
from mien.video.pace import Pace
from mien.video.policy import VideoPolicy
from mien.video.track_log import Judges
from mien.video.track_logs import TrackLogs
from mien.weights.catalog import Catalog, allowed
from mien.weights.progress import Progress

# Frames of a file whose faces are being looked at, at once; of a live source it is one, for the sake of the delay.
IN_FLIGHT: Final = 4
SEQUENCE_CARD: Final = "sequence"
# At which two looks are one face: where motion agrees, and where it says nothing (docs/track.md).
NEAR_FMR, FAR_FMR = 1e-2, 1e-4


class VideoAnalyzer:
    """Holds the networks, for any number of runs, also at once.

    stages: as of `Analyzer`; landmark brings attention along, expression the sequence model. gallery: who may be
    recognised, which needs the stage embed. progress: told of downloads. analyzer: one that is loaded already, whose
    networks are used, but for the detector; its stages, settings and embedder are as they are. Raises what `Analyzer`
    raises, ExtraMissing without scipy, and CalibrationError for a rate that the gallery cannot support.
    """

    def __init__(
        self,
        stages: Iterable[Stage] | None = None,
        settings: Settings | None = None,
        policy: VideoPolicy | None = None,
        *,
        gallery: Gallery | None = None,
        progress: Progress | None = None,
        analyzer: Analyzer | None = None,
    ) -> None:
        self.policy, self.gallery = policy or VideoPolicy(), gallery
        settings = analyzer.settings if analyzer else settings or load_settings()
        embedder, fast = self.policy.embedder, self.policy.fast
        if gallery is not None:
            embedder, fast = embedder_of(gallery.info.model, settings)
        # There are many frames: none needs the detector's second look at sure faces.
        detect = replace(self.policy.detect, thorough=False)
        settings = settings.model_copy(update={"threads": max(settings.threads, self.policy.workers + 1)})
        if analyzer is None:
            self.analyzer = Analyzer(stages, settings, detect, embedder=embedder, fast=fast, progress=progress)
        else:
            self.analyzer = analyzer.finding_faces_as(Analyzer((), settings, detect, progress=progress))
        self.sequence = _sequence(self.analyzer)
        self.policy = replace(self.policy, track=_scores_of(self.policy.track, self.analyzer))
        self._check_gallery()

    def narrowed(self, stages: Iterable[Stage], gallery: Gallery | None, ask: Ask | None = None) -> VideoAnalyzer:
        """The same networks, of which only `stages` are used; loads nothing.

        stages: of those that it has. gallery: of the same embedder, None to recognise nobody. ask: None as the policy
        has it. Raises what the constructor raises for a gallery.
        """
        narrow = copy(self)
        narrow.analyzer = self.analyzer.narrowed(stages)
        narrow.sequence = self.sequence if narrow.analyzer.networks.express else None
        narrow.gallery, narrow.policy = gallery, replace(self.policy, ask=ask or self.policy.ask)
        narrow._check_gallery()
        return narrow

    def _check_gallery(self) -> None:
        """A rate that the gallery cannot support is refused now, and not at the first face."""
        if self.gallery is None:
            return
        if self.analyzer.embedding_model is None:
            raise SettingsError("Nobody is recognised without the stage embed.", "Ask for it, or give no gallery.")
        self.gallery.identify_vectors(np.eye(1, self.gallery.info.dim, dtype=np.float32), self.policy.ask)

    @property
    def models(self) -> dict[str, str]:
        """By stage, the ids of what computes."""
        run = self.analyzer.networks
        found = {
            "embed": run.embed.model if run.embed else None,
            "expression": run.express.model if run.express else None,
            "sequence": self.sequence.model if self.sequence else None,
        }
        return {stage: model for stage, model in found.items() if model}

    def run(self, source: VideoSource) -> Run:
        """Work on a source that was entered; nothing happens before the first moment is asked for."""
        return Run(self, source)


@dataclass(frozen=True, slots=True, eq=False)
class _Pending:
    """A frame whose faces are being looked at."""

    found: Found
    work: tuple[tuple[Seen, Future[FaceResult]], ...]
    since: float


class Run:
    """One pass over a source: iterate it once for frames and moments, then ask for the `summary`."""

    def __init__(self, owner: VideoAnalyzer, source: VideoSource) -> None:
        self._source, self._policy, self._models = source, owner.policy, owner.models
        networks, settings = owner.analyzer.networks, owner.analyzer.settings
        self._follower = Follower(networks, owner.policy, ImageLimits(settings.max_pixels, settings.max_bytes))
        self._look_at = FaceWork(networks, owner.sequence is not None)
        gallery = owner.gallery if networks.embed else None
        judge = IdentityJudge(gallery, owner.policy.ask) if gallery is not None else None
        self._tracks = TrackLogs(Judges(owner.sequence, judge, owner.policy, networks.landmark is not None))
        self._pace = Pace(owner.policy.budget_seconds) if source.info.live else None
        self._frames = self._dropped = 0
        self._seconds = 0.0
        self._size = source.info.width, source.info.height

    def __iter__(self) -> Iterator[tuple[Frame, Moment]]:
        """Frames and what is known at them, in order. Raises a VideoError where the source is lost."""
        depth = 0 if self._pace else IN_FLIGHT
        pending: deque[_Pending] = deque()
        with (
            closing(ahead(self._found(), 1 if self._pace else 2)) as frames,
            ThreadPoolExecutor(self._policy.workers, "mien-face") as workers,
        ):
            for found in frames:
                pending.append(self._begin(found, workers))
                if len(pending) > depth:
                    yield self._settled(pending.popleft())
            while pending:
                yield self._settled(pending.popleft())

    @property
    def summary(self) -> VideoSummary:
        """What the run comes to so far; every track counts as ended."""
        return VideoSummary(
            self._source.info,
            self._frames,
            self._dropped,
            self._seconds,
            self._tracks.summaries(),
            self._models,
            *self._size,
            self._tracks.open_ends(),
            self._pace.delay_seconds if self._pace else None,
            self._source.unreadable,
            self._tracks.left_out,
        )

    def _found(self) -> Generator[Found, None, None]:
        """Runs in a thread of its own, and reads frames from another one."""
        with closing(ahead(iter(self._source), 1 if self._pace else 2)) as frames:
            for frame in frames:
                yield self._follower(frame)

    def _begin(self, found: Found, workers: ThreadPoolExecutor) -> _Pending:
        """Set the stages that are due to work on the frame's faces."""
        work = []
        for seen in found.update.seen:
            due = self._tracks.due(seen, found.frame.time_seconds, self._pace.stretch if self._pace else 1.0)
            known = found.embeddings.get(seen.index) if seen.index is not None else None
            work.append((seen, workers.submit(self._look_at, found.photo, seen, due, known)))
        return _Pending(found, tuple(work), time.monotonic())

    def _settled(self, pending: _Pending) -> tuple[Frame, Moment]:
        """Wait for the frame's faces, and let each track take in its own."""
        frame, update = pending.found.frame, pending.found.update
        events = self._tracks.change(update, frame.time_seconds)
        if frame.gap_seconds:
            gap = {"duration_seconds": frame.gap_seconds}
            events.insert(0, VideoEvent("gap", frame.time_seconds - frame.gap_seconds, None, gap))
        faces = []
        for seen, result in pending.work:
            face, happened = self._tracks.log(seen.track).update(frame.time_seconds, seen, result.result())
            faces.append(face)
            events += happened
        self._count(pending)
        height, width = frame.pixels.shape[:2]
        moment = Moment(
            frame.index,
            frame.time_seconds,
            width,
            height,
            tuple(faces),
            tuple(events),
            frame.gap_seconds,
            frame.dropped,
        )
        return frame, moment

    def _count(self, pending: _Pending) -> None:
        frame = pending.found.frame
        self._frames += 1
        self._dropped += frame.dropped
        self._seconds = frame.time_seconds
        self._size = frame.pixels.shape[1], frame.pixels.shape[0]
        if self._pace:
            self._pace.took(time.monotonic() - pending.since)


def _scores_of(policy: TrackPolicy, analyzer: Analyzer) -> TrackPolicy:
    """The policy's scores are SFace's; another embedder's come from its own calibration, where it has one."""
    model = analyzer.embedding_model
    if model is None or model.startswith("sface@"):
        return policy
    calibration = Calibration.for_model(model, analyzer.settings)
    if calibration is None:
        return policy
    return replace(policy, near_score=calibration.threshold(NEAR_FMR), far_score=calibration.threshold(FAR_FMR))


def _sequence(analyzer: Analyzer) -> SequenceExpression | None:
    """The sequence model, where there is one for the frame model's features and the policy allows it."""
    express, settings = analyzer.networks.express, analyzer.settings
    card = Catalog.load(settings).by_name.get(SEQUENCE_CARD)
    if express is None or card is None or card.sequence is None or not allowed(card, settings.policy):
        return None
    if (card.sequence.frame_model, card.sequence.moment.vocabulary) != (express.card.id, express.policy.classes):
        return None
    return SequenceExpression(card, settings, ExpressionPolicy.of(settings))
