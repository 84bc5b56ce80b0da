"""Every error that mien raises on purpose.

Each names its cause and, after it, the cure. `code` is stable: the command line and the service print it, and programs
may compare it.
"""

from __future__ import annotations


class MienError(Exception):
    """Base of all errors of mien: `cause` says what happened, `cure` what to do about it."""

    code = "error"

    def __init__(self, cause: str, cure: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.cause} {self.cure}".strip()


class ImageError(MienError):
    """An image could not be read; the subclasses say why."""

    code = "image"


class ImageMissing(ImageError):
    """There is no readable file at the path."""

    code = "image-missing"


class ImageEmpty(ImageError):
    """Zero bytes, or zero pixels."""

    code = "image-empty"


class ImageFormatRefused(ImageError):
    """The content is of no format that mien decodes (the file's name is never asked)."""

    code = "image-format"


class ImageTruncated(ImageError):
    """The file ends before its picture does."""

    code = "image-truncated"


class ImageCorrupt(ImageError):
    """The header reads well, the content does not."""

    code = "image-corrupt"


class ImageTooLarge(ImageError):
    """More bytes or pixels than the limit; raised before pixels are allocated."""

    code = "image-too-large"


class ImageArrayRefused(ImageError):
    """An array that is not (H, W, 3) uint8 RGB."""

    code = "image-array"


class WeightsError(MienError):
    """Something about model weights; the subclasses say what."""

    code = "weights"


class WeightsUnknown(WeightsError):
    """No card has this name."""

    code = "weights-unknown"


class WeightsOffline(WeightsError):
    """The weights are not in the cache, and MIEN_OFFLINE forbids to fetch them."""

    code = "weights-offline"


class WeightsFetchFailed(WeightsError):
    """No source of the card could be reached."""

    code = "weights-fetch"


class WeightsHashMismatch(WeightsError):
    """A file is not the one that its card names."""

    code = "weights-hash"


class WeightsPolicyRefused(WeightsError):
    """The licence policy in force does not allow these weights."""

    code = "weights-policy"


class WeightsArchiveRefused(WeightsError):
    """An archive of weights is damaged, too large or hostile."""

    code = "weights-archive"


class WeightsCardInvalid(WeightsError):
    """A card lacks a field, or a field has a value that it cannot have."""

    code = "weights-card"


class EngineError(MienError):
    """An inference engine is absent, or refuses a model."""

    code = "engine"


class SettingsError(MienError):
    """A setting has a value that it cannot have."""

    code = "settings"


class EmbeddingMismatch(MienError):
    """Two embeddings of different models were compared."""

    code = "embedding-mismatch"


class CalibrationError(MienError):
    """A calibration is damaged, or is asked for a rate that its data cannot support."""

    code = "calibration"


class DataError(MienError):
    """A data set, pairs file or folder of people is not laid out as documented."""

    code = "data"


class RecipeError(MienError):
    """A training recipe, or a training run on disk, is not as it must be."""

    code = "recipe"


class ExtraMissing(MienError):
    """A feature needs an optional dependency that is not installed."""

    code = "extra-missing"


class VideoError(MienError):
    """A video, stream or camera could not be read; the subclasses say why."""

    code = "video"


class VideoMissing(VideoError):
    """There is no readable file, camera or address of this name."""

    code = "video-missing"


class VideoFormatRefused(VideoError):
    """The content is no video that can be decoded, or has no picture."""

    code = "video-format"


class VideoTooLarge(VideoError):
    """Its pictures have more pixels than the limit."""

    code = "video-too-large"


class StreamLost(VideoError):
    """A stream went away and did not come back within the time allowed."""

    code = "stream-lost"


class SinkError(MienError):
    """Results could not be written or sent."""

    code = "sink"
