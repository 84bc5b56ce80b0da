"""`Redactor`: photos and videos in, the same with covered faces out."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Final

from mien.errors import SettingsError
from mien.face import Pixels
from mien.gallery.gallery import Gallery
from mien.image import ImageLimits, Source, open_photo, write_image
from mien.redact.bearing import Bearings
from mien.redact.cover import Covers
from mien.redact.files import check_target, refused, whole
from mien.redact.keep import LEAST_SHOTS, Keeper
from mien.redact.link import Linker
from mien.redact.plan import plan_of
from mien.redact.policy import RedactPolicy, check
from mien.redact.render import PAINTERS, Render
from mien.redact.report import NO_FACE, Counts, Redaction, counted, judge
from mien.redact.scan import Advance, Scanner
from mien.redact.search import CoverSearch
from mien.settings import Settings, load_settings
from mien.video.sink.encoder import VideoWriter
from mien.video.source.open import is_video, open_source
from mien.weights.fetch import ensure_all
from mien.weights.progress import Progress

# Of a JPEG or WebP, 1..100, and x264's constant rate factor.
PHOTO_QUALITY: Final = 95
VIDEO_CRF: Final = 18


class Redactor:
    """Covers faces, and fails closed: whatever may be a face is covered, unless the gallery is sure whose it is.

    gallery: needed where the policy names people; it stays open. Files may be redacted one after the other, by one
    thread; `settings.threads` frames are searched at once. Raises SettingsError, PersonUnknown, GalleryModel, and what
    fetching weights raises.
    """

    def __init__(
        self,
        policy: RedactPolicy | None = None,
        settings: Settings | None = None,
        *,
        gallery: Gallery | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.policy, self.settings = check(policy or RedactPolicy()), settings or load_settings()
        named, drawn = bool(self.policy.keep or self.policy.only), self.policy.how == "avatar"
        if named and gallery is None:
            raise SettingsError("Only a gallery knows who is to be kept or covered.", "Give the gallery.")
        ensure_all(["yunet", *(("facemesh", "iris") if drawn else ())], self.settings, progress)
        self._gallery = gallery if named else None
        self._limits = ImageLimits(self.settings.max_pixels, self.settings.max_bytes)
        self._bearings = Bearings(self.settings, drawn)
        self._still = CoverSearch(self.settings, self.policy, still=True)
        self._moving = CoverSearch(self.settings, self.policy, still=False)
        self._keeper(LEAST_SHOTS)  # whoever is not in the gallery is told now, not after the first video

    def redact(
        self, source: str | os.PathLike[str], out: str | os.PathLike[str], advance: Advance | None = None
    ) -> Redaction:
        """Redact a photo or a video into another file, which appears when it is whole; an older one is replaced.

        advance: told how far it is, 0..1. Raises SettingsError for an `out` that cannot be, an ImageError or VideoError
        for a source that cannot be read, or is not the same when it is read again, SinkError, and ExtraMissing for a
        video without PyAV.
        """
        origin, target = Path(source), Path(out)
        video = is_video(origin)
        check_target(origin, target, video)
        if video:
            return self._video(origin, target, advance or (lambda _: None))
        pixels, counts = self.cover(origin)
        try:
            write_image(target, pixels, PHOTO_QUALITY)
        except OSError as error:
            raise refused(target, error) from error
        size = (pixels.shape[1], pixels.shape[0])
        return self._said(origin, target, size, counts, (1, int(counts.covered > 0)))

    def cover(self, source: Source) -> tuple[Pixels, Counts]:
        """A photo as (H, W, 3) uint8 RGB with its faces covered; `source` as `Analyzer.analyze` takes it.

        Raises an ImageError.
        """
        photo = open_photo(source, self._limits)
        pixels = photo.pixels().pixels.copy()
        stretches = Linker().update(0.0, self._bearings(photo, self._still(pixels)), True)
        keeper = self._keeper(1)
        if keeper:
            for stretch in stretches:
                keeper.look(stretch, photo)
        judged, names = judge(stretches, keeper)
        plan = plan_of(judged, (), replace(self.policy, linger_seconds=0.0, bridge_seconds=0.0))
        PAINTERS[self.policy.how](pixels, Covers(plan.spans).at(0.0), self.policy.margin)
        return pixels, counted(judged, plan, names)

    def _video(self, origin: Path, target: Path, advance: Advance) -> Redaction:
        keeper = self._keeper(LEAST_SHOTS)
        scanner = Scanner(self._moving, self._bearings, keeper, self._limits, self.settings.threads)
        with open_source(str(origin), limits=self._limits) as source:
            info = source.info
            whole_time = max(info.duration_seconds or 0.0, 1e-3)
            scan = scanner(source, lambda seconds: advance(min(1.0, seconds / whole_time) / 2))
        judged, names = judge(scan.stretches, keeper)
        plan = plan_of(judged, scan.cuts, self.policy)
        render = Render(scan, plan, self.policy)
        audio = origin if self.policy.audio == "keep" else None
        with whole(target) as partial, open_source(str(origin), limits=self._limits) as source:
            writer = VideoWriter(partial, info.width, info.height, audio, VIDEO_CRF)
            covered = render(source, writer, lambda seconds: advance((1 + min(1.0, seconds / whole_time)) / 2))
        counts, size = counted(judged, plan, names), (info.width, info.height)
        return self._said(origin, target, size, counts, (len(scan.times), covered), self.policy.audio)

    def _said(
        self, origin: Path, target: Path, size: tuple[int, int], faces: Counts, frames: tuple[int, int], audio: str = ""
    ) -> Redaction:
        warnings = () if faces.covered or faces.bare else (NO_FACE,)
        kind, how = "video" if audio else "photo", self.policy.how
        return Redaction(str(origin), str(target), kind, *size, *frames, faces, how, audio or "drop", warnings)

    def _keeper(self, least_shots: int) -> Keeper | None:
        if self._gallery is None:
            return None
        return Keeper(self._gallery, self._gallery.analyzer.networks, self.policy, least_shots)
