"""One set of networks for all videos, cameras and live sessions of a process: those of its photos."""

from __future__ import annotations

from threading import Lock

from mien.analyze import Stage, default_stages
from mien.gallery.asking import Ask
from mien.gallery.errors import PersonUnknown
from mien.gallery.gallery import Gallery
from mien.gallery.identify import IdentifyPolicy
from mien.gallery.search.labels import Filter
from mien.server.errors import Invalid
from mien.server.state.jobs import Asked
from mien.settings import Settings
from mien.video.loop import VideoAnalyzer


class VideoNetworks:
    """The gallery's analyzer must have all stages. What videos need besides is loaded when first used. Thread-safe."""

    def __init__(self, settings: Settings, gallery: Gallery, loaded: VideoAnalyzer | None = None) -> None:
        """loaded: all stages, with the gallery's embedder; the gallery then needs no analyzer."""
        self._settings, self._gallery = settings, gallery
        self._lock = Lock()
        self._loaded = loaded

    def check(self, stages: tuple[Stage, ...] | None, identify: bool) -> None:
        """Raises Invalid for stages that the service has not, and for people to be recognised without the stage embed.

        Loads nothing.
        """
        there = default_stages(self._settings)
        if stages is not None and (missing := set(stages) - set(there)):
            raise Invalid(f"There is no stage {', '.join(sorted(missing))} here.", f"Choose of: {', '.join(there)}.")
        if identify and stages is not None and "embed" not in stages:
            raise Invalid("Nobody is recognised without the stage embed.", "Ask for it too, or leave stages out.")

    def on_record(self, person_id: str) -> bool:
        """Whether the gallery has this person, of whatever tenant."""
        try:
            self._gallery.records.person(person_id)
        except PersonUnknown:
            return False
        return True

    def analyzer(self, asked: Asked, tenant: str) -> VideoAnalyzer:
        """For what was asked, with the people of one tenant. Raises CalibrationError for a rate out of reach."""
        stages = default_stages(self._settings) if asked.stages is None else asked.stages
        ask = Ask(IdentifyPolicy(asked.fpir), keep=Filter(tenant))
        return self._base().narrowed(stages, self._gallery if asked.identify else None, ask)

    def _base(self) -> VideoAnalyzer:
        with self._lock:
            if self._loaded is None:
                # Without the gallery, which whoever recognises nobody need not be able to ask.
                self._loaded = VideoAnalyzer(analyzer=self._gallery.analyzer)
            return self._loaded
