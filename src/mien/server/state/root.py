"""The secret that everything of the service's own state is encrypted and signed by."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from mien.gallery.errors import GalleryDamaged, GalleryKeyMissing
from mien.gallery.store.disk import sync_folder
from mien.gallery.store.master import MasterKey, find_master
from mien.gallery.store.seal import KEY_BYTES, NOBODY, Seal, Table, derive

FILE: Final = "state.key"
PURPOSE: Final = "state of the service"


def root_key(folder: Path, master: MasterKey) -> bytes:
    """32 bytes, kept sealed by the gallery's master key in a file of their own: a rekey need not touch the rest.

    Made when first asked for. Where the gallery has a new master key since, the old one opens the file once more, and
    the new one seals it from then on. Raises GalleryKeyMissing where the old one is gone, GalleryDamaged.
    """
    path = folder / FILE
    if not path.exists():
        _write(path, secrets.token_bytes(KEY_BYTES), master)
    held = _held(path)
    opener = master if held["master"] == master.name else find_master(held["master"])
    if opener.name != held["master"]:
        raise GalleryKeyMissing(
            f"{path} is sealed by the master key {held['master']!r}, which is not here.",
            "Bring it back from where you keep it: the service's accounts and audit log open with nothing else.",
        )
    root = _seal(opener).open(Table.META, 0, held["sealed"])
    if opener is not master:
        _write(path, root, master)
    return root


def _held(path: Path) -> dict[str, Any]:
    try:
        held = json.loads(path.read_text(encoding="ascii"))
        return {"master": str(held["master"]), "sealed": bytes.fromhex(held["sealed"])}
    except (ValueError, TypeError, KeyError) as error:
        raise GalleryDamaged(f"{path} is not as it was written.", "Bring it back from a backup.") from error


def _seal(master: MasterKey) -> Seal:
    return Seal(derive(master.key, PURPOSE), NOBODY)


def _write(path: Path, root: bytes, master: MasterKey) -> None:
    """As a whole or not at all; of two processes that make the first one, one wins and both use it."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    text = json.dumps({"master": master.name, "sealed": _seal(master).close(Table.META, 0, root).hex()})
    with open(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    if path.exists():
        part.replace(path)
    else:
        with suppress(FileExistsError):
            os.link(part, path)
        part.unlink()
    sync_folder(path.parent)
