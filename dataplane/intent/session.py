"""onnxruntime as the router uses it: on one thread, keeping nothing between two runs.

Imported only where the `router` extra is installed.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataplane.intent.onnx_file import MICROSOFT, Graph

Floats = NDArray[np.float32]


def open_session(model: bytes) -> Any:
    """A model, ready to run. Safe to run from several threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Its own arena would keep the buffers of the largest request for good.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def int8_product(matrix: Floats) -> Callable[[Floats], Floats]:
    """Rows -> their products with each row of `matrix`, in int8.

    Of the words of a request with those of nine agents it takes a tenth of what numpy does: a
    fourth of the bytes, which no cache holds while the network runs between two requests.
    """
    quantised, scale = quantise(matrix.T)
    graph = Graph()
    stored = [graph.tensor("matrix", quantised), graph.tensor("scale", scale)]
    graph.node("DynamicQuantizeMatMul", ["rows", *stored], ["products"], MICROSOFT)
    session = open_session(graph.model({"rows": (np.float32, 2)}, "products"))

    def product(rows: Floats) -> Floats:
        found: Floats = session.run(None, {"rows": rows})[0]
        return found

    return product


def quantise(matrix: Floats) -> tuple[NDArray[np.int8], Floats]:
    """A matrix with an even number of rows in int8, and the scale of each of its columns.

    A CPU without VNNI multiplies two bytes by the two beside them and adds the products in 16 bits,
    which saturate: here no two of one sign, in rows 0 and 1, 2 and 3 ..., add up to more than 128,
    times 255. So every CPU computes the same, none the slow way (a seventh more CPU of MiniLM).
    """
    pairs = matrix.reshape(-1, 2, matrix.shape[1])
    sums = np.maximum(np.maximum(pairs, 0).sum(axis=1), np.maximum(-pairs, 0).sum(axis=1))
    scale = np.maximum(sums.max(axis=0), 1e-12) / 127
    return np.rint(matrix / scale).astype(np.int8), scale.astype(np.float32)
