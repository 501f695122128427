"""The fitted numbers of the embedded router: linear heads, and nothing but.

Printed by `python -m tests.bench.fit_router`, whose output also says what they score on data they
were not fitted on. Nothing more flexible: networks and adapters fitted on the same data lost on
other domains (reference/routing.md 4).
"""

from dataclasses import dataclass
from operator import mul

Features = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """A linear head: weights . features + bias."""

    weights: tuple[float, ...]
    bias: float = 0.0

    def __call__(self, features: Features) -> float:
        # Half the CPU of a generator; twenty of these are a decision among ten agents.
        total: float = sum(map(mul, self.weights, features))
        return self.bias + total


@dataclass(frozen=True, slots=True)
class TextHeads:
    """For one text alone."""

    rank: Weights
    """Who is nearest. MiniLM: head, whole, unit, words, example, BM25 share; USE: its opinion, BM25
    share; both: their opinion, unit, words, BM25 share; BM25: that (see Views, OpinionIndex)."""
    sure: Weights
    """Whether near is near enough; see score.sure_features."""


@dataclass(frozen=True, slots=True)
class StateHeads:
    """For a message within a conversation."""

    agent: Weights
    """Who should answer; see state.agent_features."""
    asks: Weights
    """Whether anybody should; see state.asks_features."""
    said: Weights
    """Who gave the last answer; see state.said_features."""


# Single requests: 0.860 right on sources left out of the fit, 0.860 on all. None against some:
# 0.948, and 0.966 on the source that has the former when it is left out.
SEMANTIC = TextHeads(
    rank=Weights((2.16, 3.11, 3.92, 3.71, 3.36, 2.83), 0.0),
    sure=Weights((0.17, 0.842, -0.255, 4.578, 0.171), -2.009),
)
# Single requests: 0.872 right on sources left out of the fit, 0.872 on all. None against some:
# 0.954, and 0.973 on the source that has the former when it is left out.
BOTH = TextHeads(
    rank=Weights((5.83, 4.16, 3.46, 1.9), 0.0),
    sure=Weights((0.313, 0.843, -0.309, 4.669, 0.102), -2.059),
)
# USE alone. Single requests: 0.843 right on sources left out of the fit, 0.842 on all. None against
# some: 0.930, and 0.954 on the source that has the former when it is left out.
QUICK = TextHeads(
    rank=Weights((8.8, 4.49), 0.0),
    sure=Weights((0.489, 0.869, -0.291, 4.002, 0.05), -1.854),
)
# Top-1 0.751.
LEXICAL = TextHeads(
    rank=Weights((11.0,), 0.0),
    sure=Weights((0.592, 0.842, -0.068, -0.752), -1.786),
)
# Later messages of dialogues left out of the fit: 0.865 exact (follow-ups 0.876, changes of topic
# 0.830, closings 0.909); with all dialogues of a service left out 0.871; 0.874 on all.
SEMANTIC_STATE = StateHeads(
    agent=Weights(
        (
            0.469,
            0.086,
            0.439,
            0.824,
            -0.555,
            3.827,
            0.304,
            -1.442,
            -1.518,
            1.388,
            1.446,
            -3.016,
            0.977,
            -0.637,
            0.6,
            0.201,
            -2.118,
        ),
        0.45,
    ),
    asks=Weights(
        (0.101, 1.243, 2.802, -1.71, -0.756, -0.232, -1.55, -0.621, -0.808, -1.1, -3.235, 0.26),
        3.687,
    ),
    said=Weights((0.909, 0.726), 0.0),
)
# 0.670 on all.
LEXICAL_STATE = StateHeads(
    agent=Weights(
        (
            0.295,
            0.117,
            0.286,
            0.167,
            -0.127,
            4.072,
            0.179,
            -1.378,
            -1.555,
            1.237,
            1.725,
            -3.445,
            0.758,
            -0.547,
            0.453,
            0.212,
            -1.254,
        ),
        -0.071,
    ),
    asks=Weights(
        (0.047, 0.3, 0.72, -3.326, -1.168, -0.473, -2.278, -0.954, -1.001, -1.208, -3.485, 0.512),
        6.832,
    ),
    said=Weights((0.866, 0.71), 0.0),
)
