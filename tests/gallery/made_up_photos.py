"""Photos that show made-up faces, the analyzer that sees them, and a gallery that asks it: no network, no real face."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from made_up_people import DIM, calibration, near

from mien.align.similarity import ARCFACE_112
from mien.errors import ImageError
from mien.face import Analysis, Box, Detection, Embedding, Face, Measure, Quality
from mien.gallery.gallery import Consent, Gallery, GalleryPolicy, Profile
from mien.gallery.place import create_records
from mien.gallery.store.master import MasterKey
from mien.image import Source, encode_image, open_photo
from mien.settings import Settings

MODEL = "net@1"
MASTER = MasterKey(bytes(range(32)), "a test")
LONG_AGO = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
FAR_OFF = datetime(2200, 1, 1, tzinfo=UTC)
CONSENT = Consent("herself", LONG_AGO, "the door", "signed form", FAR_OFF)
SIDE = 112


def face(vector: np.ndarray, quality: float = 80.0, side: float = 100.0) -> Face:
    """A face as the stages quality and embed leave it; poor below 50 of 100."""
    measure = Measure("sharpness", quality / 100, "", 0.5, None, quality >= 50, "blurred")
    found = Detection(Box(4, 4, side, side), 0.9, ARCFACE_112.astype(np.float32))
    return Face(found, quality=Quality(quality, (measure,)), embedding=Embedding(np.float32(vector), MODEL))


def profile(name: str, **more: object) -> Profile:
    """Somebody who agreed."""
    return Profile(name, **({"consent": CONSENT} | more))  # type: ignore[arg-type]


@dataclass
class Studio:
    """Takes photos, and sees on them what it took: an analyzer's double, which `Gallery` takes as one."""

    folder: Path
    embedding_model: str = MODEL
    shots: list[tuple[Face, ...]] = field(default_factory=list)

    def shoot(self, *faces: Face, name: str = "") -> Path:
        """A PNG of noise whose first pixel says which shot it is."""
        path = self.folder / (name or f"shot {len(self.shots)}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(len(self.shots)).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        pixels[0, 0] = (*divmod(len(self.shots), 256), 0)
        path.write_bytes(encode_image(pixels, ".png"))
        self.shots.append(faces)
        return path

    def of(self, direction: np.ndarray, count: int = 1, cosine: float = 0.9, quality: float = 80.0) -> list[Path]:
        """Photos of one person, each at `cosine` to the person's direction and different from each other."""
        seeds = range(len(self.shots), len(self.shots) + count)
        return [self.shoot(face(near(direction, cosine, 1000 + seed), quality)) for seed in seeds]

    def analyze(self, source: Source) -> Analysis:
        high, low, _ = open_photo(source).pixels().pixels[0, 0].tolist()
        return Analysis(SIDE, SIDE, self.shots[high * 256 + low])

    def analyze_many(self, sources: Iterable[Source]) -> Iterator[Analysis | ImageError]:
        for source in sources:
            try:
                yield self.analyze(source)
            except ImageError as error:
                yield error


def new_gallery(folder: Path, place: str = "", model: str = MODEL, **policy: object) -> Gallery:
    """An empty gallery at `place`, or in `folder`/gallery, that looks at photos with a studio in `folder`/photos."""
    place = place or str(folder / "gallery")
    create_records(place, model, DIM, GalleryPolicy(**policy), MASTER).close()  # type: ignore[arg-type]
    return opened(place, Studio(folder / "photos", model))


def opened(place: str, studio: Studio) -> Gallery:
    """A gallery on a machine without settings of its own."""
    settings = Settings(data_dir=studio.folder / "none", cache_dir=studio.folder / "none")
    return Gallery(place, settings, master=MASTER, calibration=calibration(), analyzer=studio)  # type: ignore[arg-type]


def studio_of(gallery: Gallery) -> Studio:
    """The double that this gallery asks."""
    studio = gallery.analyzer
    assert isinstance(studio, Studio)
    return studio


def enrol(gallery: Gallery, name: str, direction: np.ndarray, count: int = 1, **more: object) -> str:
    """Somebody with `count` photos, durably; the id."""
    done = gallery.enrol(profile(name, **more), studio_of(gallery).of(direction, count))
    assert done.person_id and done.n_kept == count, done
    return done.person_id


def moment(days: float) -> float:
    """POSIX seconds, `days` from now."""
    return (datetime.now(UTC) + timedelta(days=days)).timestamp()
