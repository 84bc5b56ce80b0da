"""One trial run of a model: does it give what its card says?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn

import numpy as np

from mien.engine.session import open_session
from mien.errors import WeightsCardInvalid
from mien.face import Floats
from mien.settings import Settings
from mien.weights.card import Card, SequenceSpec

# Of the made-up sequence.
TRIAL_FRAMES: Final = 3
# Besides the features: whether a face was seen, and the clock.
SEQUENCE_EXTRA: Final = 2


def try_model(path: Path, card: Card, settings: Settings) -> None:
    """Load the file in the engine; where the card says what goes in, run it once on a made-up crop.

    Raises EngineError where the engine refuses the file or the crop, WeightsCardInvalid where what comes out is not
    what the card says.
    """
    shape = _input_shape(card)
    session = open_session(path, settings.engine, shape=shape)
    if shape is None:
        return
    crop: Floats = np.linspace(-1, 1, num=int(np.prod(shape)), dtype=np.float32).reshape(shape)
    outputs = session.run(crop)
    if card.expression:
        expression_widths(card, outputs)
    if card.sequence:
        sequence_outputs(card, outputs)
    if card.embed:
        embedding = outputs[session.output_names()[0]]
        if embedding.shape != (1, card.embed.dimensions):
            _refuse(card, f"its first output has the shape {embedding.shape}", f"(N, {card.embed.dimensions})")
    for name, values in outputs.items():
        if not np.isfinite(values).all():
            _refuse(card, f"its output {name!r} is not finite", "numbers")


def expression_widths(card: Card, outputs: Mapping[str, Floats]) -> dict[str, int]:
    """Columns of each output that the card of an expression model names: classes of a head, length of the features.

    Raises WeightsCardInvalid where one is not there or has another shape than (N, columns).
    """
    assert card.expression is not None
    wanted: dict[str, int | None] = {head.output: len(head.classes) for head in card.expression.heads}
    if card.expression.features:
        wanted[card.expression.features] = None
    widths = {}
    for name, width in wanted.items():
        if name not in outputs:
            _refuse(card, f"it has the outputs {', '.join(outputs)}", repr(name))
        shape = outputs[name].shape
        if len(shape) != 2 or width not in (None, shape[1]):
            _refuse(card, f"its output {name!r} has the shape {shape}", f"(N, {width or 'D'})")
        widths[name] = shape[1]
    return widths


def sequence_outputs(card: Card, outputs: Mapping[str, Floats]) -> None:
    """Of one frame, (1, C) and the state (1, S); of a sequence, (1, T, C) and (1, C).

    Raises WeightsCardInvalid where an output that the card of a sequence model names is not there, or of another shape.
    """
    assert card.sequence is not None
    spec = card.sequence
    classes = len(spec.moment.classes)
    if spec.state:
        wanted: dict[str, tuple[int, ...]] = {spec.moment.output: (1, classes), "state": (1, spec.state)}
    else:
        assert spec.whole is not None
        wanted = {spec.moment.output: (1, TRIAL_FRAMES, classes), spec.whole.output: (1, classes)}
    for name, shape in wanted.items():
        if name not in outputs:
            _refuse(card, f"it has the outputs {', '.join(outputs)}", repr(name))
        if outputs[name].shape != shape:
            _refuse(card, f"its output {name!r} has the shape {outputs[name].shape}", str(shape))


def _input_shape(card: Card) -> tuple[int, ...] | None:
    if card.sequence:
        return sequence_shape(card.sequence, TRIAL_FRAMES)
    if card.expression:
        return 1, card.expression.size, card.expression.size, 1
    if card.embed:
        size = card.embed.size
        return (1, 3, size, size) if card.embed.layout == "nchw" else (1, size, size, 3)
    return None


def sequence_shape(spec: SequenceSpec, frames: int) -> tuple[int, ...]:
    """Of a sequence model's input: one frame and the state, or (1, frames, dimensions + 2); -1 for a free length."""
    width = spec.dimensions + SEQUENCE_EXTRA
    return (1, width + spec.state) if spec.state else (1, frames, width)


def _refuse(card: Card, found: str, wanted: str) -> NoReturn:
    raise WeightsCardInvalid(f"The model {card.name} is not as its card says: {found}, not {wanted}.", "Mend the card.")
