"""The fitted numbers."""

import pytest

from dataplane.intent.conversation import Asked
from dataplane.intent.heads import LEXICAL_STATE, SEMANTIC_STATE, StateHeads, Weights
from dataplane.intent.score import Reading
from dataplane.intent.state import Belief, agent_features, asks_features, said_features

READING = Reading((1.0, 0.0), (2.0, -3.0), (0.5, 0.0))


def test_a_head_is_a_weighted_sum() -> None:
    assert Weights((2.0, -1.0), 0.5)((3.0, 1.0)) == 5.5


@pytest.mark.parametrize("heads", [SEMANTIC_STATE, LEXICAL_STATE], ids=["minilm", "bm25"])
def test_heads_and_features_agree_in_number(heads: StateHeads) -> None:
    (row, _) = agent_features(
        Asked("and then?", "said"), READING, READING, Belief((0.9, 0.1), (0.5, 0.0))
    )
    assert len(heads.agent.weights) == len(row)
    assert len(heads.asks.weights) == len(asks_features(Asked("a"), READING, (0.0, 0.0)))
    assert len(heads.said.weights) == len(said_features(0.5, 1.0))
