"""ONNX Runtime: the other engine, for processors and graphics cards that OpenVINO does not serve. Reads ONNX only."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.engine.int8 import Ranges, quantized_onnx
from mien.engine.plain import plain_onnx
from mien.errors import EngineError, ExtraMissing
from mien.face import Floats

try:
    import onnxruntime
except ImportError as error:
    raise ExtraMissing("ONNX Runtime is not installed.", "pip install 'mien[onnxruntime]'") from error


class OnnxRuntimeSession:
    """A model in ONNX Runtime, one thread a call; its sessions may be called from many threads as they are."""

    def __init__(
        self, path: Path, shape: tuple[int, ...] | None = None, threads: int = 1, int8_ranges: Ranges = ()
    ) -> None:
        if path.suffix != ".onnx":
            raise EngineError(f"ONNX Runtime does not read {path.name}.", "Use the engine openvino for this model.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            # Its fused kernels know no PRelu: it computes the quantised function in floats, with folded weights.
            data = plain_onnx(_quantized(path, int8_ranges), shape, split_prelu=True)
            self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except EngineError:
            raise
        except Exception as error:
            raise EngineError(
                f"ONNX Runtime cannot load {path.name}: {error}", "`mien weights verify` checks the file."
            ) from error
        self._input = self._session.get_inputs()[0]
        self._names = tuple(output.name for output in self._session.get_outputs())
        self._precision = "int8 in float32" if int8_ranges else "f32"

    def input_shape(self) -> tuple[int, ...]:
        """The input's shape; -1 stands for a free dimension."""
        return tuple(size if isinstance(size, int) else -1 for size in self._input.shape)

    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs, in the model's order."""
        return self._names

    def run(self, batch: Floats) -> dict[str, Floats]:
        """One pass on the calling thread."""
        values = self._session.run(None, {self._input.name: np.ascontiguousarray(batch, np.float32)})
        return dict(zip(self._names, values, strict=True))

    def describe(self) -> str:
        """Engine, version and precision, for people."""
        return f"ONNX Runtime {onnxruntime.__version__}, CPU, {self._precision}"


def _quantized(path: Path, int8_ranges: Ranges) -> bytes:
    data = path.read_bytes()
    return quantized_onnx(plain_onnx(data), int8_ranges) if int8_ranges else data
