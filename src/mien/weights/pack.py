"""One file for machines without a network: an archive of weights with a manifest of their hashes."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from mien.errors import WeightsArchiveRefused, WeightsError
from mien.settings import Settings
from mien.weights.archive import FORMAT, MANIFEST, entry_of, reading
from mien.weights.card import Card
from mien.weights.catalog import Catalog, keep_card, refuse_taken
from mien.weights.fetch import ensure_all
from mien.weights.graph import check_onnx
from mien.weights.progress import LogProgress, Progress
from mien.weights.store import check_file, copy_limited, path_of, place, staging

_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3


def pack(names: Iterable[str], out: Path, settings: Settings, progress: Progress | None = None) -> tuple[Card, ...]:
    """Write the named weights (all that the policy allows, where none is named) into the archive `out`.

    What is not in the cache yet is fetched first. The same weights give the same bytes. Returns the cards; raises what
    `ensure` raises, and WeightsError where `out` cannot be written or would have more than 2 GB.
    """
    catalog = Catalog.load(settings)
    chosen = [catalog.card(name) for name in dict.fromkeys(names)] or catalog.cards(policy=settings.policy)
    cards = sorted(chosen, key=lambda card: card.name)
    paths = ensure_all(cards, settings, progress)
    part = out.with_name(f".{out.name}.part")
    try:
        _write(part, cards, paths)
        place(part, out)
    except zipfile.LargeZipFile:
        raise WeightsError("These weights are too large for one pack (2 GB).", "Write several packs.") from None
    except OSError as error:
        raise WeightsError(f"{out} cannot be written: {error}.", "Choose another place with --out.") from error
    finally:
        part.unlink(missing_ok=True)
    return tuple(cards)


def _write(part: Path, cards: list[Card], paths: Iterable[Path]) -> None:
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        manifest = {"format": FORMAT, "weights": [entry_of(card) for card in cards]}
        with archive.open(_member(MANIFEST, 0), "w") as member:
            member.write(json.dumps(manifest, indent=1, sort_keys=True).encode())
        for card, path in zip(cards, paths, strict=True):
            with path.open("rb") as inside, archive.open(_member(card.file, card.bytes), "w") as member:
                copy_limited(inside, member, card.bytes)


def _member(name: str, size: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.create_system = _UNIX
    info.file_size = size
    return info


def install_pack(path: Path, settings: Settings, progress: Progress | None = None) -> tuple[Card, ...]:
    """Install every weights file of a pack, or none; no network is used. Returns the cards.

    Weights that the catalog knows must be the catalog's own. Others come with their card, as if the user had added
    them; their sources are dropped. Raises WeightsArchiveRefused where the archive is damaged, hostile, or not what its
    manifest and the catalog say.
    """
    catalog = Catalog.load(settings)
    with staging(settings, progress or LogProgress()) as folder:
        with reading(path) as (archive, packed):
            cards = tuple(_known_or_own(card, catalog) for card in packed)
            for card in cards:
                staged = folder / card.file
                with archive.open(card.file) as inside, staged.open("wb") as out:
                    copy_limited(inside, out, card.bytes)
                check_file(staged, card, f"The pack {path.name}")
                if card.name not in catalog.by_name and staged.suffix == ".onnx":
                    check_onnx(staged)
        for card in cards:
            place(folder / card.file, path_of(card, settings))
            if card.name not in catalog.by_name:
                keep_card(card, settings)
    return cards


def _known_or_own(card: Card, catalog: Catalog) -> Card:
    known = catalog.by_name.get(card.name)
    if known is None:
        refuse_taken(card, catalog)
        return replace(card, sources=())
    if (known.sha256, known.file) != (card.sha256, card.file):
        raise WeightsArchiveRefused(f"Its {card.name!r} is not the {card.name!r} that this version of mien knows.")
    return known
