"""mien: faces, identities and expressions from images, videos and cameras, on your own machine.

The names below are loaded when first used, so that `import mien` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.analyze import Analyzer
    from mien.errors import MienError
    from mien.face import Analysis, Face, Failed, NotAsked
    from mien.gallery.gallery import Gallery
    from mien.image import open_photo
    from mien.settings import Settings, load_settings
    from mien.video.loop import VideoAnalyzer
    from mien.video.source.open import open_source

__version__ = "0.1.0"

_HOMES = {
    "Analyzer": "mien.analyze",
    "MienError": "mien.errors",
    "Analysis": "mien.face",
    "Face": "mien.face",
    "Failed": "mien.face",
    "NotAsked": "mien.face",
    "Gallery": "mien.gallery.gallery",
    "open_photo": "mien.image",
    "Settings": "mien.settings",
    "load_settings": "mien.settings",
    "VideoAnalyzer": "mien.video.loop",
    "open_source": "mien.video.source.open",
}

__all__ = [
    "Analysis",
    "Analyzer",
    "Face",
    "Failed",
    "Gallery",
    "MienError",
    "NotAsked",
    "Settings",
    "VideoAnalyzer",
    "load_settings",
    "open_photo",
    "open_source",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'mien' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
