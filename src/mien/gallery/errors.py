"""Errors of the gallery."""

from __future__ import annotations

from mien.errors import MienError


class GalleryError(MienError):
    """Something about a gallery; the subclasses say what."""

    code = "gallery"


class GalleryMissing(GalleryError):
    """There is no gallery, no key or no backup at the place that was named."""

    code = "gallery-missing"


class GalleryExists(GalleryError):
    """Something is already where a gallery, a key or a backup would be made; nothing is ever overwritten."""

    code = "gallery-exists"


class GalleryKeyMissing(GalleryError):
    """No master key was found, or one that is not safe to use, such as a file that others can read."""

    code = "gallery-key"


class WrongKey(GalleryError):
    """The master key is not the one that this gallery was made with."""

    code = "gallery-wrong-key"


class GalleryNewer(GalleryError):
    """The gallery was written by a newer version of mien."""

    code = "gallery-newer"


class GalleryModel(GalleryError):
    """The gallery's templates are of another embedder, or vectors have another length."""

    code = "gallery-model"


class GalleryDamaged(GalleryError):
    """A file of the gallery is corrupt, or a row was changed by something that has no key."""

    code = "gallery-damaged"


class GalleryReadOnly(GalleryError):
    """The gallery can be read and not written: a read-only folder or disk."""

    code = "gallery-read-only"


class GalleryFull(GalleryError):
    """The disk is full; what was being written is undone."""

    code = "gallery-full"


class GalleryBusy(GalleryError):
    """Another process has been writing for longer than this one waits."""

    code = "gallery-busy"


class PersonUnknown(GalleryError):
    """No person of the gallery has this id; removed people are unknown."""

    code = "person-unknown"


class PersonChanged(GalleryError):
    """The person was changed since the change that the caller knows of."""

    code = "person-changed"


class ConsentMissing(GalleryError):
    """The gallery's policy asks for a consent record, and there is none or it has run out."""

    code = "consent-missing"


class EnrolmentRefused(GalleryError):
    """The photos are not fit to enrol; `reasons` has a sentence for each cause."""

    code = "enrolment-refused"

    def __init__(self, reasons: tuple[str, ...], cure: str = "") -> None:
        super().__init__(" ".join(reasons), cure)
        self.reasons = reasons
