"""`mien gallery cluster`: an unsorted heap of photos, one folder a person."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from rich.console import Console

from mien.analyze import Analyzer
from mien.cli.gallery.showing import count_of, tell
from mien.cli.interrupt import Interrupt
from mien.cli.report import write_json
from mien.cli.sources import NamedSource, expand
from mien.cli.terminal import counter
from mien.cli.weights import reporter
from mien.cluster.people import DEFAULT_FMR, Clusters, cluster_people
from mien.decide.calibration import Calibration
from mien.decide.subject import subject_of
from mien.errors import DataError, ImageError, SettingsError
from mien.face import Analysis, Embedding, Failed, Floats
from mien.gallery.errors import GalleryModel
from mien.image import ImageLimits
from mien.settings import Settings, load_settings

SCHEMA: Final = "mien.clusters/1"
LEFT_OUT: Final = "_left-out"
EXIT_SOME_LEFT_OUT: Final = 1


def cluster(
    paths: Annotated[list[str], typer.Argument(help="Photos, folders, patterns.")],
    to: Annotated[Path, typer.Option(metavar="DIR", help="A new or empty folder, for copies of the photos.")],
    fmr: Annotated[
        float, typer.Option(help="False match rate from whose score on groups are one person.")
    ] = DEFAULT_FMR,
    embedder: Annotated[str, typer.Option(help="Name of an embedder's card.")] = "sface",
    fast: Annotated[bool, typer.Option("--fast", help="Half the time, a little less accurate.")] = False,
    threads: Annotated[int | None, typer.Option(help="Photos worked on at once.", min=1)] = None,
    json_to: Annotated[str | None, typer.Option("--json", metavar="FILE|-", help="All groups as JSON.")] = None,
) -> None:
    """Group photos by person, without a gallery.

    Each goes to the folder of the one person whom it shows; DIR/person-0001 is who is there most. Photos without one
    clear face go to DIR/_left-out. Then give the folders names, mend what is wrong, and run `mien gallery enrol DIR
    --folders`.

    Exit code: 0; 1 some photos were left out; 2 an error.
    """
    settings = load_settings(threads=threads)
    sources = expand(paths, ImageLimits(settings.max_pixels, settings.max_bytes))
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise DataError(f"{to} is not empty.", "Name a new folder.")
    analyzer = Analyzer(["embed"], settings, embedder=embedder, fast=fast, progress=reporter())
    calibration = _calibration(analyzer.embedding_model or "", settings)
    calibration.threshold(fmr)  # An impossible rate is refused before the photos are looked at.
    heap = _look(analyzer, sources)
    vectors = np.stack(heap.vectors) if heap.vectors else np.empty((0, 1), np.float32)
    groups = cluster_people(vectors, calibration, fmr)
    folders, left_out = _sort(heap, groups, to)
    about = {"model": calibration.model, "calibration_id": calibration.id, "fmr": fmr}
    record = {"schema": SCHEMA, **about, "threshold": round(groups.threshold, 7)}
    record |= {"groups": folders, "left_out": left_out}
    if write_json(record, json_to):
        _print(folders, left_out, to)
    raise typer.Exit(EXIT_SOME_LEFT_OUT if left_out else 0)


def _calibration(model: str, settings: Settings) -> Calibration:
    found = Calibration.for_model(model, settings)
    if found is None:
        raise GalleryModel(f"No calibration is for {model}.", "Build one with `mien calibrate`.")
    return found


@dataclass(slots=True)
class _Heap:
    """What was seen. sources: those with one clear face, as `vectors`; left_out: the others, with the reason."""

    sources: list[NamedSource] = field(default_factory=list)
    vectors: list[Floats] = field(default_factory=list)
    left_out: list[tuple[NamedSource, str]] = field(default_factory=list)


def _look(analyzer: Analyzer, sources: list[NamedSource]) -> _Heap:
    heap = _Heap()
    with Interrupt() as interrupt, counter(len(sources), Console(stderr=True)) as bar:
        photos = (named.source for named in sources if not interrupt.asked)
        for named, seen in zip(sources, analyzer.analyze_many(photos), strict=False):
            found = _face(seen)
            if isinstance(found, str):
                heap.left_out.append((named, found))
            else:
                heap.sources.append(named)
                heap.vectors.append(found)
            bar.step()
        if interrupt.asked:
            raise KeyboardInterrupt
    return heap


def _face(seen: Analysis | ImageError) -> Floats | str:
    """The embedding of the one face that is meant, or why there is none."""
    if isinstance(seen, ImageError):
        return str(seen)
    subject = subject_of(seen.faces)
    if subject.face is None or subject.doubts:
        return " ".join(subject.doubts)
    found = subject.face.embedding
    if isinstance(found, Embedding):
        return found.vector
    return found.reason if isinstance(found, Failed) else "The face was not embedded."


def _sort(heap: _Heap, groups: Clusters, to: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Copy the photos, one folder a person; what went where."""
    folders: list[dict[str, Any]] = []
    digits = max(4, len(str(groups.n_people)))
    for number in range(groups.n_people):
        members = [heap.sources[place] for place in groups.members(number)]
        folder = to / f"person-{number + 1:0{digits}}"
        copies = _copies(members, folder)
        photos = [{"source": one.name, "copy": str(copy)} for one, copy in zip(members, copies, strict=True)]
        folders.append({"folder": str(folder), "photos": photos})
    others = _copies([named for named, _ in heap.left_out], to / LEFT_OUT)
    left_out = [
        {"source": named.name, "reason": reason, "copy": str(copy) if copy else None}
        for (named, reason), copy in zip(heap.left_out, others, strict=True)
    ]
    return folders, left_out


def _copies(sources: list[NamedSource], folder: Path) -> list[Path | None]:
    """Copy each; None for a file that is not there. Two of one name are told apart by a number."""
    taken: set[str] = set()
    copies = []
    for number, named in enumerate(sources, 1):
        name = Path(named.name).name if isinstance(named.source, Path) else "stdin"
        while name.casefold() in taken:
            name = f"{number}-{name}"
        taken.add(name.casefold())
        copies.append(_copy(named, folder / name))
    return copies


def _copy(named: NamedSource, to: Path) -> Path | None:
    try:
        if isinstance(named.source, Path) and not named.source.is_file():
            return None
        to.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(named.source, Path):
            shutil.copy2(named.source, to)
        else:
            to.write_bytes(named.source)
    except OSError as error:
        raise SettingsError(f"{to} cannot be written: {error.strerror}.", "Name another folder: --to.") from error
    return to


def _print(folders: list[dict[str, Any]], left_out: list[dict[str, Any]], to: Path) -> None:
    for one in folders:
        if len(one["photos"]) > 1:
            tell(f"{one['folder']}  {count_of(len(one['photos']), 'photo')}")
    single = sum(len(one["photos"]) == 1 for one in folders)
    tell(f"{count_of(len(folders), 'person', 'people')}, {single} of them with a single photo.")
    if left_out:
        tell(f"{count_of(len(left_out), 'photo')} left out, see {to / LEFT_OUT}:")
        tell(*(f"  {one['source']}: {one['reason']}" for one in left_out))
