"""Whole-number scalar products of the high plane with probes: what the scan spends its time on."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any, Final

import numkong
import numpy as np
from numpy.typing import NDArray

from mien.gallery.search.planes import CODE, PROBE_CODE, Int8s

try:
    import onnxruntime
except ImportError:  # pragma: no cover
    onnxruntime = None

# From so many probes on, ONNX Runtime's product with unsigned rows is faster than numkong's.
MANY: Final = 9
_SIGN: Final = np.uint8(0x80)


def products(rows: Int8s, codes: Int8s) -> NDArray[Any]:
    """(N, P) whole numbers, int32 or float32: each of (N, D) rows, -127..127, with each of (P, D) codes, -63..63.

    One probe: numkong row by row. More: numkong's integer matrix product. Many: ONNX Runtime's, where it is installed.
    """
    if len(codes) == 1:
        sums = np.empty(len(rows), np.float32)
        products_of_one(rows, codes, sums)
        return sums[:, np.newaxis]
    if len(codes) >= MANY and _integer_product() is not None:
        return _by_matrix(rows, codes)
    return np.asarray(numkong.dots_packed(rows, packed(codes)))


def products_of_one(rows: Int8s, code: Int8s, out: NDArray[np.float32]) -> None:
    """Write the products of (1, D) codes with (N, D) rows into out (N,)."""
    numkong.cdist(code, rows, "dot", out=out[np.newaxis], out_dtype="float32")  # exact: no sum reaches 2 ** 24


def packed(rows: Int8s) -> numkong.PackedMatrix:
    """A copy of (N, D) rows in an order in which one probe meets them three times as fast; D + 20 bytes a row."""
    return numkong.dots_pack(rows, dtype="int8")


def products_packed(rows: numkong.PackedMatrix, code: Int8s) -> NDArray[np.int32]:
    """(N,) the products of (1, D) codes with rows that were packed."""
    sums: NDArray[np.int32] = np.asarray(numkong.dots_packed(code, rows))[0]
    return sums


def describe() -> str:
    """Which libraries compute here, for people."""
    many = f"ONNX Runtime {onnxruntime.__version__}" if _integer_product() is not None else "the same"
    return f"numkong {version('numkong')}, for {MANY} probes or more {many}"


def _by_matrix(rows: Int8s, codes: Int8s) -> NDArray[np.int32]:
    """The fast kernels want one side unsigned: rows + 128, of which the node's zero point takes 128 off again."""
    shifted = np.bitwise_xor(rows.view(np.uint8), _SIGN)
    sums: NDArray[np.int32] = _integer_product().run(None, {"rows": shifted, "codes": np.ascontiguousarray(codes.T)})[0]
    return sums


@cache
def _integer_product() -> Any:
    """A session of one node, one thread a call; None without ONNX Runtime, or where its product is not exact.

    The proof that nothing is missed rests on exact sums, so the largest ones that can occur are tried first: on x86
    without VNNI, products of two neighbours are added in 16 bits.
    """
    if onnxruntime is None:
        return None
    from onnx import TensorProto, helper, numpy_helper  # slow to import, and only batches need it

    def info(name: str, kind: int) -> Any:
        return helper.make_tensor_value_info(name, kind, [None, None])

    ends = info("rows", TensorProto.UINT8), info("codes", TensorProto.INT8), info("sums", TensorProto.INT32)
    node = helper.make_node("MatMulInteger", ["rows", "codes", "zero"], ["sums"])
    zero = numpy_helper.from_array(np.array(_SIGN), "zero")
    graph = helper.make_graph([node], "scan", list(ends[:2]), [ends[2]], [zero])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    rows = np.repeat(np.array([[CODE + 128], [1], [128]], np.uint8), 128, axis=1)
    codes = np.repeat(np.array([[PROBE_CODE, -PROBE_CODE, 1]], np.int8), 128, axis=0)
    exact = (rows.astype(np.int32) - 128) @ codes.astype(np.int32)
    (got,) = session.run(None, {"rows": rows, "codes": codes})
    return session if np.array_equal(got, exact) else None
