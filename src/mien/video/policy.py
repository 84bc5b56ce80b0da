"""How a video is worked on."""

from __future__ import annotations

from dataclasses import dataclass, field

from mien.attention.policy import AttentionPolicy
from mien.detect.policy import DetectPolicy
from mien.gallery.asking import Ask
from mien.track.policy import TrackPolicy


@dataclass(frozen=True, slots=True)
class VideoPolicy:
    """How often what is done; the time is the video's own.

    search_seconds: so often the whole picture is searched, small faces too; between, at the scale of the faces that are
    followed. expression_seconds: the shortest time between two looks of the expression network at one face.
    shot_seconds: between two shots of a face, from which it is recognised; the first ones follow faster. shots: how
    many pictures of each track are kept. kept_tracks: of so many ended tracks they are kept, the latest ones.
    budget_seconds: for a live source, the delay from the frame to its moment beyond which looks at faces become rarer.
    workers: faces worked on at once. embedder: its card; with a gallery its own is used, in its own mode. ask: how a
    gallery is asked. fast: as of `Analyzer`.
    """

    search_seconds: float = 0.5
    expression_seconds: float = 0.08
    shot_seconds: float = 2.0
    shots: int = 4
    kept_tracks: int = 200
    budget_seconds: float = 0.3
    workers: int = 2
    embedder: str = "sface"
    fast: bool = False
    ask: Ask = field(default_factory=Ask)
    detect: DetectPolicy = field(default_factory=DetectPolicy)
    track: TrackPolicy = field(default_factory=TrackPolicy)
    attention: AttentionPolicy = field(default_factory=AttentionPolicy)
