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


# Top-1 of single requests 0.858 on sources left out of the fit, 0.859 on all (by ranks); none against
# some 0.947 (0.965 on the source that has the former, left out).
SEMANTIC = TextHeads(
    rank=Weights((2.22, 3.0, 3.88, 3.75, 3.36, 2.86), 0.0),
    sure=Weights((0.174, 0.842, -0.253, 4.551, 0.164), -2.011),
)
# Top-1 0.751.
LEXICAL = TextHeads(
    rank=Weights((11.04,), 0.0),
    sure=Weights((0.595, 0.844, -0.07, -0.771), -1.785),
)
# Dialogues left out of the fit: 0.858 of later messages exact (follow-ups 0.856, changes of topic
# 0.852, closings 0.894); 0.858 on all.
SEMANTIC_STATE = StateHeads(
    agent=Weights(
        (0.531, 0.064, 0.466, -0.426, -0.722, 4.042, 0.436, -1.588, -0.779, 2.222, 1.481, -2.549),
        -0.171,
    ),
    asks=Weights(
        (0.124, 1.241, 1.978, -1.875, -0.866, -0.308, -1.69, -0.679, -0.804, -1.152, -3.359, 0.289),
        4.473,
    ),
)
# 0.67 on dialogues left out.
LEXICAL_STATE = StateHeads(
    agent=Weights(
        (0.284, 0.089, 0.314, -1.293, -0.21, 5.291, 0.169, -1.848, -1.081, 2.176, 1.908, -3.628),
        -0.42,
    ),
    asks=Weights(
        (0.052, 0.28, 0.549, -3.356, -1.185, -0.478, -2.266, -0.916, -1.052, -1.221, -3.469, 0.514),
        6.973,
    ),
)
