"""Keras and what runs it, loaded in one place: TensorFlow unless `KERAS_BACKEND` says `jax` or `torch`."""

from __future__ import annotations

import os
import platform
from importlib import metadata

from mien.errors import ExtraMissing


def prepare_keras() -> None:
    """Set what must be set before Keras is imported, then import it. Raises ExtraMissing where it cannot be.

    TensorFlow takes Intel's kernels only on some processors by itself; on others they are faster too (1.3 times on a
    processor with AVX2), so they are asked for, unless `TF_ENABLE_ONEDNN_OPTS` says otherwise.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        import keras  # noqa: F401
    except ImportError as error:
        raise ExtraMissing(
            f"Training needs Keras and {os.environ['KERAS_BACKEND']}: {error}.",
            "Install them: pip install 'mien[train]'.",
        ) from error


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
