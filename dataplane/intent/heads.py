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
    share; both: their opinion, words, BM25 share; BM25: its share (see Views and OpinionIndex)."""
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
# Single requests: 0.872 right on sources left out of the fit, 0.873 on all. None against some:
# 0.952, and 0.961 on the source that has the former when it is left out.
BOTH = TextHeads(
    rank=Weights((7.4, 4.53, 2.06), 0.0),
    sure=Weights((0.403, 0.854, -0.36, 4.587, 0.093), -2.093),
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
# Later messages of dialogues left out of the fit: 0.858 exact (follow-ups 0.867, changes of topic
# 0.830, closings 0.894); with all dialogues of a service left out 0.867; 0.870 on all.
SEMANTIC_STATE = StateHeads(
    agent=Weights(
        (
            0.536,
            0.055,
            0.473,
            0.65,
            -0.686,
            3.917,
            0.419,
            -1.61,
            -1.44,
            1.536,
            0.602,
            -3.022,
            0.992,
            -0.688,
            0.623,
            0.204,
        ),
        0.479,
    ),
    asks=Weights(
        (
            0.122,
            1.285,
            1.882,
            -1.848,
            -0.882,
            -0.321,
            -1.676,
            -0.648,
            -0.763,
            -1.142,
            -3.391,
            0.286,
        ),
        4.469,
    ),
    said=Weights((0.872, 0.726), 0.0),
)
# 0.678 on all.
LEXICAL_STATE = StateHeads(
    agent=Weights(
        (
            0.299,
            0.147,
            0.302,
            -0.655,
            -0.179,
            5.303,
            0.251,
            -1.513,
            -1.431,
            1.459,
            1.116,
            -3.991,
            0.738,
            -0.585,
            0.339,
            0.218,
        ),
        0.194,
    ),
    asks=Weights(
        (0.053, 0.315, 0.511, -3.359, -1.188, -0.485, -2.279, -0.958, -0.987, -1.215, -3.489, 0.51),
        6.975,
    ),
    said=Weights((0.868, 0.71), 0.0),
)
