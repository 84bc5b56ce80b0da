"""`mien gallery export`, `backup`, `restore`, `rekey` and `verify`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from mien.cli.gallery.making import KeyChoice, kept_key, key_lines
from mien.cli.gallery.opening import Place, open_kept
from mien.cli.gallery.showing import count_of, tell
from mien.cli.sources import STDIN
from mien.cli.terminal import warn
from mien.errors import SettingsError
from mien.gallery.errors import GalleryExists, GalleryMissing, GalleryReadOnly
from mien.gallery.place import place_of, restore_records
from mien.gallery.store.master import VARIABLE
from mien.gallery.store.receipt import load_receipt, verify_receipt
from mien.settings import load_settings

EXIT_WRONG = 1


def export(
    place: Place = None,
    to: Annotated[str, typer.Option(metavar="FILE|-", help="A new file; - is standard output.")] = STDIN,
    no_templates: Annotated[bool, typer.Option("--no-templates", help="Only what is said about people.")] = False,
) -> None:
    """Write everybody as JSON Lines, decrypted.

    `mien gallery import` reads them. A file is made that only its owner can read.
    """
    with open_kept(place) as gallery, _private(to) as file:
        count = 0
        for person in gallery.export(not no_templates):
            file.write(json.dumps(person, ensure_ascii=False, allow_nan=False) + "\n")
            count += 1
    what = "standard output" if to == STDIN else to
    warn(f"{count_of(count, 'person', 'people')} in {what}, decrypted: the gallery no longer protects what is there.")


@contextmanager
def _private(to: str) -> Iterator[TextIO]:
    """A new file that only its owner can read, whole or not there. Raises GalleryExists, GalleryReadOnly."""
    if to == STDIN:
        yield sys.stdout
        return
    path = Path(to)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise GalleryExists(f"{path} exists.", "Name a new file.") from error
    except OSError as error:
        raise GalleryReadOnly(f"{path} cannot be written: {error.strerror}.", "Name another file.") from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def backup(
    file: Annotated[Path, typer.Argument(help="A new file: the records, encrypted, without keys.")],
    place: Place = None,
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep a copy of the keys here, in place of the last one.")
    ] = None,
) -> None:
    """Copy the records while the gallery is in use.

    Keep the keys on another medium than the records: with both and the master key, anybody can read them. Keep one copy
    of the keys, never a series: people who were removed since are readable with an older one.
    """
    with open_kept(place) as gallery:
        gallery.backup(file, keys)
    tell(f"Backed up to {file}." + (f" Its keys are at {keys}." if keys else " It holds no keys."))


def restore(
    file: Annotated[Path, typer.Argument(help="What `mien gallery backup` wrote.")],
    place: Place = None,
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The copy of the keys, used where the gallery has none.")
    ] = None,
) -> None:
    """Put a backup in the place of the records.

    Who was removed since stays forgotten; who was enrolled since is lost.
    """
    where = place_of(place, load_settings())
    if keys and not keys.is_file():
        raise GalleryMissing(f"There are no keys at {keys}.", "Name the file that `mien gallery backup --keys` wrote.")
    restore_records(where, file, keys)
    with open_kept(where) as gallery:
        tell(f"Restored: {count_of(sum(1 for _ in gallery.people()), 'person', 'people')}.")


def rekey(
    place: Place = None,
    new_key: Annotated[bool, typer.Option("--new-key", help="A new master key as well.")] = False,
    key: Annotated[KeyChoice, typer.Option(help="Where the new master key is kept: file or keyring.")] = KeyChoice.FILE,
) -> None:
    """Make all keys anew, without photos.

    Every template is rotated anew as well: what leaked before is worthless afterwards. So are earlier backups: make a
    new one.
    """
    if key is KeyChoice.ENVIRONMENT:
        raise SettingsError("A new master key cannot be put into the environment from here.", "Say file or keyring.")
    with open_kept(place) as gallery:
        master = kept_key(key) if new_key else None
        gallery.rekey(master)
    tell("Every key and the rotation are new. Earlier backups are worthless: make a new one.")
    if master:
        tell(*key_lines(key, master))
        if os.environ.get(VARIABLE):
            warn(f"{VARIABLE} still holds the old key: the gallery does not open until it holds the new one.")


def verify(
    place: Place = None,
    receipt: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Only whether this gallery signed a removal's receipt.")
    ] = None,
) -> None:
    """Check every row, key and receipt. Exit code: 0 all is well, 1 something is wrong, 2 an error."""
    with open_kept(place) as gallery:
        if receipt:
            said = load_receipt(receipt)
            good = verify_receipt(said, gallery.records.public_key)
            tell("Signed by this gallery, unchanged." if good else "Not signed by this gallery, or changed since.")
            raise typer.Exit(0 if good else EXIT_WRONG)
        problems = gallery.verify()
    tell(*problems or ("All is well.",))
    raise typer.Exit(EXIT_WRONG if problems else 0)
