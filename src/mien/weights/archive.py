"""Read a pack that may be damaged or hostile: everything is checked before anything is written.

A pack is a ZIP file without compression, comments or extra fields. Its size follows from its directory to the byte, so
nothing can hide in it and no entry can inflate.
"""

from __future__ import annotations

import json
import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mien.errors import WeightsArchiveRefused, WeightsError
from mien.weights.card import Card, parse_card

MANIFEST = "manifest.json"
FORMAT = "mien weights pack 1"

_MAX_MEMBERS = 1000
_MAX_MANIFEST_BYTES = 4_000_000
_END = struct.Struct("<4s4H2LH")
_LOCAL_HEADER_BYTES = 30
_DAMAGED = (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, RecursionError, struct.error)


def entry_of(card: Card) -> dict[str, Any]:
    """What the manifest says of one weights file."""
    return {"name": card.name, "file": card.file, "sha256": card.sha256, "bytes": card.bytes, "card": card.to_dict()}


@contextmanager
def reading(path: Path) -> Iterator[tuple[zipfile.ZipFile, tuple[Card, ...]]]:
    """Open a pack; yields the archive and the cards of its manifest, one for each member beside the manifest.

    Members' content is not verified yet. Whatever is wrong, also inside the `with` block, becomes a
    WeightsArchiveRefused that names the archive and the cause.
    """
    if not path.is_file():
        raise WeightsArchiveRefused(f"There is no file {path}.", "Check the path.")
    try:
        _check_frame(path)
        with zipfile.ZipFile(path) as archive:
            _check_members(archive)
            yield archive, _manifest(archive)
    except (WeightsError, *_DAMAGED) as error:
        cause = error.cause if isinstance(error, WeightsError) else f"It is damaged: {error}."
        raise WeightsArchiveRefused(
            f"The pack {path} is refused, and nothing of it was installed. {cause}",
            "Copy it again, or write it anew with `mien weights pack`.",
        ) from error


def _refuse(cause: str) -> WeightsArchiveRefused:
    return WeightsArchiveRefused(cause)


def _check_frame(path: Path) -> None:
    """The end record, before the directory is read: a short directory, right before the end of the file."""
    size = path.stat().st_size
    if size < _END.size:
        raise _refuse("It is truncated.")
    with path.open("rb") as file:
        file.seek(size - _END.size)
        signature, disk, first_disk, _, count, length, offset, comment = _END.unpack(file.read())
    if signature != b"PK\5\6" or disk or first_disk or comment:
        raise _refuse("It is truncated, or no pack.")
    if count > _MAX_MEMBERS or length > _MAX_MEMBERS * 200 or offset + length + _END.size != size:
        raise _refuse("Its directory does not fit the file.")


def _check_members(archive: zipfile.ZipFile) -> None:
    seen: set[str] = set()
    expected = 0
    for info in archive.infolist():
        name = info.orig_filename
        if name in seen:
            raise _refuse(f"The member {name!r} is there twice.")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise _refuse(f"The member {name!r} is not a plain file.")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise _refuse(f"The member {name!r} is compressed; members of a pack are not.")
        if info.flag_bits or info.extra or info.comment or info.filename != name:
            raise _refuse(f"The member {name!r} has flags or fields that members of a pack do not have.")
        seen.add(name)
        expected += _LOCAL_HEADER_BYTES + len(name) + info.file_size
    if expected != archive.start_dir:
        raise _refuse("Its members do not add up to its size.")


def _manifest(archive: zipfile.ZipFile) -> tuple[Card, ...]:
    """The cards, after the manifest agrees with itself and with the list of members."""
    if MANIFEST not in archive.NameToInfo or archive.getinfo(MANIFEST).file_size > _MAX_MANIFEST_BYTES:
        raise _refuse("It has no manifest, or one that is far too long.")
    manifest = json.loads(archive.read(MANIFEST))
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise _refuse(f"Its manifest is not of the format {FORMAT!r}.")
    entries = manifest.get("weights")
    if not isinstance(entries, list):
        raise _refuse("Its manifest lists no weights.")
    cards = tuple(_card(entry) for entry in entries)
    if len({card.name for card in cards}) != len(cards):
        raise _refuse("Its manifest names the same weights twice.")
    listed = sorted([MANIFEST, *(card.file for card in cards)])
    found = sorted(archive.namelist())
    if listed != found:
        odd = sorted({repr(name) for name in set(listed) ^ set(found)})
        raise _refuse(f"Its manifest and its members differ: {', '.join(odd) or 'a file is listed twice'}.")
    for card in cards:
        declared = archive.getinfo(card.file).file_size
        if declared != card.bytes:
            raise _refuse(f"The member {card.file!r} has {declared:,} bytes, its manifest says {card.bytes:,}.")
    return cards


def _card(entry: Any) -> Card:
    card = parse_card(entry.get("card") if isinstance(entry, dict) else None, "the pack's manifest")
    if entry != entry_of(card):
        raise _refuse(f"Its manifest contradicts itself about {card.name!r}.")
    return card
