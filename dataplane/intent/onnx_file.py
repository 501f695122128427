"""The few fields of ONNX's protobuf that are needed: weights out of one model, another written.

That keeps the `onnx` package, and protobuf, out of the router's dependencies.
"""

import struct
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]

# Field numbers of onnx.proto (ModelProto, GraphProto, NodeProto, TensorProto, AttributeProto,
# ValueInfoProto).
_MODEL_IR, _MODEL_GRAPH, _MODEL_OPSET = 1, 7, 8
_GRAPH_NODE, _GRAPH_NAME, _GRAPH_TENSOR, _GRAPH_INPUT, _GRAPH_OUTPUT = 1, 2, 5, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_OP, _NODE_ATTRIBUTE, _NODE_DOMAIN = 1, 2, 4, 5, 7
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW = 1, 2, 8, 9
_TYPES: dict[int, type[np.generic]] = {1: np.float32, 3: np.int8, 7: np.int64}
_IR_VERSION, _OPSET = 8, 17
MICROSOFT = "com.microsoft"
"""The domain of onnxruntime's own operators, which its wheel always has."""


def weights(model: bytes) -> dict[str, Array]:
    """The tensors that a model stores, by name; those of other types than we know are left out."""
    found: dict[str, Array] = {}
    for number, graph in _fields(model):
        if number != _MODEL_GRAPH or not isinstance(graph, memoryview):
            continue
        for inner, tensor in _fields(graph):
            if inner == _GRAPH_TENSOR and isinstance(tensor, memoryview):
                name, array = _tensor(tensor)
                if array is not None:
                    found[name] = array
    return found


def _tensor(message: memoryview) -> tuple[str, Array | None]:
    name, dims, kind, raw = "", list[int](), 0, None
    for number, value in _fields(message):
        match number, value:
            case _, int() if number == _TENSOR_DIMS:
                dims.append(value)
            case _, int() if number == _TENSOR_TYPE:
                kind = value
            case _, memoryview() if number == _TENSOR_NAME:
                name = bytes(value).decode()
            case _, memoryview() if number == _TENSOR_RAW:
                raw = value
    if raw is None or kind not in _TYPES:
        return name, None
    return name, np.frombuffer(raw, _TYPES[kind]).reshape(dims)


class Graph:
    """A model as it is written: nodes in order, with the tensors they need."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def tensor(self, name: str, value: Array) -> str:
        """A tensor stored in the model; returns its name."""
        kind = next(number for number, known in _TYPES.items() if value.dtype == known)
        dims = b"".join(_number(_TENSOR_DIMS, size) for size in value.shape)
        body = dims + _number(_TENSOR_TYPE, kind) + _bytes(_TENSOR_NAME, name.encode())
        raw = _bytes(_TENSOR_RAW, np.ascontiguousarray(value).tobytes())
        self._parts.append(_bytes(_GRAPH_TENSOR, body + raw))
        return name

    def node(
        self,
        op: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        domain: str = "",
        **attributes: int | float,
    ) -> str:
        """One operator; returns the name of its first output. An optional input left out is ""."""
        body = b"".join(_bytes(_NODE_INPUT, name.encode()) for name in inputs)
        body += b"".join(_bytes(_NODE_OUTPUT, name.encode()) for name in outputs)
        body += _bytes(_NODE_OP, op.encode()) + _bytes(_NODE_DOMAIN, domain.encode())
        for name, value in attributes.items():
            body += _bytes(_NODE_ATTRIBUTE, _attribute(name, value))
        self._parts.append(_bytes(_GRAPH_NODE, body))
        return outputs[0]

    def model(self, inputs: dict[str, tuple[type[np.generic], int]], output: str) -> bytes:
        """The whole; inputs have a type and a number of dimensions, whose sizes are open."""
        graph = [_bytes(_GRAPH_NAME, b"outrider"), *self._parts]
        graph += [_bytes(_GRAPH_INPUT, _value(name, *what)) for name, what in inputs.items()]
        graph.append(_bytes(_GRAPH_OUTPUT, _value(output, np.float32, None)))
        opsets = b"".join(
            _bytes(_MODEL_OPSET, _bytes(1, domain.encode()) + _number(2, version))
            for domain, version in (("", _OPSET), (MICROSOFT, 1))
        )
        body = _bytes(_MODEL_GRAPH, b"".join(graph))
        return _number(_MODEL_IR, _IR_VERSION) + opsets + body


def _value(name: str, kind: type[np.generic], dimensions: int | None) -> bytes:
    number = next(n for n, known in _TYPES.items() if known is kind)
    tensor = _number(1, number)
    if dimensions is not None:
        tensor += _bytes(2, b"".join(_bytes(1, b"") for _ in range(dimensions)))
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor))


def _attribute(name: str, value: float) -> bytes:
    if isinstance(value, int):  # AttributeProto: i = 3, f = 2, type = 20 (INT = 2, FLOAT = 1)
        return _bytes(1, name.encode()) + _number(3, value) + _number(20, 2)
    return (
        _bytes(1, name.encode()) + _varint(2 << 3 | 5) + struct.pack("<f", value) + _number(20, 1)
    )


def _fields(message: bytes | memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Each field's number and value: of a length-delimited one its bytes, else a number."""
    view, at = memoryview(message), 0
    while at < len(view):
        key, at = _read_varint(view, at)
        match key & 7:
            case 0:
                number, at = _read_varint(view, at)
                yield key >> 3, number
            case 1:
                at += 8
            case 5:
                at += 4
            case 2:
                size, at = _read_varint(view, at)
                yield key >> 3, view[at : at + size]
                at += size
            case _:
                raise ValueError("not a protobuf message")


def _read_varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value
