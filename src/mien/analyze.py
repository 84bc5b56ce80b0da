"""The pipeline, on one screen: photo, detections, views, one result a stage, faces."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, replace
from typing import Literal

from mien.align.view import FaceView
from mien.detect.choice import DETECTOR_CARDS, DETECTORS, Detector
from mien.detect.policy import DetectPolicy
from mien.embed.network import NetworkEmbedder
from mien.errors import ImageError, SettingsError
from mien.expression.frame import FrameExpression
from mien.expression.policy import ExpressionPolicy
from mien.face import NOT_ASKED, Analysis, Face, FaceMesh, Failed, NotAsked, Quality
from mien.image import ImageLimits, Source, open_photo
from mien.landmark.mesh import LANDMARK_CARDS, MeshLandmarker
from mien.quality.measures import QualityMeter
from mien.quality.profiles import PROFILES
from mien.settings import Settings, load_settings
from mien.weights.card import Card
from mien.weights.catalog import Catalog, allowed
from mien.weights.fetch import ensure_all
from mien.weights.progress import Progress

Stage = Literal["landmark", "quality", "embed", "expression"]
STAGES: tuple[Stage, ...] = ("landmark", "quality", "embed", "expression")


def default_stages(settings: Settings) -> tuple[Stage, ...]:
    """All stages; without `expression` where the settings' policy refuses the weights of its model.

    Raises WeightsUnknown where the setting `expression_model` names no card.
    """
    card = Catalog.load(settings).card(settings.expression_model)
    return STAGES if allowed(card, settings.policy) else tuple(stage for stage in STAGES if stage != "expression")


@dataclass(frozen=True, slots=True)
class Networks:
    """What runs a stage each; None where the stage was not asked for."""

    detect: Detector
    landmark: MeshLandmarker | None
    quality: QualityMeter | None
    embed: NetworkEmbedder | None
    express: FrameExpression | None

    def measure(self, view: FaceView, mesh: FaceMesh | Failed | NotAsked) -> Quality | Failed | NotAsked:
        """The quality of one face, whose mesh is needed for it."""
        if self.quality is None or isinstance(mesh, NotAsked):
            return NOT_ASKED
        return self.quality(view, mesh)


class Analyzer:
    """Holds the networks of the stages asked for; loads them once. Thread-safe, and the same answer from each thread.

    stages: any of landmark, quality (which needs landmark, so brings it along), embed and expression (the apparent
    one: what a face shows, not what the person feels), None for `default_stages`; finding the faces is always done.
    embedder: the name of a card of the task embed. fast: about half the time for a little accuracy (no second look at
    sure faces, no mirror image, 8-bit integers where the card allows). progress: told of downloads.
    Raises what fetching weights raises (`mien.weights.fetch.ensure`), and SettingsError for a stage, a detector or a
    vocabulary of expressions that there is not.
    """

    def __init__(
        self,
        stages: Iterable[Stage] | None = None,
        settings: Settings | None = None,
        policy: DetectPolicy | None = None,
        *,
        embedder: str = "sface",
        fast: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self.settings = settings or load_settings()
        policy = policy or DetectPolicy()
        policy = replace(policy, thorough=policy.thorough and not fast)
        asked = _check(default_stages(self.settings) if stages is None else stages, policy)
        self._limits = ImageLimits(self.settings.max_pixels, self.settings.max_bytes)
        cards = _named(asked, embedder, self.settings.expression_model, Catalog.load(self.settings))
        ensure_all([*_fixed(asked, policy), *cards.values()], self.settings, progress)
        # Loading is work of the engine's, outside of Python's lock: side by side it takes half the time.
        with ThreadPoolExecutor(4, "mien-load") as pool:
            detect = pool.submit(DETECTORS[policy.detector], self.settings, policy)
            landmark = pool.submit(MeshLandmarker, self.settings) if asked & {"landmark", "quality"} else None
            embed = pool.submit(NetworkEmbedder, cards["embed"], self.settings, fast) if "embed" in cards else None
            naming = ExpressionPolicy.of(self.settings)
            express = (
                pool.submit(FrameExpression, cards["expression"], self.settings, naming, fast)
                if "expression" in cards
                else None
            )
        self.networks = Networks(
            detect.result(),
            landmark.result() if landmark else None,
            QualityMeter(PROFILES[self.settings.profile]) if "quality" in asked else None,
            embed.result() if embed else None,
            express.result() if express else None,
        )

    def narrowed(self, stages: Iterable[Stage]) -> Analyzer:
        """The same networks, of which only `stages` are used, quality with landmark; loads nothing."""
        asked, run = set(stages), self.networks
        narrow = copy(self)
        narrow.networks = Networks(
            run.detect,
            run.landmark if asked & {"landmark", "quality"} else None,
            run.quality if "quality" in asked else None,
            run.embed if "embed" in asked else None,
            run.express if "expression" in asked else None,
        )
        return narrow

    def finding_faces_as(self, other: Analyzer) -> Analyzer:
        """The same networks, with the other's detector; loads nothing."""
        changed = copy(self)
        changed.networks = replace(self.networks, detect=other.networks.detect)
        return changed

    @property
    def embedding_model(self) -> str | None:
        """The `model` of the embeddings that this analyzer makes; None where embed was not asked for."""
        return self.networks.embed.model if self.networks.embed else None

    @property
    def measures_quality(self) -> bool:
        """Whether quality was asked for."""
        return self.networks.quality is not None

    def analyze(self, source: Source) -> Analysis:
        """The faces of one photo, the largest first; no face gives an empty tuple, not an error. Raises an ImageError.

        source: a path, encoded bytes, a binary file object, (H, W, 3) uint8 RGB, or a Photo.
        """
        photo = open_photo(source, self._limits)
        run = self.networks
        views = [FaceView(photo, detection) for detection in run.detect(photo)]
        meshes = run.landmark(views) if run.landmark else [NOT_ASKED] * len(views)
        embeddings = run.embed(views) if run.embed else [NOT_ASKED] * len(views)
        expressions = run.express(views) if run.express else [NOT_ASKED] * len(views)
        faces = [
            Face(view.detection, mesh, run.measure(view, mesh), embedding, expression)
            for view, mesh, embedding, expression in zip(views, meshes, embeddings, expressions, strict=True)
        ]
        return Analysis(photo.width, photo.height, tuple(faces))

    def analyze_many(self, sources: Iterable[Source]) -> Iterator[Analysis | ImageError]:
        """As `analyze` for each source, in their order, on `settings.threads` threads.

        A source that cannot be read gives its error in its place. `sources` is read only a little ahead.
        """
        with ThreadPoolExecutor(self.settings.threads, "mien-analyze") as pool:
            waiting: deque[Future[Analysis | ImageError]] = deque()
            for source in sources:
                waiting.append(pool.submit(self._analyze_or_error, source))
                if len(waiting) > 2 * self.settings.threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _analyze_or_error(self, source: Source) -> Analysis | ImageError:
        try:
            return self.analyze(source)
        except ImageError as error:
            return error


def _fixed(asked: set[Stage], policy: DetectPolicy) -> tuple[str, ...]:
    """Names of the weights that leave no choice."""
    return (*DETECTOR_CARDS[policy.detector], *(LANDMARK_CARDS if asked & {"landmark", "quality"} else ()))


def _named(asked: set[Stage], embedder: str, expression: str, catalog: Catalog) -> dict[Stage, Card]:
    """The cards that the caller named, of the stages asked for."""
    names: dict[Stage, str] = {"embed": embedder, "expression": expression}
    return {stage: catalog.card(name) for stage, name in names.items() if stage in asked}


def _check(stages: Iterable[Stage], policy: DetectPolicy) -> set[Stage]:
    asked = set(stages)
    if unknown := asked - set(STAGES):
        raise SettingsError(f"There is no stage {', '.join(sorted(unknown))}.", f"Choose of: {', '.join(STAGES)}.")
    if policy.detector not in DETECTORS:
        raise SettingsError(f"There is no detector {policy.detector!r}.", f"Choose of: {', '.join(DETECTORS)}.")
    return asked
