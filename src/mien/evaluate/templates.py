"""Photos into embeddings through the whole pipeline, with what could not be embedded kept in sight."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.analyze import Analyzer
from mien.errors import DataError, ImageError
from mien.evaluate.people import PeoplePhotos
from mien.evaluate.subject import subject
from mien.face import Analysis, Embedding, Failed, Floats, Quality

NO_FACE: Final = "no face found"
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Missing:
    """A photo without an embedding (failure to acquire, in ISO/IEC 19795-1's words), and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Templates:
    """vectors: (N, D) float32 of unit length. people: (N,) int, the same for the same person, from 0 without gaps.

    quality: (N,) float32 unified quality scores, 0..100; NaN where the stage was not asked for or failed.
    """

    vectors: Floats
    people: NDArray[np.intp]
    paths: tuple[Path, ...]
    quality: Floats
    model: str
    missing: tuple[Missing, ...] = ()

    @property
    def n_people(self) -> int:
        """How many different people there are."""
        return int(self.people.max()) + 1 if len(self.people) else 0

    def of_people(self, keep: NDArray[np.bool_]) -> Templates:
        """Only the images whose person `keep` (n_people,) marks, people numbered anew."""
        return self.of_images(keep[self.people])

    def named(self, names: set[str]) -> Templates:
        """Only the images with one of these file names."""
        return self.of_images(np.array([path.name in names for path in self.paths], np.bool_))

    def without(self, others: Iterable[Templates]) -> Templates:
        """Only the images that none of the others has."""
        paths = {path for other in others for path in other.paths}
        return self.of_images(np.array([path not in paths for path in self.paths], np.bool_))

    def of_images(self, keep: NDArray[np.bool_]) -> Templates:
        """Only the images that `keep` (N,) marks, people numbered anew."""
        chosen = np.flatnonzero(keep)
        people = np.unique(self.people[chosen], return_inverse=True)[1]
        paths = tuple(self.paths[i] for i in chosen)
        return Templates(self.vectors[chosen], people, paths, self.quality[chosen], self.model, self.missing)


def embed_photos(analyzer: Analyzer, photos: PeoplePhotos, progress: Progress | None = None) -> Templates:
    """Embed the subject of every photo. Raises DataError where not one photo gives an embedding."""
    kept: list[tuple[Path, str, Embedding, float]] = []
    missing: list[Missing] = []
    results = analyzer.analyze_many(photos.paths)
    for done, (path, person, result) in enumerate(zip(photos.paths, photos.people, results, strict=True), 1):
        found = _subject_embedding(result)
        if isinstance(found, str):
            missing.append(Missing(path, found))
        else:
            kept.append((path, person, *found))
        if progress:
            progress(done, len(photos.paths))
    if not kept:
        raise DataError("Not one photo gave an embedding.", f"The first: {missing[0].path}: {missing[0].reason}.")
    paths, names, embeddings, quality = zip(*kept, strict=True)
    return templates_of(embeddings, names, paths, quality, tuple(missing))


def templates_of(
    embeddings: Sequence[Embedding],
    names: Sequence[str],
    paths: Sequence[Path],
    quality: Sequence[float],
    missing: tuple[Missing, ...] = (),
) -> Templates:
    """Templates from embeddings of one model and the names of their people."""
    vectors = np.stack([embedding.vector for embedding in embeddings]).astype(np.float32)
    people = np.unique(np.array(names), return_inverse=True)[1]
    return Templates(vectors, people, tuple(paths), np.array(quality, np.float32), embeddings[0].model, missing)


def _subject_embedding(result: Analysis | ImageError) -> tuple[Embedding, float] | str:
    if isinstance(result, ImageError):
        return str(result)
    face = subject(result.faces, result.width, result.height)
    if face is None:
        return NO_FACE
    if isinstance(face.embedding, Embedding):
        return face.embedding, face.quality.score if isinstance(face.quality, Quality) else float("nan")
    return face.embedding.reason if isinstance(face.embedding, Failed) else "embedding was not asked for"
