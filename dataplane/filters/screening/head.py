"""What the embedded encoder adds: whether a text means what attempts mean, in other words.

The weights in head.json are a logistic regression over the encoder's vectors, fitted by
`python -m tests.bench.screening --fit` to tests/golden/screening/tuned_*.txt and ordinary requests.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

from dataplane.filters.screening.score import Score

FILE = Path(__file__).with_name("head.json")
SURE_FROM = 0.8
"""Of the regression; below it adds nothing. At 0.9 it is as sure as the threshold."""


class _Weights(msgspec.Struct, frozen=True):
    bias: float
    weights: list[float]


class Likeness:
    """Reads the weights once."""

    def __init__(self) -> None:
        read = msgspec.json.decode(FILE.read_bytes(), type=_Weights)
        self._bias, self._weights = read.bias, read.weights

    def added(self, found: Score, vector: Sequence[float] | None) -> Score:
        """What the signs say and what the vector says; None: there is no encoder."""
        if vector is None:
            return found
        sure = max(0.0, (self._chance(vector) - SURE_FROM) / (1.0 - SURE_FROM))
        if sure == 0.0:
            return found
        value = 1.0 - (1.0 - found.value) * (1.0 - sure)
        return Score(round(value, 4), (*found.signs, "likeness"))

    def _chance(self, vector: Sequence[float]) -> float:
        reached = sum(map(float.__mul__, self._weights, vector)) + self._bias
        return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, reached))))
