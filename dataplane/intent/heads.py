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


# Top-1 of single requests 0.859 on sources left out of the fit, 0.860 on all; none against some
# 0.947 (0.967 on the source with most of the former, left out).
SEMANTIC = TextHeads(
    rank=Weights((2.23, 3.01, 3.89, 3.76, 3.36, 2.85)),
    sure=Weights((0.288, 0.858, -0.228, 4.758), -2.462),
)
# Top-1 0.751.
LEXICAL = TextHeads(
    rank=Weights((11.04,)),
    sure=Weights((0.595, 0.844, -0.07, -0.771), -1.785),
)
# Dialogues left out of the fit: 0.854 of later messages exact (follow-ups 0.849, changes of topic
# 0.852, closings 0.894); 0.858 on all.
SEMANTIC_STATE = StateHeads(
    agent=Weights(
        (0.512, 0.051, 0.493, -0.56, -0.702, 4.292, 0.415, -1.589, -0.817, 2.373, 1.53, -2.874),
        -0.179,
    ),
    asks=Weights(
        (0.127, 1.267, 1.922, -2.167, -0.957, -0.445, -2.069, -0.868, -1.054, -3.299, 0.284), 4.533
    ),
)
# 0.67 on dialogues left out.
LEXICAL_STATE = StateHeads(
    agent=Weights(
        (0.284, 0.09, 0.314, -1.288, -0.211, 5.284, 0.17, -1.849, -1.063, 2.17, 1.908, -3.625),
        -0.42,
    ),
    asks=Weights(
        (0.049, 0.284, 0.532, -3.62, -1.257, -0.603, -2.641, -1.05, -1.112, -3.422, 0.524), 7.027
    ),
)
