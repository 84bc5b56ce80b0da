"""The pipeline, on one screen: photo, detections, views, one result a stage, faces."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal

from mien.align.view import FaceView
from mien.detect.choice import DETECTORS
from mien.detect.policy import DetectPolicy
from mien.embed.network import NetworkEmbedder
from mien.errors import ImageError, SettingsError
from mien.face import NOT_ASKED, Analysis, Face, FaceMesh, Failed, NotAsked, Quality
from mien.image import ImageLimits, Source, open_photo
from mien.landmark.mesh import MeshLandmarker
from mien.quality.measures import QualityMeter
from mien.settings import Settings, load_settings
from mien.weights.catalog import Catalog

Stage = Literal["landmark", "quality", "embed"]
STAGES: tuple[Stage, ...] = ("landmark", "quality", "embed")


class Analyzer:
    """Holds the networks of the stages asked for; loads them once. Thread-safe, and the same answer from each thread.

    stages: any of landmark, quality (which needs landmark, so brings it along) and embed; finding the faces is always
    done. detector: `yunet`, or `blazeface` for webcams. embedder: the name of a card of the task embed. flip: embed the
    mirror image too, for twice the cost. Raises what loading weights raises (`mien.weights.fetch.ensure`).
    """

    def __init__(
        self,
        stages: Iterable[Stage] = STAGES,
        settings: Settings | None = None,
        policy: DetectPolicy | None = None,
        *,
        detector: str = "yunet",
        embedder: str = "sface",
        flip: bool = True,
    ) -> None:
        self.settings = settings or load_settings()
        asked = _check(stages)
        self._limits = ImageLimits(self.settings.max_pixels, self.settings.max_bytes)
        self._detect = DETECTORS[detector](self.settings, policy or DetectPolicy())
        self._landmark = MeshLandmarker(self.settings) if asked & {"landmark", "quality"} else None
        self._quality = QualityMeter() if "quality" in asked else None
        card = Catalog.load(self.settings).card(embedder)
        self._embed = NetworkEmbedder(card, self.settings, flip) if "embed" in asked else None

    @property
    def embedding_model(self) -> str | None:
        """The `model` of the embeddings that this analyzer makes; None where embed was not asked for."""
        return self._embed.model if self._embed else None

    @property
    def measures_quality(self) -> bool:
        """Whether quality was asked for."""
        return self._quality is not None

    def analyze(self, source: Source) -> Analysis:
        """The faces of one photo, the largest first; no face gives an empty tuple, not an error. Raises an ImageError.

        source: a path, encoded bytes, a binary file object, (H, W, 3) uint8 RGB, or a Photo.
        """
        photo = open_photo(source, self._limits)
        views = [FaceView(photo, detection) for detection in self._detect(photo)]
        meshes = self._landmark(views) if self._landmark else [NOT_ASKED] * len(views)
        embeddings = self._embed(views) if self._embed else [NOT_ASKED] * len(views)
        faces = [
            Face(view.detection, mesh, self._measure(view, mesh), embedding)
            for view, mesh, embedding in zip(views, meshes, embeddings, strict=True)
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

    def _measure(self, view: FaceView, mesh: FaceMesh | Failed | NotAsked) -> Quality | Failed | NotAsked:
        if self._quality is None or isinstance(mesh, NotAsked):
            return NOT_ASKED
        return self._quality(view, mesh)


def _check(stages: Iterable[Stage]) -> set[Stage]:
    asked = set(stages)
    if unknown := asked - set(STAGES):
        raise SettingsError(f"There is no stage {', '.join(sorted(unknown))}.", f"Choose of: {', '.join(STAGES)}.")
    return asked
