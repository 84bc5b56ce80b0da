"""Keras and what runs it, loaded in one place: TensorFlow unless `KERAS_BACKEND` says `jax` or `torch`."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata

from mien.errors import ExtraMissing, SettingsError


def prepare_keras(backend: str = "") -> None:
    """Set what must be set before Keras is imported, then import it. Raises ExtraMissing where it cannot be.

    backend: `tensorflow`, `jax` or `torch`, whatever the environment says; by default what it says.

    TensorFlow takes Intel's kernels only on some processors by itself; on others they are faster too (1.3 times on a
    processor with AVX2), so they are asked for, unless `TF_ENABLE_ONEDNN_OPTS` says otherwise.
    """
    if backend:
        os.environ["KERAS_BACKEND"] = backend
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        with _quiet():
            import keras  # noqa: F401
    except ImportError as error:
        raise ExtraMissing(f"Training needs Keras and {backend}: {error}.", _cure(backend)) from error
    except ValueError as error:  # Keras's own answer to a backend that it does not know
        raise SettingsError(f"KERAS_BACKEND is {backend!r}: {error}", "Say tensorflow, jax or torch.") from error


def _cure(backend: str) -> str:
    if backend != "tensorflow":
        return f"Install it: pip install {backend}."
    if sys.version_info >= (3, 14):
        return "TensorFlow has no packages for this Python yet: install jax or torch, and say so in KERAS_BACKEND."
    return "Install them: pip install 'mien[train]'."


@contextmanager
def _quiet() -> Iterator[None]:
    """TensorFlow writes to file descriptor 2 while it is imported, whatever its log level; errors are exceptions."""
    sys.stderr.flush()
    before, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)


def versions() -> dict[str, str]:
    """What a result depends on, by name: Python, the packages, the machine's kind."""
    names = ("mien", "keras", "tensorflow", "torch", "jax", "numpy", "opencv-python-headless")
    found = {name: _version(name) for name in names}
    present = {name: version for name, version in found.items() if version}
    return {"python": platform.python_version(), "machine": platform.machine(), **present}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
