"""The second half of the loop: what the stages say of one face in one frame; no memory, so faces go side by side."""

from __future__ import annotations

from dataclasses import dataclass

from mien.align.view import FaceView
from mien.analyze import Networks
from mien.face import NOT_ASKED, Embedding, Expression, Face, Failed, Floats, NotAsked, Pixels, Quality
from mien.image import Photo
from mien.track.tracker import Seen

SHOT_MARGIN = 1.5
SHOT_PX = 128


@dataclass(frozen=True, slots=True)
class Work:
    """What is due: landmark in every frame that can be afforded, expression and shot at their own rates."""

    landmark: bool
    expression: bool
    shot: bool


@dataclass(frozen=True, slots=True, eq=False)
class FaceResult:
    """What came of it.

    features: (D,) of the expression network. picture: (128, 128, 3) uint8 RGB, where a shot was due.
    """

    face: Face
    features: Floats | None = None
    picture: Pixels | None = None


@dataclass(frozen=True, slots=True)
class FaceWork:
    """Runs the stages. `sequence`: features are wanted with an expression."""

    networks: Networks
    sequence: bool

    def __call__(self, photo: Photo, seen: Seen, work: Work, known: Embedding | None) -> FaceResult:
        """known: the embedding of this very face, where one was made to tell it apart."""
        if seen.predicted:
            return FaceResult(Face(seen.detection))
        view, run = FaceView(photo, seen.detection), self.networks
        mesh = run.landmark([view])[0] if run.landmark and (work.landmark or work.shot) else NOT_ASKED
        quality: Quality | NotAsked | Failed = run.measure(view, mesh) if work.shot else NOT_ASKED
        embedding: Embedding | NotAsked | Failed = NOT_ASKED
        if work.shot and run.embed:
            embedding = known or run.embed([view])[0]
        expression, features = self._express(view) if work.expression else (NOT_ASKED, None)
        picture = view.context(SHOT_MARGIN, SHOT_PX) if work.shot else None
        return FaceResult(Face(seen.detection, mesh, quality, embedding, expression), features, picture)

    def _express(self, view: FaceView) -> tuple[Expression | NotAsked | Failed, Floats | None]:
        express = self.networks.express
        if express is None:
            return NOT_ASKED, None
        if not self.sequence:
            return express([view])[0], None
        found = express.observe(view)
        return (found, None) if isinstance(found, Failed) else found
