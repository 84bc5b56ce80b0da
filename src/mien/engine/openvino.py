"""OpenVINO on the CPU: reads ONNX and TFLite."""

from __future__ import annotations

import queue
from pathlib import Path
from typing import Final

import numpy as np

from mien.engine.capability import avoid_amx, has_integer_kernels
from mien.engine.int8 import Ranges, quantized_onnx
from mien.engine.plain import plain_onnx
from mien.engine.quiet import openvino
from mien.errors import EngineError
from mien.face import Floats

# Once, before the first model: the plugin settles at its first use which instructions it takes.
INTEGERS_SAFE: Final = avoid_amx() and has_integer_kernels()
# Enough for about six input shapes of a network with free dimensions; the default, 5,000, grows with each new shape.
KEPT_PRIMITIVES: Final = 300


class OpenVinoSession:
    """A model compiled for the CPU, with one inference stream a thread.

    Infer requests are not thread-safe, so each call borrows one of `threads`; every stream has one thread and runs the
    same kernels, which keeps the answers bit-identical. int8_ranges have no effect where integer kernels are
    not known to be safe (`mien.engine.capability`).
    """

    def __init__(
        self, path: Path, shape: tuple[int, ...] | None = None, threads: int = 1, int8_ranges: Ranges = ()
    ) -> None:
        core = openvino.Core()
        ranges = int8_ranges if INTEGERS_SAFE else ()
        try:
            model = _read(core, path, ranges)
            if shape is not None:
                model.reshape(openvino.PartialShape(list(shape)))
            # Without the hint, processors that report AMX without usable tiles die of an illegal instruction.
            config = {
                "INFERENCE_PRECISION_HINT": "f32",
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": threads,
                "ENABLE_CPU_PINNING": False,
                "CPU_RUNTIME_CACHE_CAPACITY": KEPT_PRIMITIVES,
            }
            # Read before compiling: the compiled model's outputs carry the names of fused layers too.
            self._names = tuple(output.any_name for output in model.outputs)
            self._compiled = core.compile_model(model, "CPU", config)
        except EngineError:
            raise
        except Exception as error:
            raise EngineError(
                f"OpenVINO cannot load {path.name}: {str(error).strip().splitlines()[-1]}",
                "`mien weights verify` checks the file.",
            ) from error
        self._requests: queue.SimpleQueue[openvino.InferRequest] = queue.SimpleQueue()
        self._precision = "int8" if ranges else "f32"
        for _ in range(threads):
            self._requests.put(self._compiled.create_infer_request())

    def input_shape(self) -> tuple[int, ...]:
        """The input's shape; -1 stands for a free dimension."""
        shape = self._compiled.input(0).partial_shape
        return tuple(-1 if size.is_dynamic else size.get_length() for size in shape)

    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs, in the model's order."""
        return self._names

    def run(self, batch: Floats) -> dict[str, Floats]:
        """One pass; waits where all requests are busy."""
        values = np.ascontiguousarray(batch, np.float32)
        request = self._requests.get()
        try:
            # The tensor borrows the array's memory, so `values` must live until the pass is over.
            request.set_input_tensor(openvino.Tensor(values, shared_memory=True))
            request.infer()
            return {name: request.get_output_tensor(i).data.copy() for i, name in enumerate(self._names)}
        finally:
            self._requests.put(request)

    def describe(self) -> str:
        """Engine, version and precision, for people."""
        return f"OpenVINO {openvino.__version__.split('-')[0]}, CPU, {self._precision}"


def _read(core: openvino.Core, path: Path, ranges: Ranges) -> openvino.Model:
    if path.suffix != ".onnx":
        return core.read_model(path)
    data = plain_onnx(path.read_bytes())
    return core.read_model(quantized_onnx(data, ranges) if ranges else data, b"")
