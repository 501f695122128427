"""The fitted numbers of the embedded router: linear heads, and nothing but.

Printed by `python -m tests.bench.fit_router`, whose output also says what they score on data they
were not fitted on. Nothing more flexible: networks and adapters fitted on the same data lost on
other domains (reference/routing.md 4).
"""

from dataclasses import dataclass

Features = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Weights:
    """A linear head: weights . features + bias."""

    weights: tuple[float, ...]
    bias: float = 0.0

    def __call__(self, features: Features) -> float:
        return self.bias + sum(w * x for w, x in zip(self.weights, features, strict=True))


@dataclass(frozen=True, slots=True)
class TextHeads:
    """For one text alone."""

    rank: Weights
    """Who is nearest. MiniLM: head, whole, unit, words, example, BM25 share; BM25: its share."""
    sure: Weights
    """Whether near is near enough; see score.sure_features."""


@dataclass(frozen=True, slots=True)
class StateHeads:
    """For a message within a conversation."""

    agent: Weights
    """Who should answer; see state.agent_features."""
    asks: Weights
    """Whether anybody should; see state.asks_features."""


# Single requests: 0.858 right on sources left out of the fit, 0.859 on all. None against some:
# 0.947, and 0.965 on the source that has the former when it is left out.
SEMANTIC = TextHeads(
    rank=Weights((2.22, 3.0, 3.89, 3.75, 3.36, 2.85), 0.0),
    sure=Weights((0.174, 0.842, -0.253, 4.549, 0.164), -2.012),
)
# Top-1 0.751.
LEXICAL = TextHeads(
    rank=Weights((11.0,), 0.0),
    sure=Weights((0.592, 0.842, -0.068, -0.752), -1.786),
)
# Dialogues left out of the fit: 0.857 of later messages exact (follow-ups 0.853, changes of topic
# 0.852, closings 0.894); 0.857 on all.
SEMANTIC_STATE = StateHeads(
    agent=Weights(
        (0.531, 0.064, 0.466, -0.427, -0.722, 4.041, 0.436, -1.588, -0.779, 2.223, 1.481, -2.548),
        -0.169,
    ),
    asks=Weights(
        (
            0.125,
            1.246,
            1.986,
            -1.874,
            -0.863,
            -0.309,
            -1.692,
            -0.692,
            -0.772,
            -1.148,
            -3.365,
            0.288,
        ),
        4.463,
    ),
)
# 0.67 on dialogues left out.
LEXICAL_STATE = StateHeads(
    agent=Weights(
        (0.285, 0.092, 0.315, -1.266, -0.202, 5.302, 0.164, -1.792, -1.106, 2.149, 1.894, -3.635),
        -0.409,
    ),
    asks=Weights(
        (
            0.053,
            0.297,
            0.555,
            -3.359,
            -1.184,
            -0.484,
            -2.278,
            -0.946,
            -0.993,
            -1.215,
            -3.484,
            0.515,
        ),
        6.96,
    ),
)
