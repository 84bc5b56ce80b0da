"""The master key: what opens a gallery's file of keys. It comes from a file, the environment or the system's keyring.

It never lies in the gallery's folder: who takes the folder has nothing.
"""

from __future__ import annotations

import base64
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mien.errors import ExtraMissing
from mien.gallery.errors import GalleryExists, GalleryFull, GalleryKeyMissing, GalleryReadOnly
from mien.gallery.store.disk import sync_folder
from mien.gallery.store.seal import KEY_BYTES, derive
from mien.settings import config_file

VARIABLE: Final = "MIEN_GALLERY_KEY"
SERVICE: Final = "mien gallery"


@dataclass(frozen=True, slots=True)
class MasterKey:
    """32 secret bytes, and where they came from; `repr` and `str` do not show them."""

    key: bytes = field(repr=False)
    source: str

    def __post_init__(self) -> None:
        if len(self.key) != KEY_BYTES:
            raise GalleryKeyMissing(f"The master key from {self.source} has {len(self.key)} bytes, not {KEY_BYTES}.")

    @property
    def name(self) -> str:
        """16 characters that name the key and say nothing else about it."""
        return derive(self.key, "name of the master key")[:8].hex()

    @property
    def text(self) -> str:
        """The key as a file, the environment and the keyring hold it: base64url."""
        return base64.urlsafe_b64encode(self.key).decode()

    @classmethod
    def new(cls) -> MasterKey:
        """A fresh key, not kept anywhere yet."""
        return cls(secrets.token_bytes(KEY_BYTES), "this process")

    @classmethod
    def from_text(cls, text: str, source: str) -> MasterKey:
        """Read base64url, padded or not; `source` is what an error calls the place. Raises GalleryKeyMissing."""
        plain = text.strip().rstrip("=")
        try:
            key = base64.b64decode(plain + "=" * (-len(plain) % 4), altchars=b"-_", validate=True)
        except ValueError as error:
            raise GalleryKeyMissing(
                f"What {source} holds is not a master key.", "A key is 32 bytes as base64url, 44 characters."
            ) from error
        return cls(key, source)

    @classmethod
    def from_environment(cls, variable: str = VARIABLE) -> MasterKey:
        """Raises GalleryKeyMissing where the variable is not set or holds no key."""
        text = os.environ.get(variable)
        if not text:
            raise GalleryKeyMissing(f"{variable} is not set.", "Set it to the master key, 32 bytes as base64url.")
        return cls.from_text(text, variable)

    @classmethod
    def from_file(cls, path: Path) -> MasterKey:
        """Raises GalleryKeyMissing where the file is absent, holds no key, or (POSIX) others may read it."""
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="ascii", errors="replace")
        except OSError as error:
            raise GalleryKeyMissing(f"The master key {path} cannot be read: {error.strerror}.") from error
        if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
            raise GalleryKeyMissing(f"The master key {path} can be read by others.", f"Run `chmod 600 {path}`.")
        return cls.from_text(text, str(path))

    @classmethod
    def from_keyring(cls, name: str) -> MasterKey:
        """The key called `name` in the system's keyring. Raises GalleryKeyMissing, and ExtraMissing without it."""
        keyring = _keyring()
        try:
            text = keyring.get_password(SERVICE, name)
        except keyring.errors.KeyringError as error:
            raise _no_keyring(error) from error
        if text is None:
            raise GalleryKeyMissing(f"The system's keyring has no key {name!r} of {SERVICE!r}.")
        return cls.from_text(text, "the system's keyring")

    def save(self, path: Path) -> None:
        """Write a new file that only its owner can read, durably.

        Raises GalleryExists, GalleryReadOnly, GalleryFull.
        """
        new = [folder for folder in path.parents if not folder.exists()]
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise GalleryExists(f"{path} exists.", "A master key is never overwritten: name another file.") from error
        except OSError as error:
            raise GalleryReadOnly(f"The master key cannot be written to {path}: {error.strerror}.") from error
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(self.text + "\n")
                file.flush()
                os.fsync(file.fileno())
            for folder in {path.parent, *(one.parent for one in new)}:
                sync_folder(folder)
        except OSError as error:
            path.unlink()
            raise GalleryFull(f"The master key cannot be written to {path}: {error.strerror}.", "Make room.") from error

    def save_in_keyring(self) -> None:
        """Keep the key in the system's keyring under its `name`. Raises GalleryKeyMissing, ExtraMissing."""
        keyring = _keyring()
        try:
            keyring.set_password(SERVICE, self.name, self.text)
        except keyring.errors.KeyringError as error:
            raise _no_keyring(error) from error


def key_file(name: str) -> Path:
    """Where the key called `name` is kept by default: the user's configuration directory."""
    return config_file().parent / "gallery-keys" / f"{name}.key"


def new_master() -> MasterKey:
    """The key for a new gallery: that of the environment where it is set, else a fresh one in its default file.

    The file is written first: a gallery must never be without its key.
    """
    if os.environ.get(VARIABLE):
        return MasterKey.from_environment()
    master = MasterKey.new()
    master.save(key_file(master.name))
    return master


def find_master(name: str) -> MasterKey:
    """The master key called `name`: from the environment where it is set, else the default file, else the keyring.

    Raises GalleryKeyMissing where it is nowhere. A key from the environment is returned whatever its name.
    """
    if os.environ.get(VARIABLE):
        return MasterKey.from_environment()
    if key_file(name).exists():
        return MasterKey.from_file(key_file(name))
    try:
        return MasterKey.from_keyring(name)
    except (GalleryKeyMissing, ExtraMissing) as error:
        raise GalleryKeyMissing(
            f"The gallery's master key {name!r} is neither in {VARIABLE}, nor at {key_file(name)}, nor in the keyring.",
            "Bring it back from where you keep it: nobody can open the gallery without it.",
        ) from error


def _keyring() -> Any:
    try:
        import keyring
        import keyring.errors
    except ImportError as error:
        raise ExtraMissing("keyring is not installed.", "Run `pip install mien[keyring]`.") from error
    return keyring


def _no_keyring(error: Exception) -> GalleryKeyMissing:
    return GalleryKeyMissing(f"The system's keyring cannot be used: {error}.", "Keep the key in a file instead.")
