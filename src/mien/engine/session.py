"""What every engine offers to every stage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from mien.engine.int8 import Ranges
from mien.errors import EngineError
from mien.face import Floats


class Session(Protocol):
    """A loaded model; safe to call from many threads, and the same answer from each."""

    def input_shape(self) -> tuple[int, ...]:
        """The input's shape; -1 stands for a free dimension."""
        ...

    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs, in the model's order."""
        ...

    def run(self, batch: Floats) -> dict[str, Floats]:
        """One pass: `batch` float32 in the input's shape; the outputs by name, owned by the caller."""
        ...

    def describe(self) -> str:
        """Engine, version and precision, for people."""
        ...


Shape = tuple[int, ...] | None
Opener = Callable[[Path, Shape, int, Ranges], Session]


def _openvino(path: Path, shape: Shape, threads: int, int8_ranges: Ranges) -> Session:
    from mien.engine.openvino import OpenVinoSession

    return OpenVinoSession(path, shape, threads, int8_ranges)


def _onnxruntime(path: Path, shape: Shape, threads: int, int8_ranges: Ranges) -> Session:
    from mien.engine.onnxruntime import OnnxRuntimeSession

    return OnnxRuntimeSession(path, shape, threads, int8_ranges)


ENGINES: dict[str, Opener] = {"openvino": _openvino, "onnxruntime": _onnxruntime}


def open_session(path: Path, engine: str, threads: int = 1, shape: Shape = None, int8_ranges: Ranges = ()) -> Session:
    """Load the model at `path` into `engine`.

    threads: how many calls may run at once; each call itself uses one thread. shape: the input's shape where the model
    leaves it free or another is wanted (-1 for a free dimension). int8_ranges: those of an ONNX model whose 1x1
    convolutions shall run in 8-bit integers (`mien.engine.int8`); empty for float32.
    Raises EngineError where the engine is not installed or refuses the model.
    """
    if engine not in ENGINES:
        raise EngineError(f"There is no engine {engine!r}.", f"Choose one of: {', '.join(ENGINES)}.")
    return ENGINES[engine](path, shape, threads, int8_ranges)
